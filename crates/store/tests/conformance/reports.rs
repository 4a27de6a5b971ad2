//! Taking in reports and reading them back.

use store::{
    MAX_REPORTS_PER_BATCH, NewReport, SEQUENCE_IMPOSSIBLE, SEQUENCE_REUSED, StoreError, StoredBatch,
};

use crate::ground::{Ground, at, meter, report};

pub async fn reads_back_what_it_stored(ground: Ground) {
    let store = ground.store().await;
    let batch: Vec<NewReport> = (1..=5).map(|seq| report("m1", seq)).collect();
    let stored = store.store_reports(at(1), &batch, &[]).await.unwrap();
    let receipts = vec![(meter("m1"), 5)];
    assert_eq!(stored, StoredBatch { stored: 5, duplicates: 0, conflicts: 0, receipts });
    let read = store.reports(&meter("m1"), 2, 4).await.unwrap();
    let expected: Vec<(u64, Vec<u8>)> = (2..=4).map(|seq| (seq, report("m1", seq).bytes)).collect();
    assert_eq!(read.into_iter().map(|r| (r.seq, r.bytes)).collect::<Vec<_>>(), expected);
    assert_eq!(store.reports(&meter("m1"), 6, u64::MAX).await.unwrap(), []);
    assert_eq!(store.reports(&meter("unheard-of"), 1, 9).await.unwrap(), []);
    assert_eq!(store.report_count().await.unwrap(), 5);
    let nothing = store.store_reports(at(1), &[], &[]).await.unwrap();
    assert_eq!(nothing, StoredBatch::default());
}

pub async fn the_same_bytes_again_are_a_duplicate(ground: Ground) {
    let store = ground.store().await;
    let one = [report("m1", 1)];
    store.store_reports(at(1), &one, &[]).await.unwrap();
    let again = store.store_reports(at(2), &one, &[]).await.unwrap();
    assert_eq!((again.stored, again.duplicates, again.conflicts), (0, 1, 0));
    assert_eq!(again.receipts, [(meter("m1"), 1)]);
    // Twice in one batch, between others.
    let batch = [report("m1", 2), report("m2", 1), report("m1", 2), report("m1", 1)];
    let mixed = store.store_reports(at(3), &batch, &[]).await.unwrap();
    assert_eq!((mixed.stored, mixed.duplicates, mixed.conflicts), (2, 2, 0));
    assert_eq!(mixed.receipts, [(meter("m1"), 2), (meter("m2"), 1)]);
    assert_eq!(store.report_count().await.unwrap(), 3);
    assert_eq!(store.quarantine_counts().await.unwrap(), []);
}

pub async fn other_bytes_under_one_number_go_into_quarantine(ground: Ground) {
    let store = ground.store().await;
    store.store_reports(at(1), &[report("m1", 1)], &[]).await.unwrap();
    let forged = |seq, bytes: &[u8]| NewReport { bytes: bytes.to_vec(), ..report("m1", seq) };
    // Against what is stored, and against what came earlier in the same batch.
    let batch =
        [forged(1, b"x"), report("m1", 2), forged(2, b"y"), report("m1", 2), forged(2, b"z")];
    let stored = store.store_reports(at(2), &batch, &[]).await.unwrap();
    assert_eq!((stored.stored, stored.duplicates, stored.conflicts), (1, 1, 3));
    assert_eq!(stored.receipts, [(meter("m1"), 2)]);

    let kept = store.reports(&meter("m1"), 1, 2).await.unwrap();
    assert_eq!(kept[0].bytes, report("m1", 1).bytes);
    assert_eq!(kept[1].bytes, report("m1", 2).bytes);
    let apart = store.quarantine(None, 10).await.unwrap();
    let mut payloads: Vec<_> = apart.iter().map(|row| row.payload.clone()).collect();
    payloads.sort();
    assert_eq!(payloads, [b"x", b"y", b"z"]);
    assert!(apart.iter().all(|row| row.reason == SEQUENCE_REUSED && row.meter == "m1"));
    assert_eq!(store.quarantine_counts().await.unwrap(), [(SEQUENCE_REUSED.to_owned(), 3)]);
    assert_eq!(store.report_count().await.unwrap(), 2);
}

pub async fn rejects_a_number_that_cannot_be(ground: Ground) {
    let store = ground.store().await;
    let batch = [report("m1", 0), report("m1", u64::MAX), report("m1", 1)];
    let stored = store.store_reports(at(1), &batch, &[]).await.unwrap();
    assert_eq!((stored.stored, stored.conflicts), (1, 2));
    assert_eq!(stored.receipts, [(meter("m1"), 1)]);
    assert_eq!(store.quarantine_counts().await.unwrap(), [(SEQUENCE_IMPOSSIBLE.to_owned(), 2)]);
    // The largest that can be is kept, and harms nothing.
    let far = u64::try_from(i64::MAX).unwrap();
    let stored =
        store.store_reports(at(1), &[report("m1", far), report("m1", 2)], &[]).await.unwrap();
    assert_eq!(stored.receipts, [(meter("m1"), 2)]);
}

pub async fn rejects_a_batch_that_is_too_long(ground: Ground) {
    let store = ground.store().await;
    let batch = vec![report("m1", 1); MAX_REPORTS_PER_BATCH + 1];
    let error = store.store_reports(at(1), &batch, &[]).await.unwrap_err();
    assert!(matches!(error, StoreError::TooMany { .. }), "{error}");
    assert_eq!(store.report_count().await.unwrap(), 0);
}

/// More rows than one statement takes, some of them known, over many meters.
pub async fn a_large_batch_goes_in_whole(ground: Ground) {
    const METERS: u64 = 57;
    let store = ground.store().await;
    let all: Vec<NewReport> =
        (0..5000).map(|n| report(&format!("m{}", n % METERS), 1 + n / METERS)).collect();
    let known: Vec<NewReport> = all.iter().step_by(7).cloned().collect();
    let first = store.store_reports(at(1), &known, &[]).await.unwrap();
    assert_eq!(first.stored, known.len() as u64);
    let second = store.store_reports(at(2), &all, &[]).await.unwrap();
    assert_eq!(second.stored, (all.len() - known.len()) as u64);
    assert_eq!(second.duplicates, known.len() as u64);
    assert_eq!(second.receipts.len() as u64, METERS);
    for (code, stored_seq) in second.receipts {
        let mine = all.iter().filter(|report| report.meter == code).count() as u64;
        assert_eq!(stored_seq, mine, "{code}");
        assert_eq!(store.reports(&code, 1, mine).await.unwrap().len() as u64, mine);
    }
    assert_eq!(store.report_count().await.unwrap(), 5000);
}

/// Report n covers the seconds from 300 n to 300 n + 240.
pub async fn numbers_far_apart_are_read_in_their_order(ground: Ground) {
    let store = ground.store().await;
    let jumps = [1, 2, 15, 16, 17, 31, 33, 1_000, 1 << 40, (1 << 40) + 1, (1 << 62) + 7];
    // More stretches of missing numbers than are looked through at once.
    let scattered = (0..1_500).map(|step| 2_000 + step * 40);
    let most = u64::try_from(i64::MAX).unwrap();
    let mut numbers: Vec<u64> = jumps.into_iter().chain(scattered).chain([most]).collect();
    let reports: Vec<_> = numbers.iter().map(|seq| report("m1", *seq)).collect();
    // Others' reports lie between them.
    let others: Vec<_> = (1..=100).map(|seq| report("m2", seq)).collect();
    store.store_reports(at(1), &[others, reports].concat(), &[]).await.unwrap();

    numbers.sort_unstable();
    let edges =
        [0, 1, 2, 3, 14, 15, 16, 18, 32, 34, 999, 2_001, 61_960, 61_961, 1 << 40, 1 << 62, most];
    for first in edges {
        for last in edges.into_iter().chain([u64::MAX]) {
            let read = store.reports(meter("m1"), first, last).await.unwrap();
            let read: Vec<u64> = read.iter().map(|report| report.seq).collect();
            let wanted: Vec<u64> =
                numbers.iter().copied().filter(|seq| (first..=last).contains(seq)).collect();
            assert_eq!(read, wanted, "{first} to {last}");
        }
    }
    let few = store.reports_to_watch(meter("m1"), 18, u64::MAX, 3).await.unwrap();
    assert_eq!(few.iter().map(|report| report.seq).collect::<Vec<_>>(), [31, 33, 1_000]);
    // Found by halving in m3, whose times rise with its numbers, and by looking at all in m1.
    let rising: Vec<_> =
        numbers.iter().filter(|seq| **seq < 1_000_000).map(|seq| report("m3", *seq)).collect();
    store.store_reports(at(2), &rising, &[]).await.unwrap();
    for (code, behind_the_last) in [("m1", 1 << 40), ("m3", 61_960)] {
        let after = |seq: u64| at(i64::try_from(seq).unwrap() * 300 + 250);
        let span = async |from, to| store.evidence_span(meter(code), from, to).await.unwrap();
        assert_eq!(span(after(2_320), after(2_320)).await, Some((2_320, 2_360)), "{code}");
        let rest = span(after(17), after(61_960)).await;
        assert_eq!(rest, Some((17, behind_the_last)), "{code}");
        assert_eq!(span(at(0), at(299)).await, None, "{code}");
    }
}

pub async fn finds_the_evidence_of_a_span(ground: Ground) {
    let store = ground.store().await;
    let batch: Vec<NewReport> = [2, 3, 4, 6].map(|seq| report("m1", seq)).to_vec();
    store.store_reports(at(1), &batch, &[]).await.unwrap();
    for (from, to, expected) in [
        (600, 1440, Some((2, 4))),
        (700, 1400, Some((2, 4))),
        // Between two reports: the one before and the one after.
        (850, 860, Some((2, 3))),
        (899, 1141, Some((2, 4))),
        (900, 1140, Some((3, 3))),
        // The fifth is missing.
        (1500, 1600, Some((4, 6))),
        (1900, 2040, Some((6, 6))),
        // Nothing before, nothing after: as far as there is something.
        (599, 1000, Some((2, 3))),
        (700, 2041, Some((2, 6))),
        (500, 599, None),
    ] {
        let span = store.evidence_span(&meter("m1"), at(from), at(to)).await.unwrap();
        assert_eq!(span, expected, "{from} to {to}");
    }
    assert_eq!(store.evidence_span(&meter("m9"), at(700), at(800)).await.unwrap(), None);
}

pub async fn tells_what_each_meter_did(ground: Ground) {
    let store = ground.store().await;
    assert_eq!(store.meter_activity().await.unwrap(), []);
    store.store_reports(at(5000), &[report("m2", 2), report("m1", 1)], &[]).await.unwrap();
    store.store_reports(at(6000), &[report("m2", 1)], &[]).await.unwrap();
    // A repetition is not news.
    store.store_reports(at(7000), &[report("m2", 1)], &[]).await.unwrap();
    let activity = store.meter_activity().await.unwrap();
    let told: Vec<_> = activity
        .iter()
        .map(|a| (a.meter.as_str(), a.stored_seq, a.reports, a.last_at, a.last_received_at))
        .collect();
    assert_eq!(
        told,
        [("m1", 1, 1, Some(at(540)), Some(at(5000))), ("m2", 2, 2, Some(at(840)), Some(at(6000))),]
    );
}
