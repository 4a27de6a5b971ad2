//! Alarms: raised, seen again, acknowledged, cleared.

use domain::Timestamp;
use domain::watch::{AlarmKind, Cause, Sighting};
use store::{Acknowledgement, AlarmChange, Store, StoreError, Subject};

use crate::ground::{Ground, at, meter, outlet, person, turn};

pub fn of_meter(code: &str) -> Subject {
    Subject::Meter(meter(code), Some(outlet("w1")))
}

pub fn seen(subject: Subject, cause: Cause, when: Timestamp) -> AlarmChange {
    AlarmChange::Seen(subject, Sighting { cause, since: when, last_at: when, times: 1 })
}

async fn kinds(store: &Store) -> Vec<AlarmKind> {
    let open = store.open_alarms(None, None, 100).await.unwrap();
    open.iter().map(|alarm| alarm.cause.kind()).collect()
}

pub async fn an_alarm_is_raised_seen_again_and_cleared(ground: Ground) {
    let store = ground.store().await;
    let reboots = |times| Cause::Reboots { times };
    let first = [
        seen(of_meter("m1"), reboots(4), at(50)),
        seen(of_meter("m1"), reboots(5), at(40)),
        seen(of_meter("m2"), reboots(4), at(60)),
    ];
    store.change_alarms(at(100), &first).await.unwrap();
    let open = store.open_alarms_of_kind(AlarmKind::Reboots).await.unwrap();
    assert_eq!(open.len(), 2);
    let one = &open[0];
    assert_eq!((one.cause.clone(), one.times), (reboots(5), 2));
    assert_eq!((one.since, one.last_at, one.raised_at), (at(40), at(50), at(100)));
    assert_eq!((one.subject.as_str(), one.meter.clone()), ("m1", Some(meter("m1"))));
    assert_eq!((one.outlet.clone(), one.cleared_at), (Some(outlet("w1")), None));

    let over = [
        AlarmChange::Over(of_meter("m1"), AlarmKind::Reboots),
        AlarmChange::Over(of_meter("m1"), AlarmKind::Silent),
    ];
    store.change_alarms(at(200), &over).await.unwrap();
    store.change_alarms(at(300), &over).await.unwrap();
    let cleared = store.cleared_alarms(None, None, 10).await.unwrap();
    assert_eq!((cleared.len(), cleared[0].cleared_at), (1, Some(at(200))));
    assert_eq!(store.cleared_alarms(Some(AlarmKind::Tamper), None, 10).await.unwrap(), []);

    let told_more = |cause, when| {
        let sighting = Sighting { cause, since: at(0), last_at: when, times: 0 };
        [AlarmChange::Seen(of_meter("m1"), sighting)]
    };
    store.change_alarms(at(350), &told_more(reboots(1), at(349))).await.unwrap();
    store.change_alarms(at(400), &[seen(of_meter("m1"), reboots(9), at(390))]).await.unwrap();
    store.change_alarms(at(400), &told_more(reboots(10), at(395))).await.unwrap();
    let history = store.alarms_of_meter(&meter("m1"), 10).await.unwrap();
    assert_eq!(history.len(), 2);
    assert_eq!((history[0].times, history[1].id), (1, cleared[0].id));
    assert_eq!((&history[0].cause, history[0].last_at), (&reboots(10), at(395)));
    assert_eq!(history[0].since, at(390));
    store.change_alarms(at(500), &[AlarmChange::Clear(history[1].id)]).await.unwrap();
    assert_eq!(store.alarms_of_meter(&meter("m1"), 10).await.unwrap(), history);
    assert_eq!(store.alarm(history[0].id).await.unwrap().as_ref(), Some(&history[0]));
    store.change_alarms(at(500), &[AlarmChange::Clear(history[0].id)]).await.unwrap();
    assert_eq!(store.alarm(history[0].id).await.unwrap().unwrap().cleared_at, Some(at(500)));
}

pub async fn the_most_urgent_stands_first(ground: Ground) {
    let store = ground.store().await;
    let late = Cause::LateData {
        turn: turn("t1"),
        statement: 3,
        signed: domain::Litres(5),
        measured: None,
    };
    let about_outlet = Subject::Outlet(outlet("w1"), meter("m1"));
    let changes = [
        seen(of_meter("m1"), Cause::LowBattery, at(1)),
        seen(of_meter("m2"), Cause::LowBattery, at(2)),
        seen(about_outlet, Cause::UseOutsideRound { litres: domain::Litres(9) }, at(3)),
        seen(Subject::Turn(turn("t1"), outlet("w1")), late.clone(), at(4)),
        seen(of_meter("m1"), Cause::Tamper, at(5)),
    ];
    store.change_alarms(at(10), &changes).await.unwrap();
    assert_eq!(
        kinds(&store).await,
        [
            AlarmKind::Tamper,
            AlarmKind::UseOutsideRound,
            AlarmKind::LateData,
            AlarmKind::LowBattery,
            AlarmKind::LowBattery
        ]
    );
    let of_turn = &store.open_alarms_of_kind(AlarmKind::LateData).await.unwrap()[0];
    assert_eq!((&of_turn.cause, of_turn.subject.as_str()), (&late, "t1"));
    assert_eq!((of_turn.meter.clone(), of_turn.outlet.clone()), (None, Some(outlet("w1"))));

    let newest = store.open_alarms(Some(AlarmKind::LowBattery), None, 1).await.unwrap();
    assert_eq!(newest[0].subject, "m2");
    let older =
        store.open_alarms(Some(AlarmKind::LowBattery), Some(newest[0].id), 9).await.unwrap();
    assert_eq!((older.len(), older[0].subject.as_str()), (1, "m1"));
    let kinds = store.open_alarm_kinds(&meter("m1"), &meter("m1")).await.unwrap();
    let kinds: Vec<_> = kinds.into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds, [AlarmKind::Tamper, AlarmKind::UseOutsideRound, AlarmKind::LowBattery]);
    assert_eq!(store.open_alarm_kinds(&meter("m1"), &meter("m9")).await.unwrap().len(), 4);
    let counts = store.alarm_counts().await.unwrap();
    let counts: Vec<_> = counts.iter().map(|count| (count.kind, count.open)).collect();
    assert_eq!(counts[0], (AlarmKind::Tamper, 1));
    assert_eq!(counts[3], (AlarmKind::LowBattery, 2));
    assert_eq!(ground.of_district("other").store().await.alarm_counts().await.unwrap(), []);
}

pub async fn an_acknowledged_alarm_says_by_whom(ground: Ground) {
    let store = ground.store().await;
    let changes = [
        seen(of_meter("m1"), Cause::LowBattery, at(1)),
        seen(of_meter("m1"), Cause::Tamper, at(1)),
    ];
    store.change_alarms(at(10), &changes).await.unwrap();
    let ids: Vec<i64> =
        store.open_alarms(None, None, 9).await.unwrap().iter().map(|alarm| alarm.id).collect();
    let noted =
        Acknowledgement {
            by: person("s01"), at: at(20), note: "电池已带上，明天换".into()
        };
    assert!(store.acknowledge_alarm(ids[1], &noted, false).await.unwrap());
    assert!(store.acknowledge_alarm(ids[0], &noted, true).await.unwrap());
    assert!(!store.acknowledge_alarm(ids[0], &noted, true).await.unwrap());
    assert!(!store.acknowledge_alarm(999_999, &noted, true).await.unwrap());
    let battery = store.alarm(ids[1]).await.unwrap().unwrap();
    assert_eq!((battery.cleared_at, battery.acknowledged), (None, Some(noted.clone())));
    let tamper = store.alarm(ids[0]).await.unwrap().unwrap();
    assert_eq!((tamper.cleared_at, tamper.acknowledged), (Some(at(20)), Some(noted)));
    let counts = store.alarm_counts().await.unwrap();
    assert_eq!((counts.len(), counts[0].open, counts[0].unacknowledged), (1, 1, 0));
}

pub async fn a_cause_nobody_wrote_is_corrupt(ground: Ground) {
    let store = ground.store().await;
    store.change_alarms(at(1), &[seen(of_meter("m1"), Cause::Tamper, at(1))]).await.unwrap();
    let district = &ground.district;
    ground
        .tamper(&format!(
            "UPDATE alarm SET cause = '\"fire\"'
             WHERE district = (SELECT id FROM district WHERE code = '{district}')"
        ))
        .await;
    let error = store.open_alarms(None, None, 9).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { table: "alarm", .. }), "{error}");
}
