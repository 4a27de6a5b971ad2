//! Old reports leave for archive files and come back; what is left says so.

use store::{
    ArchivedReport, ArchivedRun, MAX_REPORTS_PER_REMOVAL, Month, NewReport, RestoredBatch, Store,
    StoreError, StreamId,
};

use crate::ground::{Ground, at, meter, report};

const DAY_SECONDS: i64 = 24 * 3600;

/// The report of a day, counted from 1: from its noon to a minute later. Day 1 is the first of May.
fn of_day(code: &str, day: u64) -> NewReport {
    let noon = i64::try_from(day - 1).unwrap() * DAY_SECONDS;
    NewReport { first_at: at(noon), last_at: at(noon + 60), ..report(code, day) }
}

fn days(code: &str, days: impl IntoIterator<Item = u64>) -> Vec<NewReport> {
    days.into_iter().map(|day| of_day(code, day)).collect()
}

fn may() -> Month {
    Month::of(at(0))
}

fn run(code: &str, first_seq: u64, last_seq: u64) -> ArchivedRun {
    ArchivedRun { stream: meter(code).into(), first_seq, last_seq }
}

async fn send(store: &Store, reports: &[NewReport]) -> (u64, u64, u64) {
    let stored = store.store_reports(at(200 * DAY_SECONDS), reports, &[]).await.unwrap();
    (stored.stored, stored.duplicates, stored.conflicts)
}

/// Removes reports by whichever way the engine offers.
async fn remove(store: &Store, month: Month, runs: &[ArchivedRun]) {
    if !store.clear_month(month, runs).await.unwrap() {
        store.remove_archived(month, runs).await.unwrap();
    }
}

async fn numbers(store: &Store, stream: impl Into<StreamId>) -> Vec<u64> {
    let left = store.reports(stream, 1, u64::MAX).await.unwrap();
    left.into_iter().map(|report| report.seq).collect()
}

pub async fn old_reports_are_found_and_read_by_month(ground: Ground) {
    let store = ground.store().await;
    // Day 32 is the first of June.
    send(&store, &days("m1", 30..=33)).await;
    send(&store, &days("m2", [40, 41])).await;
    let old = store.streams_with_reports_before(at(39 * DAY_SECONDS)).await.unwrap();
    let told: Vec<_> = old.iter().map(|one| (one.stream.meter.as_str(), one.oldest)).collect();
    assert_eq!(told, [("m1", may())]);

    let read = store.reports_of_month(&meter("m1"), may(), 0, u64::MAX).await.unwrap();
    let expected: Vec<ArchivedReport> = days("m1", [30, 31])
        .into_iter()
        .map(|report| ArchivedReport {
            seq: report.seq,
            first_at: report.first_at,
            last_at: report.last_at,
            received_at: at(200 * DAY_SECONDS),
            bytes: report.bytes,
        })
        .collect();
    assert_eq!(read, expected);
    let june = store.reports_of_month(&meter("m1"), may().plus(1), 32, 34).await.unwrap();
    assert_eq!(june.iter().map(|report| report.seq).collect::<Vec<_>>(), [33]);
    assert_eq!(store.reports_of_month(&meter("m9"), may(), 0, 9).await.unwrap(), []);
}

pub async fn what_an_instant_needs_stays(ground: Ground) {
    let store = ground.store().await;
    send(&store, &days("m1", 1..=9)).await;
    let from = async |day: Option<i64>| {
        let instant = day.map(|day| at((day - 1) * DAY_SECONDS - 1));
        store.needed_from(&meter("m1"), instant).await.unwrap()
    };
    // Just before day 5 the report of day 4 tells; before day 1 nothing does, so all may come to bear.
    assert_eq!(from(Some(5)).await, 4);
    assert_eq!(from(Some(1)).await, 0);
    assert_eq!(from(Some(99)).await, 9);
    assert_eq!(from(None).await, 9);
    assert_eq!(store.needed_from(&meter("m9"), None).await.unwrap(), 0);

    // A clock that jumped back: what starts as late as the one that tells stays too.
    let mut jumped = days("m2", 1..=6);
    jumped[5].first_at = at(2 * DAY_SECONDS - 30);
    send(&store, &jumped).await;
    let needed = store.needed_from(&meter("m2"), Some(at(3 * DAY_SECONDS))).await.unwrap();
    assert_eq!(needed, 4);
    // The last to end has the newest reading.
    assert_eq!(store.needed_from(&meter("m2"), None).await.unwrap(), 6);
}

pub async fn archived_reports_are_gone_and_known(ground: Ground) {
    let store = ground.store().await;
    send(&store, &days("m1", (1..=10).chain(12..=40))).await;
    send(&store, &days("m2", 1..=31)).await;
    let runs = [run("m1", 1, 10), run("m1", 12, 31), run("m2", 1, 30)];
    remove(&store, may(), &runs).await;

    assert_eq!(numbers(&store, &meter("m1")).await, (32..=40).collect::<Vec<_>>());
    assert_eq!(numbers(&store, &meter("m2")).await, [31]);
    let activity = store.meter_activity().await.unwrap();
    let told: Vec<_> =
        activity.iter().map(|one| (one.reports, one.archived, one.archived_seq)).collect();
    assert_eq!(told, [(39, 30, 31), (31, 30, 30)]);
    assert_eq!(store.report_count().await.unwrap(), 70);

    // Resent, they are duplicates, even with other bytes: there is nothing to compare with. The receipt
    // and the gap are as before, and what was missing is still taken.
    let mut resent = days("m1", [1, 10, 31]);
    resent[1].bytes = b"other".to_vec();
    let stored = store.store_reports(at(0), &resent, &[]).await.unwrap();
    assert_eq!((stored.stored, stored.duplicates, stored.conflicts), (0, 3, 0));
    assert_eq!(stored.receipts, [(meter("m1"), 10)]);
    assert_eq!(store.missing_reports(&meter("m1")).await.unwrap(), [(11, 11)]);
    assert_eq!(send(&store, &days("m1", [11])).await, (1, 0, 0));
    assert_eq!(numbers(&store, &meter("m1")).await[..2], [11, 32]);
    assert_eq!(store.missing_reports(&meter("m1")).await.unwrap(), []);
    // Evidence of what is left is found as before, and where it ends is known.
    let first_left = store.archived_until(&meter("m2")).await.unwrap();
    assert_eq!(first_left, Some(at(30 * DAY_SECONDS)));
    assert_eq!(store.archived_until(&meter("m9")).await.unwrap(), None);
    let noon = at(34 * DAY_SECONDS);
    assert_eq!(store.evidence_span(&meter("m1"), noon, noon).await.unwrap(), Some((35, 35)));
}

pub async fn removing_again_changes_nothing(ground: Ground) {
    let store = ground.store().await;
    send(&store, &days("m1", 1..=40)).await;
    // The first half went before the power did.
    assert_eq!(store.remove_archived(may(), &[run("m1", 1, 15)]).await.unwrap(), 15);
    assert_eq!(store.remove_archived(may(), &[run("m1", 1, 31)]).await.unwrap(), 16);
    assert_eq!(store.remove_archived(may(), &[run("m1", 1, 31)]).await.unwrap(), 0);
    remove(&store, may(), &[run("m1", 1, 31)]).await;
    let activity = store.meter_activity().await.unwrap();
    assert_eq!((activity[0].archived, activity[0].archived_seq), (31, 31));
    // Nothing of another month goes, whatever the runs say.
    assert_eq!(store.remove_archived(may(), &[run("m1", 30, 40)]).await.unwrap(), 0);
}

pub async fn rejects_a_removal_that_takes_too_long(ground: Ground) {
    let store = ground.store().await;
    let runs = [run("m1", 1, MAX_REPORTS_PER_REMOVAL), run("m2", 1, 1)];
    let error = store.remove_archived(may(), &runs).await.unwrap_err();
    assert!(matches!(error, StoreError::TooMany { .. }), "{error}");
}

pub async fn restored_reports_are_as_they_were(ground: Ground) {
    let store = ground.store().await;
    send(&store, &days("m1", 1..=40)).await;
    let before = store.reports_of_month(&meter("m1"), may(), 0, 99).await.unwrap();
    remove(&store, may(), &[run("m1", 1, 31)]).await;

    let now = at(300 * DAY_SECONDS);
    let back = store.restore_reports(now, &meter("m1"), &before).await.unwrap();
    assert_eq!(back, RestoredBatch { restored: 31, present: 0, contradicted: 0 });
    assert_eq!(store.reports_of_month(&meter("m1"), may(), 0, 99).await.unwrap(), before);
    let activity = store.meter_activity().await.unwrap();
    assert_eq!((activity[0].reports, activity[0].archived), (40, 0));
    assert_eq!(store.archived_until(&meter("m1")).await.unwrap(), None);
    let noon = at(2 * DAY_SECONDS);
    assert_eq!(store.evidence_span(&meter("m1"), noon, noon).await.unwrap(), Some((3, 3)));

    // Once more, with a forged one: what is there stays.
    let mut forged = before.clone();
    forged[4].bytes = b"other".to_vec();
    let back = store.restore_reports(now, &meter("m1"), &forged).await.unwrap();
    assert_eq!(back, RestoredBatch { restored: 0, present: 30, contradicted: 1 });
    assert_eq!(store.reports_of_month(&meter("m1"), may(), 0, 99).await.unwrap(), before);

    // A database that never had them, of an older backup perhaps, takes them as new.
    let back = store.restore_reports(now, &meter("m2"), &before).await.unwrap();
    assert_eq!(back.restored, 31);
    let activity = store.meter_activity().await.unwrap();
    assert_eq!((activity[1].stored_seq, activity[1].reports), (31, 31));
    let nothing = store.restore_reports(now, &meter("m1"), &[]).await.unwrap();
    assert_eq!(nothing, RestoredBatch::default());
}

/// A meter's own stream forgets what its archived reports were made from; what a person entered is known for ever.
pub async fn a_late_report_is_held_against_what_archiving_left(ground: Ground) {
    let store = ground.store().await;
    // Numbers 3 and 36 are missing; those on both sides of 3 are archived, and all but 35 before 36.
    send(&store, &days("m1", [1, 2, 4, 5, 32, 33])).await;
    send(&store, &days("m2", [30, 34, 35, 37])).await;
    remove(&store, may(), &[run("m1", 1, 2), run("m1", 4, 5)]).await;
    assert_eq!(numbers(&store, meter("m1")).await, [32, 33]);
    remove(&store, may().plus(1), &[run("m2", 35, 35)]).await;
    let noon = |day: i64| at((day - 1) * DAY_SECONDS);
    // Clocks that are wrong: number 3 tells a time after 33, number 36 one before 34.
    let late = NewReport { first_at: noon(50), last_at: noon(51), ..of_day("m1", 3) };
    let early = NewReport { first_at: noon(32), last_at: noon(33), ..of_day("m2", 36) };
    assert_eq!(send(&store, &[late, early]).await, (2, 0, 0));
    let span =
        async |code, day| store.evidence_span(meter(code), noon(day), noon(day)).await.unwrap();
    assert_eq!(span("m1", 50).await, Some((3, 3)));
    assert_eq!(span("m2", 32).await, Some((36, 36)));
}

pub async fn an_archived_envelope_is_still_known(ground: Ground) {
    let store = ground.store().await;
    let enter = async |text: &str| {
        store.append_manual(at(99), &meter("m1"), at(10), at(20), text.as_bytes()).await.unwrap()
    };
    assert_eq!((enter("one").await, enter("two").await), (1, 2));
    let one = ArchivedRun { stream: StreamId::manual(&meter("m1")), first_seq: 1, last_seq: 1 };
    remove(&store, may(), &[one]).await;
    assert_eq!(numbers(&store, StreamId::manual(&meter("m1"))).await, [2]);
    assert_eq!(enter("one").await, 1);
    assert_eq!(enter("three").await, 3);
}

/// While one server archives a month, another stores late reports of it: each is stored or was archived.
pub async fn late_reports_of_a_month_survive_its_archiving(ground: Ground) {
    const METERS: u64 = 8;
    let servers = [ground.store().await, ground.store().await];
    let codes: Vec<String> = (0..METERS).map(|n| format!("m{n}")).collect();
    for code in &codes {
        send(&servers[0], &days(code, (1..=31).step_by(2))).await;
    }
    let late = {
        let (store, codes) = (servers[1].clone(), codes.clone());
        tokio::spawn(async move {
            for day in (2..=30).step_by(2) {
                let batch: Vec<NewReport> = codes.iter().map(|code| of_day(code, day)).collect();
                assert_eq!(send(&store, &batch).await, (METERS, 0, 0));
            }
        })
    };
    for seq in (1..=29).step_by(2) {
        let runs: Vec<ArchivedRun> = codes.iter().map(|code| run(code, seq, seq)).collect();
        remove(&servers[0], may(), &runs).await;
    }
    late.await.unwrap();
    for code in &codes {
        let left: Vec<u64> = (2..=30).step_by(2).chain([31]).collect();
        assert_eq!(numbers(&servers[0], &meter(code)).await, left);
    }
}
