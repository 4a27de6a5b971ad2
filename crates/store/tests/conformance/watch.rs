//! What is remembered of each meter.

use domain::watch::{AlarmKind, Cause};
use store::{
    AlarmChange, MAX_WATCH_STEPS_PER_CALL, NewAppend, StoreError, Stream, StreamId, WatchRow,
    WatchStep,
};

use crate::alarms::{of_meter, seen};
use crate::ground::{Ground, at, meter, report};

/// The first step of a meter.
pub fn first_step(code: &str) -> WatchStep {
    WatchStep {
        meter: meter(code),
        expected_version: None,
        reports: Some(0),
        look_at: None,
        state: "{}".into(),
        alarms: Vec::new(),
        flows: Vec::new(),
    }
}

pub async fn a_meter_is_looked_at_when_something_came(ground: Ground) {
    let store = ground.store().await;
    let reports = [report("m1", 1), report("m1", 2), report("m2", 1), report("m3", 1)];
    store.store_reports(at(5), &reports, &[]).await.unwrap();
    let found = store.meters_to_watch(at(9), None, 2).await.unwrap();
    let codes: Vec<_> = found.iter().map(|one| (one.meter.as_str(), one.reports)).collect();
    assert_eq!(codes, [("m1", 2), ("m2", 1)]);
    let rest = store.meters_to_watch(at(9), Some(&meter("m2")), 9).await.unwrap();
    assert_eq!((rest.len(), rest[0].watch.clone()), (1, None));

    let read = store.reports_to_watch(&meter("m1"), 2, u64::MAX, 9).await.unwrap();
    assert_eq!((read.len(), read[0].seq, read[0].received_at), (1, 2, at(5)));
    assert_eq!(read[0].bytes, report("m1", 2).bytes);
    assert_eq!(store.reports_to_watch(&meter("m1"), 1, 2, 1).await.unwrap()[0].seq, 1);

    let all = WatchStep { reports: Some(2), state: "{\"seq\":2}".into(), ..first_step("m1") };
    let part = WatchStep { reports: None, ..first_step("m2") };
    assert_eq!(store.take_watch_steps(at(9), &[part, all]).await.unwrap(), 2);
    let left = store.meters_to_watch(at(9), None, 9).await.unwrap();
    let codes: Vec<_> = left.iter().map(|one| one.meter.as_str()).collect();
    assert_eq!(codes, ["m2", "m3"]);
    let remembered = WatchRow { version: 1, state: "{\"seq\":2}".into() };
    assert_eq!(store.watch(&meter("m1")).await.unwrap(), Some(remembered));
    store.store_reports(at(9), &[report("m1", 3)], &[]).await.unwrap();
    assert_eq!(store.meters_to_watch(at(9), None, 1).await.unwrap()[0].reports, 3);
    assert_eq!(store.reports_to_watch(&meter("nobody"), 1, 9, 9).await.unwrap(), []);
}

pub async fn an_entry_by_hand_is_something_that_came(ground: Ground) {
    let store = ground.store().await;
    store.store_reports(at(5), &[report("m1", 1)], &[]).await.unwrap();
    let seen = WatchStep { reports: Some(1), ..first_step("m1") };
    store.take_watch_steps(at(9), &[seen]).await.unwrap();
    let manual = StreamId::manual(&meter("m1"));
    let entry =
        NewAppend { stream: manual.clone(), source: [1; 32], first_at: at(6), last_at: at(6) };
    store.append(at(7), &[entry], |_, _| Some(b"entry".to_vec())).await.unwrap();
    let found = store.meters_to_watch(at(9), None, 9).await.unwrap();
    assert_eq!((found.len(), found[0].reports), (1, 2));
    let read = store.reports_to_watch(&manual, 1, 9, 9).await.unwrap();
    assert_eq!(
        (read.len(), read[0].received_at, read[0].bytes.clone()),
        (1, at(7), b"entry".to_vec())
    );
    let own = store.meter_activity_of(&meter("m1")).await.unwrap().unwrap();
    assert_eq!((own.reports, own.stream), (1, Stream::Primary));
    let by_hand = store.meter_activity_of(manual).await.unwrap().unwrap();
    assert_eq!((by_hand.reports, by_hand.last_at), (1, Some(at(6))));
    assert_eq!(store.meter_activity_of(&meter("nobody")).await.unwrap(), None);
}

pub async fn a_meter_is_looked_at_when_its_time_comes(ground: Ground) {
    let store = ground.store().await;
    store.store_reports(at(5), &[report("m1", 1)], &[]).await.unwrap();
    let later = WatchStep { reports: Some(1), look_at: Some(at(100)), ..first_step("m1") };
    store.take_watch_steps(at(9), &[later]).await.unwrap();
    assert_eq!(store.meters_to_watch(at(99), None, 9).await.unwrap(), []);
    assert_eq!(store.meters_to_watch(at(100), None, 9).await.unwrap().len(), 1);
}

pub async fn of_two_servers_one_takes_a_step(ground: Ground) {
    let (store, other) = (ground.store().await, ground.store().await);
    let raising =
        WatchStep { alarms: vec![seen(of_meter("m1"), Cause::Tamper, at(3))], ..first_step("m1") };
    assert_eq!(store.take_watch_steps(at(9), std::slice::from_ref(&raising)).await.unwrap(), 1);
    assert_eq!(other.take_watch_steps(at(9), std::slice::from_ref(&raising)).await.unwrap(), 0);
    let next = WatchStep {
        expected_version: Some(1),
        alarms: vec![
            seen(of_meter("m1"), Cause::Tamper, at(4)),
            AlarmChange::Over(of_meter("m1"), AlarmKind::Silent),
        ],
        ..raising
    };
    assert_eq!(other.take_watch_steps(at(9), std::slice::from_ref(&next)).await.unwrap(), 1);
    assert_eq!(store.take_watch_steps(at(9), std::slice::from_ref(&next)).await.unwrap(), 0);
    let alarms = store.open_alarms(None, None, 9).await.unwrap();
    assert_eq!((alarms.len(), alarms[0].times), (1, 2));
    assert_eq!(store.watch(&meter("m1")).await.unwrap().unwrap().version, 2);
}

pub async fn rejects_too_many_steps(ground: Ground) {
    let store = ground.store().await;
    let steps: Vec<WatchStep> =
        (0..=MAX_WATCH_STEPS_PER_CALL).map(|n| first_step(&format!("m{n}"))).collect();
    let error = store.take_watch_steps(at(1), &steps).await.unwrap_err();
    assert!(matches!(error, StoreError::TooMany { .. }), "{error}");
    assert_eq!(store.watch(&meter("m0")).await.unwrap(), None);
}
