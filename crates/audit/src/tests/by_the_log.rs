//! What the log says by itself: overdue signatures and daily balances, and what of it is refused.

use disclosure::dsse::Envelope;
use disclosure::record::RecordError;
use disclosure::statement::{
    BalanceError, Kind, LastReport, OutletBalance, Overdue, Statement, Waiting, Watering,
};
use domain::Litres;

use super::audited;
use crate::testing::{TestLog, TestMeter, id};

/// The turn ends at 02:00 on 1 May; its signatures are due three days later.
const DUE: &str = "2016-05-04T02:00:00Z";
const MIDNIGHT: &str = "2016-05-01T16:00:00Z";

/// A log with a watering that the station has signed and the cadre has not.
pub(super) fn half_signed() -> (TestLog, Envelope) {
    let mut log = TestLog::founded();
    let mut meter = TestMeter::east();
    meter.run_for(6);
    let facts = log.draft(&meter, "t1", "2016-05-01T01:05:00Z", "2016-05-01T02:00:00Z");
    let (station, east) = (log.people.station.clone(), log.people.east.clone());
    let head = TestLog::head(&[&station, &east]);
    let statement = Statement::Watering(Watering { head, watering: facts });
    (log, TestLog::seal(&statement, &[&station]))
}

fn why(log: &TestLog, overdue: Overdue) -> RecordError {
    let envelope = log.seal_own(&Statement::Overdue(overdue));
    log.record.admit(&envelope, &log.attachments).unwrap_err()
}

#[test]
fn what_is_not_signed_in_time_is_posted_with_who_was_asked() {
    let (mut log, waiting) = half_signed();
    log.post_days(&[MIDNIGHT, "2016-05-02T16:00:00Z"]);
    let overdue = log.overdue(&waiting, DUE);
    assert_eq!(overdue.due_at.to_string(), DUE);
    assert_eq!(overdue.asked, [log.people.east.expected()]);
    let envelope = log.seal_own(&Statement::Overdue(overdue));
    log.post(&envelope);
    assert!(audited(&log).holds(), "{}", audited(&log));
    // It may still be signed, and holds then.
    let mut signed = waiting;
    signed.sign_with(&log.people.east.key).unwrap();
    log.post(&signed);
    assert!(audited(&log).holds(), "{}", audited(&log));
}

#[test]
fn rejects_overdue_before_the_deadline_or_after_another_one() {
    let (log, waiting) = half_signed();
    let early = log.overdue(&waiting, "2016-05-04T01:59:59Z");
    assert!(matches!(why(&log, early), RecordError::NotYetDue(_)));
    let mut other = log.overdue(&waiting, DUE);
    other.due_at = id("2016-05-03T02:00:00Z");
    assert!(matches!(why(&log, other), RecordError::OtherDeadline(_)));
}

#[test]
fn rejects_overdue_twice_also_of_a_new_draft() {
    let (mut log, waiting) = half_signed();
    let envelope = log.seal_own(&Statement::Overdue(log.overdue(&waiting, DUE)));
    let index = log.post(&envelope);
    let mut again = log.overdue(&waiting, DUE);
    let Waiting::Watering(watering) = &mut again.waiting else { panic!("it is a watering") };
    watering.head.drafted_at = id("2016-05-02T00:00:00Z");
    assert!(matches!(why(&log, again), RecordError::OverdueBefore(at) if at == index));
}

#[test]
fn rejects_overdue_that_names_others_or_hides_a_signature() {
    let (log, waiting) = half_signed();
    let mut nobody = log.overdue(&waiting, DUE);
    nobody.asked.clear();
    assert!(matches!(why(&log, nobody), RecordError::OtherAsked));
    // Without the station's signature the station would be asked too.
    let mut hidden = log.overdue(&waiting, DUE);
    hidden.signatures.clear();
    assert!(matches!(why(&log, hidden), RecordError::OtherAsked));
}

#[test]
fn rejects_overdue_with_a_signature_of_something_else() {
    let (log, waiting) = half_signed();
    let mut other = log.overdue(&waiting, DUE);
    let Waiting::Watering(watering) = &mut other.waiting else { panic!("it is a watering") };
    watering.head.drafted_at = id("2016-05-02T00:00:00Z");
    assert!(matches!(why(&log, other), RecordError::Signature(_)));
}

#[test]
fn rejects_overdue_of_what_has_all_signatures_or_is_posted() {
    let (mut log, mut waiting) = half_signed();
    let before = log.overdue(&waiting, DUE);
    waiting.sign_with(&log.people.east.key).unwrap();
    let mut whole = log.overdue(&waiting, DUE);
    whole.asked.clear();
    assert!(matches!(why(&log, whole), RecordError::NothingMissing));
    log.post(&waiting);
    assert!(matches!(why(&log, before), RecordError::Overlap(_)));
}

#[test]
fn rejects_overdue_that_somebody_else_signed_or_bent_figures() {
    let (mut log, waiting) = half_signed();
    let overdue = log.overdue(&waiting, DUE);
    let station = log.people.station.clone();
    let forged = TestLog::seal(&Statement::Overdue(overdue.clone()), &[&station]);
    let refused = log.record.admit(&forged, &log.attachments).unwrap_err();
    assert!(matches!(refused, RecordError::Signature(_)), "{refused}");
    // A server that bends the meter's figures is found by the evidence.
    let mut bent = overdue;
    let Waiting::Watering(watering) = &mut bent.waiting else { panic!("it is a watering") };
    watering.watering.at_end_litres = watering.watering.at_end_litres + Litres(1000);
    watering.watering.volume_litres = watering.watering.volume_litres + Litres(1000);
    bent.signatures.clear();
    let envelope = log.seal_own(&Statement::Overdue(bent));
    log.force(envelope.to_json());
    assert!(!audited(&log).holds());
}

#[test]
fn rejects_overdue_of_a_kind_without_a_deadline() {
    let (mut log, _) = half_signed();
    let mut meter = TestMeter::east();
    meter.run_for(6);
    let facts = log.draft(&meter, "t1", "2016-05-01T01:05:00Z", "2016-05-01T02:00:00Z");
    log.post_watering(facts);
    let run = log.draft_bill_run("east");
    let overdue = Overdue {
        head: log.own_head(DUE),
        waiting: Waiting::BillRun(run),
        signatures: Vec::new(),
        due_at: id(DUE),
        asked: Vec::new(),
    };
    assert!(matches!(why(&log, overdue), RecordError::NoDeadline(Kind::BillRun)));
}

#[test]
fn every_day_follows_the_last_one() {
    let mut log = TestLog::founded();
    let next = "2016-05-02T16:00:00Z";
    log.post_days(&[MIDNIGHT, next]);
    assert_eq!(log.record.balanced_until(), Some(id(next)));
    assert!(audited(&log).holds(), "{}", audited(&log));
    let again = Statement::Balance(log.day("2016-05-04T16:00:00Z", 5, 0));
    let refused = log.record.admit(&log.seal_own(&again), &log.attachments).unwrap_err();
    assert!(matches!(refused, RecordError::Balance(BalanceError::NotNext { .. })), "{refused}");
}

#[test]
fn rejects_a_day_with_a_meter_of_another_outlet() {
    let mut log = TestLog::founded();
    let line = |outlet: &str, meter: &str| OutletBalance {
        outlet: id(outlet),
        litres: None,
        meters: vec![LastReport { meter: id(meter), report: 1 }],
    };
    let day = log.balance(MIDNIGHT, &[line("e1", "mw1"), line("w1", "mw1")]);
    let envelope = log.seal_own(&Statement::Balance(day));
    let refused = log.record.admit(&envelope, &log.attachments).unwrap_err();
    assert!(matches!(refused, RecordError::NotTheOutletsMeter(..)), "{refused}");
}
