//! What holds and what does not, over a small log in memory.

mod by_the_log;
mod document;
mod flips;
mod holds;
mod keys;
mod rejects_entries;
mod rejects_evidence;
mod rejects_files;
mod split_views;
mod whole;
mod withheld;

use crate::testing::{TestLog, TestMeter};
use crate::{Place, Report, Rule, audit};

/// A founded log with two waterings in east, one in west, and east's bills.
fn settled() -> TestLog {
    let mut log = TestLog::founded();
    let (mut east, mut west) = (TestMeter::east(), TestMeter::west());
    east.run_for(12);
    west.run_for(4);
    for (meter, turn, start, end) in [
        (&east, "t1", "2016-05-01T01:05:00Z", "2016-05-01T02:00:00Z"),
        (&east, "t2", "2016-05-01T02:00:00Z", "2016-05-01T03:33:20Z"),
        (&west, "t3", "2016-05-01T00:00:00Z", "2016-05-01T01:00:00Z"),
    ] {
        let facts = log.draft(meter, turn, start, end);
        log.post_watering(facts);
    }
    let run = log.draft_bill_run("east");
    let envelope = log.seal_bill_run(run);
    log.post(&envelope);
    log
}

/// Asserts that the audit finds this, among other things or alone.
#[track_caller]
fn finds(report: &Report, at: &Place, rule: Rule) {
    assert!(!report.holds());
    let found = report.findings.iter().any(|finding| finding.at == *at && finding.rule == rule);
    assert!(found, "{at}: {rule} is not among the findings:\n{report}");
}

/// Asserts that the audit finds this and nothing else.
#[track_caller]
fn finds_only(report: &Report, at: &Place, rule: Rule) {
    finds(report, at, rule);
    assert_eq!(report.findings.len(), 1, "{report}");
}

/// Audits a log as exported, with its key at hand.
fn audited(log: &TestLog) -> Report {
    audit(&log.export(), Some(&log.verifier_key()))
}
