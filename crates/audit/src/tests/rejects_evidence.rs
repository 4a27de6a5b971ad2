//! Evidence that does not carry what a watering states.

use disclosure::key::{PublicKey, SigningKey};
use disclosure::statement::{Registry, Statement, WateringFacts};
use domain::Litres;
use domain::measurement::Doubt;
use telemetry::{ChainHash, Flags, Kind, Report as MeterReport};

use super::{audited, finds, finds_only};
use crate::testing::{TestLog, TestMeter, id};
use crate::{Place, Report, Rule};

const START: &str = "2016-05-01T01:05:00Z";
const END: &str = "2016-05-01T02:15:00Z";
const NEXT: Place = Place::Entry(9);

/// A founded log, east's meter after six reports, and a watering over reports 3 to 5.
fn drafted() -> (TestLog, TestMeter, WateringFacts) {
    let mut log = TestLog::founded();
    let mut meter = TestMeter::east();
    meter.run_for(6);
    let facts = log.draft(&meter, "t1", START, END);
    assert_eq!((facts.evidence[0].first_report, facts.evidence[0].last_report), (3, 5));
    (log, meter, facts)
}

/// What the audit says of a watering whose evidence is replaced by these reports.
fn audit_evidence(first: u64, reports: impl Fn(&TestMeter) -> Vec<Vec<u8>>) -> Report {
    let (mut log, meter, mut facts) = drafted();
    log.attachments.remove(&facts.evidence[0].reports.sha256);
    facts.evidence[0] = log.evidence(&meter.code, first, &reports(&meter));
    log.post_watering(facts);
    audited(&log)
}

/// What the audit says of a watering that was bent after drafting.
fn audit_bent(bend: impl Fn(&mut WateringFacts)) -> Report {
    let (mut log, _, mut facts) = drafted();
    bend(&mut facts);
    log.post_watering(facts);
    audited(&log)
}

/// What the audit says of a watering after the meter itself said something odd in its report 4.
fn audit_reported(bend: impl Fn(&mut MeterReport)) -> Report {
    let (mut log, _, mut facts) = drafted();
    log.attachments.remove(&facts.evidence[0].reports.sha256);
    let mut meter = TestMeter::east();
    meter.run_for(3);
    let mut report = meter.next_report();
    bend(&mut report);
    meter.keep(&report);
    meter.run_for(2);
    facts.evidence[0] = log.evidence(&meter.code, 3, &meter.reports[2..5]);
    log.post_watering(facts);
    audited(&log)
}

#[test]
fn rejects_a_dropped_report() {
    let report =
        audit_evidence(3, |meter| vec![meter.reports[2].clone(), meter.reports[4].clone()]);
    finds(&report, &NEXT, Rule::ReportSequence);
    finds(&report, &NEXT, Rule::ReportChain);
}

#[test]
fn rejects_reports_in_another_order() {
    let report =
        audit_evidence(3, |meter| [2, 4, 3].map(|n: usize| meter.reports[n].clone()).to_vec());
    finds(&report, &NEXT, Rule::ReportSequence);
}

#[test]
fn rejects_more_or_fewer_reports_than_stated() {
    let report = audit_bent(|facts| facts.evidence[0].last_report = 6);
    finds_only(&report, &NEXT, Rule::ReportSequence);
    let report = audit_bent(|facts| {
        facts.evidence[0].first_report = 0;
        facts.evidence[0].last_report = u64::MAX;
    });
    finds(&report, &NEXT, Rule::ReportSequence);
}

#[test]
fn rejects_a_broken_chain() {
    let report = audit_reported(|report| report.previous = ChainHash([7; 16]));
    finds_only(&report, &NEXT, Rule::ReportChain);
}

#[test]
fn rejects_reports_by_another_key() {
    let report = audit_evidence(3, |_| {
        let mut forger = TestMeter::new("me1", 43);
        forger.run_for(5);
        forger.reports[2..].to_vec()
    });
    finds_only(&report, &NEXT, Rule::ReportSignature);
}

#[test]
fn rejects_a_device_key_that_was_swapped_before() {
    let (mut log, mut meter, facts) = drafted();
    log.post_watering(facts);
    let mut registry: Registry = log.registry();
    registry.villages.clear();
    registry.outlets.clear();
    registry.meters.truncate(1);
    registry.meters[0].keys[0].key = PublicKey::of(&SigningKey::from_bytes(&[44; 32]));
    let signers = [log.people.roots[0].clone(), log.people.station.clone()];
    let signers = [&signers[0], &signers[1]];
    log.post(&TestLog::seal(&Statement::Registry(registry), &signers));
    assert!(audited(&log).holds());
    meter.run_for(2);
    let facts = log.draft(&meter, "t2", END, "2016-05-01T03:00:00Z");
    let index = log.post_watering(facts);
    finds_only(&audited(&log), &Place::Entry(index), Rule::ReportSignature);
}

#[test]
fn rejects_reports_of_another_meter() {
    let report = audit_evidence(3, |_| {
        let mut other = TestMeter::new("mw1", 41);
        other.run_for(5);
        other.reports[2..].to_vec()
    });
    finds_only(&report, &NEXT, Rule::EvidenceMeter);
}

#[test]
fn rejects_reports_of_another_kind() {
    finds_only(&audit_reported(|report| report.kind = Kind::Energy), &NEXT, Rule::EvidenceMeter);
}

#[test]
fn rejects_another_root() {
    let report = audit_bent(|facts| facts.evidence[0].root = disclosure::merkle::empty_root());
    finds_only(&report, &NEXT, Rule::EvidenceRoot);
}

#[test]
fn rejects_bytes_that_are_no_report() {
    let report = audit_evidence(3, |meter| {
        let mut reports = meter.reports[2..5].to_vec();
        reports[2].push(0);
        reports
    });
    finds_only(&report, &NEXT, Rule::EvidenceForm);
    let report = audit_evidence(3, |meter| {
        let mut reports = meter.reports[2..5].to_vec();
        let cut = reports[1].len() - 64;
        reports[1].truncate(cut);
        reports
    });
    finds(&report, &NEXT, Rule::EvidenceForm);
    finds_only(&audit_evidence(3, |_| vec![Vec::new(); 3]), &NEXT, Rule::EvidenceForm);
}

#[test]
fn rejects_evidence_with_needless_reports() {
    let report = audit_evidence(2, |meter| meter.reports[1..5].to_vec());
    finds_only(&report, &NEXT, Rule::EvidenceSpan);
    let report = audit_evidence(3, |meter| meter.reports[2..6].to_vec());
    finds_only(&report, &NEXT, Rule::EvidenceSpan);
}

#[test]
fn rejects_evidence_that_does_not_cover_the_watering() {
    let report = audit_evidence(4, |meter| meter.reports[3..5].to_vec());
    finds_only(&report, &NEXT, Rule::EvidenceSpan);
    let report = audit_evidence(3, |meter| meter.reports[2..4].to_vec());
    finds_only(&report, &NEXT, Rule::EvidenceSpan);
}

#[test]
fn rejects_a_volume_that_the_reports_do_not_give() {
    // Both ends a litre up: the sum holds, the ends do not.
    let report = audit_bent(|facts| {
        facts.at_start_litres = facts.at_start_litres + Litres(1);
        facts.at_end_litres = facts.at_end_litres + Litres(1);
    });
    finds(&report, &NEXT, Rule::Volume);
    assert_eq!(report.findings.len(), 2, "{report}");
}

#[test]
fn rejects_a_volume_with_its_shares_made_to_fit() {
    let (mut log, _, mut facts) = drafted();
    facts.at_end_litres = facts.at_end_litres + Litres(500);
    facts.volume_litres = facts.volume_litres + Litres(500);
    let parts: Vec<_> = facts.shares.iter().map(domain::share::Share::part).collect();
    facts.shares = domain::share::divide(facts.volume_litres, facts.method, &parts).unwrap();
    log.post_watering(facts);
    finds(&audited(&log), &NEXT, Rule::Volume);
}

#[test]
fn rejects_doubts_that_are_hidden_or_made_up() {
    let report = audit_reported(|report| report.flags = Flags::TAMPER.union(Flags::REVERSE_FLOW));
    finds_only(&report, &NEXT, Rule::Doubts);
    let report = audit_bent(|facts| facts.doubts = [Doubt::GapAtStart].into());
    finds_only(&report, &NEXT, Rule::Doubts);
}

#[test]
fn rejects_a_register_that_fell() {
    let report = audit_reported(|report| report.readings[1].value = 1);
    finds_only(&report, &NEXT, Rule::Volume);
}

#[test]
fn rejects_readings_that_no_clock_shows_or_no_outlet_saw() {
    let from = |at_ms: i64| {
        move |report: &mut MeterReport| {
            for (reading, minutes) in report.readings.iter_mut().zip(0..) {
                reading.at_ms = at_ms + minutes * 60_000;
            }
        }
    };
    finds_only(&audit_reported(from(0)), &NEXT, Rule::ReadingTime);
    // Before its installation a meter measured nothing of this outlet; its neighbours tell the same volume.
    let january = id::<domain::Timestamp>("2016-01-01T00:00:00Z").millis();
    assert!(audit_reported(from(january)).holds());
}

#[test]
fn rejects_a_meter_that_says_two_things_under_one_number() {
    let (mut log, meter, facts) = drafted();
    log.post_watering(facts);
    // The same report 5 but for its flags; the next watering begins in it.
    let mut forked = TestMeter::east();
    forked.run_for(4);
    let mut report = forked.next_report();
    report.flags = Flags::LOW_BATTERY;
    forked.keep(&report);
    forked.run_for(2);
    assert_eq!(forked.reports[3], meter.reports[3]);
    let facts = log.draft(&forked, "t2", END, "2016-05-01T03:00:00Z");
    assert_eq!(facts.evidence[0].first_report, 5);
    let index = log.post_watering(facts);
    finds_only(&audited(&log), &Place::Entry(index), Rule::ReportFork);
}

#[test]
fn rejects_a_history_that_does_not_follow_other_evidence() {
    let (mut log, meter, facts) = drafted();
    log.post_watering(facts);
    // Report 6 follows another report 5 than the one that was posted.
    let mut forked = TestMeter::east();
    forked.run_for(4);
    let mut report = forked.next_report();
    report.flags = Flags::LOW_BATTERY;
    forked.keep(&report);
    forked.run_for(2);
    let start = "2016-05-01T02:30:00Z";
    let facts = log.draft(&forked, "t2", start, "2016-05-01T03:00:00Z");
    assert_eq!(facts.evidence[0].first_report, 6);
    assert_ne!(forked.reports[4], meter.reports[4]);
    let index = log.post_watering(facts);
    finds_only(&audited(&log), &Place::Entry(index), Rule::ReportFork);
}

#[test]
fn rejects_a_history_that_other_evidence_does_not_follow() {
    let (mut log, meter, facts) = drafted();
    let mut forked = TestMeter::east();
    forked.run_for(1);
    forked.flags = Flags::LOW_BATTERY;
    forked.run_for(2);
    log.post_watering(facts);
    // Report 2 stands before the posted report 3, which follows another report 2.
    let facts = log.draft(&forked, "t0", "2016-05-01T00:30:00Z", "2016-05-01T00:50:00Z");
    assert_eq!((facts.evidence[0].first_report, facts.evidence[0].last_report), (2, 2));
    assert_ne!(forked.reports[1], meter.reports[1]);
    let index = log.post_watering(facts);
    finds_only(&audited(&log), &Place::Entry(index), Rule::ReportFork);
}
