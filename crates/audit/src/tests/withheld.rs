//! What should stand in the log by now and does not.

use disclosure::dsse::Envelope;
use disclosure::merkle::Hash;
use disclosure::statement::{Head, Statement, Watering};
use disclosure::submission::{Owed, Submission};
use domain::Timestamp;

use super::by_the_log::half_signed;
use super::{audited, finds, finds_only, settled};
use crate::testing::{TestLog, TestMeter, id};
use crate::{Place, Report, Rule, Settings, audit_with};

/// The ends of the first days of May 2016.
const DAYS: [&str; 6] = [
    "2016-05-01T16:00:00Z",
    "2016-05-02T16:00:00Z",
    "2016-05-03T16:00:00Z",
    "2016-05-04T16:00:00Z",
    "2016-05-05T16:00:00Z",
    "2016-05-06T16:00:00Z",
];

/// A watering that ended at 02:00 on 1 May, with both signatures, not posted.
fn signed() -> (TestLog, Envelope) {
    let (log, mut envelope) = half_signed();
    envelope.sign_with(&log.people.east.key).unwrap();
    (log, envelope)
}

fn without_last_signature(envelope: &Envelope) -> Envelope {
    let mut waiting = envelope.clone();
    waiting.signatures.pop();
    waiting
}

#[test]
fn rejects_a_late_posting_of_which_the_log_never_said_that_it_is_overdue() {
    let (mut log, envelope) = signed();
    // Three days to sign, one to post: until 02:00 on 5 May.
    log.post_days(&DAYS[..4]);
    let mut late = log.clone();
    log.post(&envelope);
    assert!(audited(&log).holds(), "{}", audited(&log));

    late.post_days(&DAYS[4..5]);
    let mut told = late.clone();
    let index = late.post(&envelope);
    finds_only(&audited(&late), &Place::Entry(index), Rule::OverdueUntold);

    let overdue = told.overdue(&without_last_signature(&envelope), "2016-05-05T17:00:00Z");
    let overdue = told.seal_own(&Statement::Overdue(overdue));
    told.post(&overdue);
    told.post(&envelope);
    let report = audited(&told);
    assert!(report.holds(), "{report}");
    // What is overdue is no watering that holds.
    assert_eq!(report.waterings, 1);
}

#[test]
fn rejects_a_log_that_goes_on_without_the_balance_of_a_day() {
    let mut log = TestLog::founded();
    log.post_days(&DAYS[..1]);
    let mut meter = TestMeter::east();
    meter.run_for(12);
    let (station, east) = (log.people.station.clone(), log.people.east.clone());
    let mut index = 0;
    for (turn, start, end, drafted_at) in [
        ("t1", "2016-05-01T01:05:00Z", "2016-05-01T02:00:00Z", "2016-05-04T16:00:00Z"),
        ("t2", "2016-05-01T02:00:00Z", "2016-05-01T03:00:00Z", "2016-05-04T16:00:01Z"),
        ("t3", "2016-05-01T03:00:00Z", "2016-05-01T03:33:20Z", "2016-05-04T17:00:00Z"),
    ] {
        let watering = log.draft(&meter, turn, start, end);
        let head = Head { drafted_at: id(drafted_at), ..TestLog::head(&[&station, &east]) };
        let statement = Statement::Watering(Watering { head, watering });
        let posted = log.post(&TestLog::seal(&statement, &[&station, &east]));
        if turn == "t2" {
            index = posted;
        }
    }
    // One finding, however much follows.
    finds_only(&audited(&log), &Place::Entry(index), Rule::BalanceMissing);
}

#[test]
fn days_without_a_server_are_made_up_for() {
    let mut log = TestLog::founded();
    for day in &DAYS[..4] {
        let mut balance = log.day(day, 3, 1200);
        balance.head.drafted_at = id("2016-05-20T00:00:00Z");
        let envelope = log.seal_own(&Statement::Balance(balance));
        log.post(&envelope);
    }
    assert!(audited(&log).holds(), "{}", audited(&log));
}

#[test]
fn rejects_reports_that_were_there_the_day_before() {
    let mut log = TestLog::founded();
    for (day, report) in [(DAYS[0], 5), (DAYS[1], 5)] {
        let balance = Statement::Balance(log.day(day, report, 1200));
        let envelope = log.seal_own(&balance);
        log.post(&envelope);
    }
    assert!(audited(&log).holds(), "{}", audited(&log));
    let fewer = Statement::Balance(log.day(DAYS[2], 4, 1200));
    let envelope = log.seal_own(&fewer);
    let index = log.post(&envelope);
    finds_only(&audited(&log), &Place::Entry(index), Rule::ReportsWithdrawn);
}

fn owed(owed: Owed, by: &str) -> Submission {
    Submission {
        district: id("sample"),
        received: Hash::of(b"handed in"),
        received_at: id("2016-05-01T03:00:00Z"),
        owed,
        by: id(by),
    }
}

fn held_against(log: &TestLog, submissions: &[Submission], now: Option<&str>) -> Report {
    let now = now.map(id::<Timestamp>);
    let settings = Settings { submissions, now, ..Settings::default() };
    audit_with(&log.export(), &settings).0
}

#[test]
fn promises_that_are_kept_or_not_due_are_none_to_find() {
    let log = settled();
    let posted = Envelope::parse(&log.entries[9]).unwrap();
    let kept = [
        owed(Owed::Statement(Hash::of(&posted.payload)), DAYS[0]),
        owed(Owed::Turn(id("t1")), DAYS[0]),
        owed(Owed::Turn(id("t9")), DAYS[5]),
    ];
    let report = held_against(&log, &kept, Some(DAYS[5]));
    assert!(report.holds(), "{report}");
    assert_eq!((report.promises, report.promises_kept), (3, 2));
}

#[test]
fn rejects_a_promise_that_was_not_kept() {
    let log = settled();
    for missing in [Owed::Turn(id("t9")), Owed::Statement(Hash::of(b"another"))] {
        let report = held_against(&log, &[owed(missing, DAYS[0])], Some(DAYS[1]));
        finds_only(&report, &Place::Log, Rule::Owed);
        assert!(report.to_string().contains("as the log signed"), "{report}");
    }
}

#[test]
fn an_overdue_turn_keeps_the_promise_that_something_is_said_of_it() {
    let (mut log, envelope) = signed();
    let promise = [owed(Owed::Turn(id("t1")), DAYS[3])];
    log.post_days(&DAYS[..4]);
    // Without a clock the log's own dates tell that the time has passed.
    log.post_days(&DAYS[4..5]);
    finds(&held_against(&log, &promise, None), &Place::Log, Rule::Owed);
    let overdue = log.overdue(&without_last_signature(&envelope), DAYS[4]);
    let overdue = log.seal_own(&Statement::Overdue(overdue));
    log.post(&overdue);
    assert!(held_against(&log, &promise, None).holds());
}
