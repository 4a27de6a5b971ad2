//! Receipts: up to where a meter's reports are stored without a gap.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use store::{NewReport, Store};

use crate::ground::{Ground, at, meter, report};

/// Stores reports of one meter; returns its receipt.
async fn receipt(store: &Store, code: &str, seqs: impl IntoIterator<Item = u64>) -> u64 {
    let batch: Vec<NewReport> = seqs.into_iter().map(|seq| report(code, seq)).collect();
    let stored = store.store_reports(at(1), &batch, &[]).await.unwrap();
    assert_eq!(stored.receipts.len(), 1);
    stored.receipts[0].1
}

pub async fn a_receipt_stops_at_the_first_gap(ground: Ground) {
    let store = ground.store().await;
    assert_eq!(receipt(&store, "m1", [2, 3]).await, 0);
    assert_eq!(receipt(&store, "m1", [1]).await, 3);
    assert_eq!(receipt(&store, "m1", [7, 5]).await, 3);
    assert_eq!(receipt(&store, "m1", [9, 4]).await, 5);
    // What is stored already still says how far it is.
    assert_eq!(receipt(&store, "m1", [2]).await, 5);
    assert_eq!(receipt(&store, "m1", [6]).await, 7);
    assert_eq!(receipt(&store, "m1", [8, 10, 11]).await, 11);
}

pub async fn any_order_ends_in_the_same_receipt(ground: Ground) {
    const REPORTS: u64 = 40;
    let store = ground.store().await;
    let mut runner = TestRunner::deterministic();
    let order = Just((1..=REPORTS).chain(5..=15).collect::<Vec<u64>>()).prop_shuffle();
    for trial in 0..20 {
        let code = format!("m{trial}");
        let order = order.new_tree(&mut runner).unwrap().current();
        let mut seen: BTreeSet<u64> = BTreeSet::new();
        for batch in order.chunks(1 + trial) {
            seen.extend(batch);
            let whole = (1..=REPORTS).take_while(|seq| seen.contains(seq)).count() as u64;
            assert_eq!(receipt(&store, &code, batch.iter().copied()).await, whole, "{order:?}");
        }
        assert_eq!(store.reports(&meter(&code), 1, REPORTS).await.unwrap().len() as u64, REPORTS);
    }
}

/// However long the run behind a gap is, the report that fills it is answered with the end of the run.
pub async fn a_long_run_is_caught_up_at_once(ground: Ground) {
    const STEP: u64 = 10_000;
    let store = ground.store().await;
    for start in [2, 2 + STEP] {
        assert_eq!(receipt(&store, "m1", start..start + STEP).await, 0);
    }
    assert_eq!(receipt(&store, "m1", [1]).await, 1 + 2 * STEP);
    assert_eq!(receipt(&store, "m1", [3 + 2 * STEP]).await, 1 + 2 * STEP);
    assert_eq!(receipt(&store, "m1", [2 + 2 * STEP]).await, 3 + 2 * STEP);
}

pub async fn two_servers_lose_nothing(ground: Ground) {
    const METERS: u64 = 20;
    const REPORTS: u64 = 30;
    let servers = [ground.store().await, ground.store().await];
    let tasks = servers.clone().into_iter().enumerate().map(|(number, store)| {
        // Each report goes to one of them, every fifth to both; they meet the meters in opposite order.
        tokio::spawn(async move {
            for seq in 1..=REPORTS {
                let mine = |n: &u64| (n + seq) % 2 == number as u64 || (n + seq).is_multiple_of(5);
                let mut batch: Vec<NewReport> =
                    (0..METERS).filter(mine).map(|n| report(&format!("m{n}"), seq)).collect();
                if number == 1 {
                    batch.reverse();
                }
                store.store_reports(at(1), &batch, &[]).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(servers[0].report_count().await.unwrap(), METERS * REPORTS);
    let activity = servers[1].meter_activity().await.unwrap();
    assert_eq!(activity.len() as u64, METERS);
    assert!(activity.iter().all(|meter| meter.stored_seq == REPORTS), "{activity:?}");
}
