//! Reports that are made here: hand-entered envelopes, and what a gateway vouches for.

use store::{MAX_REPORTS_PER_BATCH, NewAppend, Next, Store, StoreError, Stream, StreamId};

use crate::ground::{Ground, at, meter, report};

/// Something that came through a gateway; `mark` makes its source.
fn uplink(code: &str, mark: u8) -> NewAppend {
    NewAppend {
        stream: meter(code).into(),
        source: [mark; 32],
        first_at: at(i64::from(mark) * 300),
        last_at: at(i64::from(mark) * 300 + 240),
    }
}

/// A report that names its number and quotes the one before.
fn chained(next: Next<'_>) -> Vec<u8> {
    let before = String::from_utf8_lossy(next.previous.unwrap_or(b"nothing")).into_owned();
    let before = before.split(" after").next().unwrap_or_default().to_owned();
    format!("a gateway's report {} after {before}", next.seq).into_bytes()
}

async fn texts(store: &Store, stream: impl Into<StreamId>) -> Vec<String> {
    let reports = store.reports(stream, 1, u64::MAX).await.unwrap();
    reports.into_iter().map(|report| String::from_utf8(report.bytes).unwrap()).collect()
}

pub async fn an_envelope_is_kept_once(ground: Ground) {
    let store = ground.store().await;
    let enter = async |text: &str| {
        store.append_manual(at(99), &meter("m1"), at(10), at(20), text.as_bytes()).await.unwrap()
    };
    assert_eq!(enter("{\"payload\":\"one\"}").await, 1);
    assert_eq!(enter("{\"payload\":\"two\"}").await, 2);
    assert_eq!(enter("{\"payload\":\"one\"}").await, 1);
    assert_eq!(enter("{\"payload\":\"three\"}").await, 3);
    let manual = StreamId::manual(&meter("m1"));
    let all = ["{\"payload\":\"one\"}", "{\"payload\":\"two\"}", "{\"payload\":\"three\"}"];
    assert_eq!(texts(&store, &manual).await, all);
    // All three are of the same time, and each may have readings that the others have not.
    assert_eq!(store.evidence_span(&manual, at(10), at(20)).await.unwrap(), Some((1, 3)));

    // It is another stream than the meter's own, which has the same numbers.
    let own = [report("m1", 1), report("m1", 2)];
    let stored = store.store_reports(at(100), &own, &[]).await.unwrap();
    assert_eq!((stored.stored, stored.receipts), (2, vec![(meter("m1"), 2)]));
    assert_eq!(texts(&store, &meter("m1")).await, ["report 1 of m1", "report 2 of m1"]);
    let activity = store.meter_activity().await.unwrap();
    let told: Vec<_> = activity.iter().map(|one| (one.stream, one.reports)).collect();
    assert_eq!(told, [(Stream::Primary, 2), (Stream::Manual, 3)]);
}

pub async fn appended_reports_follow_each_other(ground: Ground) {
    let store = ground.store().await;
    // Two of one meter in one call, and one that came before.
    let items = [uplink("m1", 1), uplink("m2", 1), uplink("m1", 2), uplink("m1", 1)];
    let seqs = store.append(at(9), &items, |_, next| Some(chained(next))).await.unwrap();
    assert_eq!(seqs, [Some(1), Some(1), Some(2), Some(1)]);
    let again = [uplink("m1", 2), uplink("m1", 3)];
    let seqs = store.append(at(10), &again, |_, next| Some(chained(next))).await.unwrap();
    assert_eq!(seqs, [Some(2), Some(3)]);
    assert_eq!(
        texts(&store, &meter("m1")).await,
        [
            "a gateway's report 1 after nothing",
            "a gateway's report 2 after a gateway's report 1",
            "a gateway's report 3 after a gateway's report 2",
        ]
    );
    assert_eq!(store.evidence_span(&meter("m1"), at(610), at(700)).await.unwrap(), Some((2, 2)));
    assert_eq!(store.meter_activity().await.unwrap()[0].stored_seq, 3);
}

pub async fn what_is_not_made_takes_no_number(ground: Ground) {
    let store = ground.store().await;
    let items = [uplink("m1", 1), uplink("m1", 2), uplink("m1", 3)];
    let make = |position, next: Next<'_>| (position != 1).then(|| chained(next));
    let seqs = store.append(at(9), &items, make).await.unwrap();
    assert_eq!(seqs, [Some(1), None, Some(2)]);
    let seqs = store.append(at(9), &items, |_, next| Some(chained(next))).await.unwrap();
    assert_eq!(seqs, [Some(1), Some(3), Some(2)]);
    let nothing = store.append(at(9), &[], |_, next| Some(chained(next))).await.unwrap();
    assert_eq!(nothing, []);
}

pub async fn rejects_more_to_append_than_a_batch_holds(ground: Ground) {
    let store = ground.store().await;
    let items = vec![uplink("m1", 1); MAX_REPORTS_PER_BATCH + 1];
    let error = store.append(at(9), &items, |_, next| Some(chained(next))).await.unwrap_err();
    assert!(matches!(error, StoreError::TooMany { .. }), "{error}");
}

/// A device that turns into a gateway's goes on where it was.
pub async fn an_appended_report_follows_a_devices(ground: Ground) {
    let store = ground.store().await;
    let own = [report("m1", 1), report("m1", 2), report("m1", 5)];
    store.store_reports(at(9), &own, &[]).await.unwrap();
    let seqs =
        store.append(at(9), &[uplink("m1", 9)], |_, next| Some(chained(next))).await.unwrap();
    assert_eq!(seqs, [Some(6)]);
    let last = store.reports(&meter("m1"), 6, 6).await.unwrap().remove(0);
    assert_eq!(last.bytes, b"a gateway's report 6 after report 5 of m1");
    assert_eq!(store.missing_reports(&meter("m1")).await.unwrap(), [(3, 4)]);
}

/// Of two servers none gives a number twice, and every report quotes the one before it.
pub async fn two_servers_make_one_chain(ground: Ground) {
    const EACH: u8 = 25;
    let servers = [ground.store().await, ground.store().await];
    let tasks = servers.clone().into_iter().enumerate().map(|(number, store)| {
        tokio::spawn(async move {
            for n in 1..=EACH {
                let mark = n + EACH * u8::try_from(number).unwrap();
                let mut items = vec![uplink("m1", mark), uplink("m2", mark)];
                if number == 1 {
                    items.reverse();
                }
                store.append(at(9), &items, |_, next| Some(chained(next))).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    for code in ["m1", "m2"] {
        let chain = texts(&servers[0], &meter(code)).await;
        assert_eq!(chain.len(), usize::from(EACH) * 2);
        for (text, seq) in chain.iter().zip(1..).skip(1) {
            let before = seq - 1;
            let whole = format!("a gateway's report {seq} after a gateway's report {before}");
            assert_eq!(*text, whole);
        }
    }
}
