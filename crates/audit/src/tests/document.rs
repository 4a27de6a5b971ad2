//! The examples of `docs/formats/statements.md` are the statements of the sample log.

use disclosure::dsse::Envelope;
use disclosure::hand_readings::HandReadings;
use disclosure::statement::{Correction, Kind, Statement};
use domain::scale::Scale;

use super::settled;
use crate::testing::{TestLog, TestMeter};

const DOCUMENT: &str = include_str!("../../../../docs/formats/statements.md");

/// The sample log with a correction instead of the settlement's bills.
fn corrected() -> TestLog {
    let mut log = TestLog::founded();
    let mut meter = TestMeter::east();
    meter.run_for(6);
    let facts = log.draft(&meter, "t1", "2016-05-01T01:05:00Z", "2016-05-01T02:00:00Z");
    let supersedes = log.post_watering(facts);
    let watering = log.draft(&meter, "t1", "2016-05-01T01:05:00Z", "2016-05-01T01:50:00Z");
    let people = log.people.clone();
    let signers = [&people.station, &people.east];
    let head = TestLog::head(&signers);
    let reason = "闸门提前关闭".to_owned();
    let correction = Correction { head, supersedes, reason, watering };
    log.post(&TestLog::seal(&Statement::Correction(correction), &signers));
    log
}

/// The sample log with what it says by itself: a watering that the cadre has not signed in time, and a day.
fn left_unsigned() -> TestLog {
    let mut log = TestLog::founded();
    let mut meter = TestMeter::east();
    meter.run_for(6);
    let facts = log.draft(&meter, "t1", "2016-05-01T01:05:00Z", "2016-05-01T02:00:00Z");
    let mut waiting = log.seal_watering(facts);
    waiting.signatures.truncate(1);
    let overdue = Statement::Overdue(log.overdue(&waiting, "2016-05-04T02:00:00Z"));
    let day = Statement::Balance(log.day("2016-05-01T16:00:00Z", 6, 22_200));
    for own in [overdue, day] {
        let envelope = log.seal_own(&own);
        log.post(&envelope);
    }
    log
}

/// The first statement of a kind.
fn first(log: &TestLog, kind: Kind) -> Option<Statement> {
    let envelopes = log.entries.iter().map(|entry| Envelope::parse(entry).unwrap());
    let of_kind = envelopes.into_iter().find(|e| e.payload_type == kind.payload_type())?;
    Some(Statement::parse(&of_kind.payload_type, &of_kind.payload).unwrap())
}

/// The block that begins with this line.
fn block(opening: &str) -> &'static str {
    let (_, rest) = DOCUMENT.split_once(&format!("\n```{opening}\n")).unwrap();
    rest.split_once("```").unwrap().0
}

#[test]
fn the_documents_examples_are_those_of_the_sample_log() {
    let logs = [settled(), corrected(), left_unsigned()];
    for kind in Kind::ALL {
        let example = block(&format!("json {}", kind.code()));
        let parsed = Statement::parse(&kind.payload_type(), example.as_bytes());
        let posted = logs.iter().find_map(|log| first(log, kind));
        let text = posted.as_ref().map(|statement| statement.to_payload().unwrap());
        let text = String::from_utf8(text.unwrap()).unwrap();
        assert_eq!(parsed.ok(), posted, "{} is documented otherwise:\n{text}", kind.code());
    }
}

#[test]
fn the_documents_attachments_are_those_of_the_sample_log() {
    let (settled, left_unsigned) = (settled(), left_unsigned());
    for (log, kind, opening) in [
        (&settled, Kind::Roster, "json entries"),
        (&settled, Kind::BillRun, "json bills"),
        (&left_unsigned, Kind::Balance, "json balances"),
    ] {
        let statement = first(log, kind).unwrap();
        let bytes = &log.attachments[&statement.attachments()[0].sha256];
        let text = std::str::from_utf8(bytes).unwrap();
        let example = block(opening);
        assert!(
            text.starts_with(example.trim_end()),
            "{opening} are documented otherwise:\n{text}"
        );
    }
}

#[test]
fn the_documents_scales_and_readings_by_hand_are_read() {
    let scales: Vec<Scale> = serde_json::from_str(block("json scales")).unwrap();
    assert_eq!(scales.len(), 3);
    for scale in scales {
        assert_eq!(scale.check(), Ok(()), "{scale:?}");
    }
    let entry: HandReadings = serde_json::from_str(block("json readings")).unwrap();
    assert_eq!(entry.readings[0].value, 5444);
}
