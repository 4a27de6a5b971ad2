//! Evidence spans of meters with sound and with broken clocks, against a plain search.

use domain::Timestamp;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use store::NewReport;

use crate::ground::{Ground, at, meter, report};

/// Asserts that a span has what tells the volume from one instant to another: every reading between the two, the
/// nearest by the one and the nearest from the other on. A report's readings are its first and its last.
fn assert_tells(
    reports: &[NewReport],
    (from, to): (Timestamp, Timestamp),
    found: Option<(u64, u64)>,
) {
    let readings: Vec<(Timestamp, u64)> =
        reports.iter().flat_map(|r| [(r.first_at, r.seq), (r.last_at, r.seq)]).collect();
    let Some((first, last)) = found else {
        assert!(readings.iter().all(|(instant, _)| *instant > to), "nothing from {from} to {to}");
        return;
    };
    let is_there = |instant: Timestamp| {
        readings.iter().any(|(at, seq)| *at == instant && (first..=last).contains(seq))
    };
    let instants = || readings.iter().map(|(instant, _)| *instant);
    let nearest =
        [instants().filter(|at| *at <= from).max(), instants().filter(|at| *at >= to).min()];
    for instant in nearest.into_iter().flatten() {
        assert!(is_there(instant), "{instant} is not in {first} to {last}, of {from} to {to}");
    }
    for (instant, seq) in readings.iter().filter(|(at, _)| from < *at && *at < to) {
        assert!((first..=last).contains(seq), "{instant} in {seq} is not in {first} to {last}");
    }
}

/// Reports that start at the given seconds and last so long, in order of their numbers, with some numbers left out.
fn reports(code: &str, starts: &[(i64, i64)]) -> Vec<NewReport> {
    let numbered = (1..).step_by(3).zip(starts);
    numbered
        .map(|(seq, (start, lasts))| NewReport {
            first_at: at(*start),
            last_at: at(start + lasts),
            ..report(code, seq)
        })
        .collect()
}

pub async fn a_span_is_found_whatever_the_clock_did(ground: Ground) {
    const TRIALS: usize = 24;
    let store = ground.store().await;
    let mut runner = TestRunner::deterministic();
    let starts = prop::collection::vec((0_i64..200, 0_i64..12), 1..30);
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
                assert_tells(&all, (at(from), at(to)), found);
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
        let all = reports(&code, &[(100, 4), (200, 4), (20, 4), (300, 4)]);
        for position in order {
            let one = &all[*position..=*position];
            store.store_reports(at(1), one, &[]).await.unwrap();
        }
        for (from, to) in [(120, 130), (20, 22), (210, 290), (30, 50), (301, 302)] {
            let found = store.evidence_span(&meter(&code), at(from), at(to)).await.unwrap();
            assert_tells(&all, (at(from), at(to)), found);
        }
    }
}
