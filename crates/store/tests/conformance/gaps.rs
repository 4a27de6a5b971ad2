//! What is missing below a meter's highest number.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use store::{MAX_GAPS_PER_READ, MeterActivity, NewReport, Store, StreamId};

use crate::ground::{Ground, at, meter, report};

async fn send(store: &Store, code: &str, seqs: impl IntoIterator<Item = u64>) {
    let batch: Vec<NewReport> = seqs.into_iter().map(|seq| report(code, seq)).collect();
    store.store_reports(at(1), &batch, &[]).await.unwrap();
}

async fn activity(store: &Store, code: &str) -> MeterActivity {
    let all = store.meter_activity().await.unwrap();
    all.into_iter().find(|one| one.meter == meter(code)).unwrap()
}

pub async fn gaps_open_and_close(ground: Ground) {
    let store = ground.store().await;
    assert_eq!(store.missing_reports(&meter("m1")).await.unwrap(), []);
    send(&store, "m1", 1..=3).await;
    assert_eq!(store.missing_reports(&meter("m1")).await.unwrap(), []);
    send(&store, "m1", [10, 12, 20]).await;
    let missing = store.missing_reports(&meter("m1")).await.unwrap();
    assert_eq!(missing, [(4, 9), (11, 11), (13, 19)]);
    let meter_row = activity(&store, "m1").await;
    assert_eq!((meter_row.gaps, meter_row.missing(), meter_row.highest_seq), (3, 14, 20));

    // From within, from both ends, whole; and in one batch what opens another.
    send(&store, "m1", [6, 11, 13, 19, 30]).await;
    let missing = store.missing_reports(&meter("m1")).await.unwrap();
    assert_eq!(missing, [(4, 5), (7, 9), (14, 18), (21, 29)]);
    send(&store, "m1", (4..=9).chain(14..=18).chain(21..=29)).await;
    assert_eq!(store.missing_reports(&meter("m1")).await.unwrap(), []);
    let meter_row = activity(&store, "m1").await;
    assert_eq!((meter_row.gaps, meter_row.missing(), meter_row.stored_seq), (0, 0, 30));
    // Another meter's gaps are its own, and so are another stream's.
    send(&store, "m2", [5]).await;
    assert_eq!(store.missing_reports(&meter("m2")).await.unwrap(), [(1, 4)]);
    assert_eq!(store.missing_reports(StreamId::manual(&meter("m2"))).await.unwrap(), []);
}

/// Whatever the order and however often: the gaps are what was not sent.
pub async fn gaps_are_what_was_not_sent(ground: Ground) {
    const NUMBERS: u64 = 40;
    let store = ground.store().await;
    let mut runner = TestRunner::deterministic();
    let numbers = prop::collection::vec(1..=NUMBERS, 1..60);
    for trial in 0..20 {
        let code = format!("m{trial}");
        let order = numbers.new_tree(&mut runner).unwrap().current();
        for batch in order.chunks(1 + trial % 7) {
            send(&store, &code, batch.iter().copied()).await;
        }
        let highest = order.iter().copied().max().unwrap();
        let plain: Vec<u64> = (1..highest).filter(|seq| !order.contains(seq)).collect();
        let gaps = store.missing_reports(&meter(&code)).await.unwrap();
        let told: Vec<u64> = gaps.iter().flat_map(|(first, last)| *first..=*last).collect();
        assert_eq!(told, plain, "{order:?}");
        assert!(gaps.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0), "{gaps:?}");
        let row = activity(&store, &code).await;
        assert_eq!(row.missing(), plain.len() as u64, "{order:?}");
        assert_eq!(row.stored_seq, plain.first().map_or(highest, |first| first - 1), "{order:?}");
    }
}

/// A meter that skips every other number cannot make a page endless.
pub async fn many_gaps_are_read_up_to_a_limit(ground: Ground) {
    let store = ground.store().await;
    let most = u64::try_from(MAX_GAPS_PER_READ).unwrap();
    send(&store, "m1", (1..=most + 5).map(|n| 2 * n)).await;
    let gaps = store.missing_reports(&meter("m1")).await.unwrap();
    assert_eq!(gaps.len() as u64, most);
    assert_eq!((gaps[0], gaps[gaps.len() - 1]), ((1, 1), (2 * most - 1, 2 * most - 1)));
    assert_eq!(activity(&store, "m1").await.gaps, most + 5);
}
