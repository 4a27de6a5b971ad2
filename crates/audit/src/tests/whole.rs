//! Longer logs, many threads, and what is told beside what does not hold.

use std::num::NonZeroUsize;
use std::sync::Mutex;

use disclosure::key::{PublicKey, SigningKey};
use disclosure::statement::{Correction, Registry, Statement};
use domain::Fen;

use super::{audited, finds_only, settled};
use crate::testing::{TestLog, TestMeter};
use crate::{Place, Report, Rule, Settings, audit, audit_with};

fn audited_by(log: &TestLog, threads: usize) -> Report {
    let threads = NonZeroUsize::new(threads).unwrap();
    audit_with(&log.export(), &Settings { threads, ..Settings::default() }).0
}

/// A log of so many waterings, half an hour each, billed now and then.
fn long(waterings: u32) -> TestLog {
    let mut log = TestLog::founded();
    let mut meter = TestMeter::east();
    meter.run_for(1);
    for number in 0..waterings {
        meter.run_for(1);
        let start = meter.begin().plus_millis(i64::from(number) * 1_800_000 + 60_000);
        let end = start.plus_millis(1_200_000);
        let facts = log.draft(&meter, &format!("t{number}"), &start.to_string(), &end.to_string());
        log.post_watering(facts);
        if number % 100 == 99 {
            let run = log.draft_bill_run("east");
            let envelope = log.seal_bill_run(run);
            log.post(&envelope);
        }
    }
    log
}

#[test]
fn many_threads_find_what_one_does() {
    let mut log = long(330);
    assert!(log.entries.len() > 256);
    let one = audited_by(&log, 1);
    assert!(one.holds(), "{one}");
    assert_eq!((one.waterings, one.reports_verified), (330, 331));
    assert_eq!(one, audited_by(&log, 5));
    for (index, byte) in [(20, 300), (150, 500), (300, 900)] {
        log.entries[index][byte] ^= 1;
    }
    let one = audited_by(&log, 1);
    assert!(!one.holds());
    assert_eq!(one, audited_by(&log, 5));
}

#[test]
fn progress_is_told_up_to_the_last_entry() {
    let log = settled();
    let told = Mutex::new(Vec::new());
    let progress = |done, of| told.lock().unwrap().push((done, of));
    audit_with(&log.export(), &Settings { progress: &progress, ..Settings::default() });
    let told = told.into_inner().unwrap();
    assert_eq!(told.last(), Some(&(13, 13)));
    assert!(told.is_sorted());
}

#[test]
fn evidence_is_judged_by_the_registry_before_it_whoever_looked_first() {
    // A new device key right behind a watering and right before another one: both in one job.
    let mut log = TestLog::founded();
    let mut meter = TestMeter::east();
    meter.run_for(4);
    let facts = log.draft(&meter, "t1", "2016-05-01T00:10:00Z", "2016-05-01T00:40:00Z");
    log.post_watering(facts);
    let mut registry: Registry = log.registry();
    registry.villages.clear();
    registry.outlets.clear();
    registry.meters.truncate(1);
    registry.meters[0].keys[0].key = PublicKey::of(&SigningKey::from_bytes(&[44; 32]));
    let signers = [log.people.roots[0].clone(), log.people.station.clone()];
    let signers = [&signers[0], &signers[1]];
    log.post(&TestLog::seal(&Statement::Registry(registry), &signers));
    let facts = log.draft(&meter, "t2", "2016-05-01T00:40:00Z", "2016-05-01T01:00:00Z");
    let index = log.post_watering(facts);
    for threads in [1, 4] {
        finds_only(&audited_by(&log, threads), &Place::Entry(index), Rule::ReportSignature);
    }
}

#[test]
fn water_between_waterings_is_listed_for_each_outlet() {
    let mut log = TestLog::founded();
    let mut meter = TestMeter::east();
    meter.run_for(12);
    // Registers rise by 37 units of 100 litres in ten minutes.
    for (turn, start, end) in [
        ("t1", "2016-05-01T00:00:00Z", "2016-05-01T01:00:00Z"),
        ("t3", "2016-05-01T03:00:00Z", "2016-05-01T04:00:00Z"),
        ("t2", "2016-05-01T01:10:00Z", "2016-05-01T02:00:00Z"),
        ("t4", "2016-05-01T04:00:00Z", "2016-05-01T05:00:00Z"),
    ] {
        let facts = log.draft(&meter, turn, start, end);
        log.post_watering(facts);
    }
    let report = audited(&log);
    assert!(report.holds(), "{report}");
    let [east] = report.unattributed.as_slice() else { panic!("{report}") };
    assert_eq!((east.outlet.as_str(), east.litres.get(), east.gaps), ("e1", 7 * 3700, 2));
    // Ten minutes after the first, an hour after the third.
    assert_eq!((east.largest_after, east.untold), (Some(11), 0));
    let text = report.to_string();
    assert!(text.contains("e1: 25900 litres in 2 gaps, most after entry 11"), "{text}");
}

#[test]
fn nothing_lies_between_waterings_that_follow_each_other() {
    assert_eq!(audited(&settled()).unattributed, []);
}

#[test]
fn a_correction_takes_the_place_of_what_it_supersedes() {
    let mut log = TestLog::founded();
    let mut meter = TestMeter::east();
    meter.run_for(6);
    let facts = log.draft(&meter, "t1", "2016-05-01T00:10:00Z", "2016-05-01T02:10:00Z");
    let supersedes = log.post_watering(facts);
    let watering = log.draft(&meter, "t1", "2016-05-01T00:10:00Z", "2016-05-01T01:00:00Z");
    let litres = watering.volume_litres;
    let people = log.people.clone();
    let signers = [&people.station, &people.east];
    let correction = |supersedes, reason: &str| {
        let (head, watering) = (TestLog::head(&signers), watering.clone());
        let body = Correction { head, supersedes, reason: reason.to_owned(), watering };
        TestLog::seal(&Statement::Correction(body), &signers)
    };
    let index = log.post(&correction(supersedes, "the gate was closed earlier"));
    let report = audited(&log);
    assert!(report.holds(), "{report}");
    assert_eq!((report.waterings, report.volume_litres, report.shares), (1, litres, 3));

    // What was superseded cannot be corrected; what was billed can, and the bills follow.
    let run = log.draft_bill_run("east");
    let envelope = log.seal_bill_run(run);
    log.post(&envelope);
    let mut again = log.clone();
    let at = again.force(correction(supersedes, "once more").to_json());
    let report = audit(&again.export(), None);
    finds_only(&report, &Place::Entry(at), Rule::Content);
    assert!(report.findings[0].says.contains("not a watering that holds"), "{report}");
    log.post(&correction(index, "once more"));
    let run = log.draft_bill_run("east");
    assert_eq!((run.waterings.as_slice(), run.households, run.total_fen), (&[12][..], 0, Fen(0)));
    let envelope = log.seal_bill_run(run);
    log.post(&envelope);
    assert!(audited(&log).holds());
}
