//! Evidence spans of meters with sound and with broken clocks, against a plain search.

use domain::Timestamp;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use store::NewReport;

use crate::ground::{Ground, at, meter, report};

/// The rule as its documentation states it, over reports in any order.
fn plain(reports: &[NewReport], from: Timestamp, to: Timestamp) -> Option<(u64, u64)> {
    let starting_by =
        |at| reports.iter().filter(|r| r.first_at <= at).max_by_key(|r| (r.first_at, r.seq));
    let last = starting_by(to)?;
    let after = reports.iter().filter(|r| r.first_at > to).min_by_key(|r| (r.first_at, r.seq));
    let last = after.filter(|_| last.last_at < to).unwrap_or(last).seq;
    let earliest = reports.iter().min_by_key(|r| (r.first_at, r.seq))?;
    let first = starting_by(from).unwrap_or(earliest).seq;
    Some((first.min(last), first.max(last)))
}

/// Reports that start at the given seconds, in order of their numbers, with some numbers left out.
fn reports(code: &str, starts: &[i64]) -> Vec<NewReport> {
    let numbered = (1..).step_by(3).zip(starts);
    numbered
        .map(|(seq, start)| NewReport {
            first_at: at(*start),
            last_at: at(start + 4),
            ..report(code, seq)
        })
        .collect()
}

pub async fn a_span_is_found_whatever_the_clock_did(ground: Ground) {
    const TRIALS: usize = 24;
    let store = ground.store().await;
    let mut runner = TestRunner::deterministic();
    let starts = prop::collection::vec(0_i64..200, 1..30);
    for trial in 0..TRIALS {
        let code = format!("m{trial}");
        let mut starts = starts.new_tree(&mut runner).unwrap().current();
        // Two of three clocks only go forward; the third jumps about.
        if trial % 3 != 0 {
            starts.sort_unstable();
        }
        let all = reports(&code, &starts);
        // In the order of their numbers, or in any.
        let order = Just(all.clone()).prop_shuffle().new_tree(&mut runner).unwrap().current();
        let order = if trial % 2 == 0 { order } else { all.clone() };
        for batch in order.chunks(4) {
            store.store_reports(at(1), batch, &[]).await.unwrap();
        }
        for from in (-1..210).step_by(9) {
            for to in (from..215).step_by(17) {
                let found = store.evidence_span(&meter(&code), at(from), at(to)).await.unwrap();
                assert_eq!(found, plain(&all, at(from), at(to)), "{from} to {to} of {starts:?}");
            }
        }
    }
}

/// A clock that jumps back once is enough, wherever the report arrives.
pub async fn a_clock_that_jumped_back_is_noticed(ground: Ground) {
    let store = ground.store().await;
    for (trial, order) in
        [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]].iter().enumerate()
    {
        let code = format!("m{trial}");
        let all = reports(&code, &[100, 200, 20, 300]);
        for position in order {
            let one = &all[*position..=*position];
            store.store_reports(at(1), one, &[]).await.unwrap();
        }
        for (from, to) in [(120, 130), (20, 22), (210, 290), (30, 50), (301, 302)] {
            let found = store.evidence_span(&meter(&code), at(from), at(to)).await.unwrap();
            assert_eq!(found, plain(&all, at(from), at(to)), "{from} to {to} by {order:?}");
        }
    }
}
