//! Logs that hold.

use disclosure::dsse::Envelope;
use disclosure::merkle::{Hash, leaf_hash, root_of};
use disclosure::proof::{TlogProof, inclusion_proof};
use disclosure::statement::{Correction, Kind, Statement};
use disclosure::tile::TileSource;
use telemetry::Flags;

use super::{audited, settled};
use crate::testing::{Person, TestLog, TestMeter};
use crate::{Settings, audit, audit_with, verify_envelope, verify_receipt};

#[test]
fn a_settled_log_holds() {
    let log = settled();
    let report = audited(&log);
    assert!(report.holds(), "{report}");
    assert_eq!(report.size, 13);
    assert_eq!(report.entries_judged, 13);
    assert_eq!(report.statements[&Kind::Key], 4);
    assert_eq!(report.statements[&Kind::Watering], 3);
    assert_eq!(report.waterings, 3);
    // Ten-minute readings rise by 37 units of 100 litres: 8900 s, and 3600 s in west.
    assert_eq!(report.volume_litres.get(), 8900 * 3700 / 600 + 3600 * 3700 / 600);
    // East: reports 3 to 5 and 5 to 8; west: 1 to 3.
    assert_eq!(report.reports_verified, 6 + 3);
    assert_eq!(report.bills, 3);
    let leaves: Vec<Hash> = log.entries.iter().map(|entry| leaf_hash(entry)).collect();
    assert_eq!(report.root, Some(root_of(&leaves)));
}

#[test]
fn bills_are_recomputed_to_the_fen() {
    // 20.350 and 34.533 m³ at 0.152 yuan are 3.0932 and 5.249016 yuan; 8.4, 11.7 and 9.9 mu at 4.
    assert_eq!(audited(&settled()).billed_fen.get(), 309 + 525 + 3360 + 4680 + 3960);
}

#[test]
fn the_copys_own_key_serves_where_none_is_trusted() {
    let log = settled();
    let report = audit(&log.export(), None);
    assert!(report.holds(), "{report}");
    assert!(!report.key_was_trusted);
    assert!(report.to_string().contains("compare it with the one"), "{report}");
}

#[test]
fn an_empty_log_holds() {
    let mut log = TestLog::founded();
    log.entries.clear();
    log.attachments.clear();
    let report = audited(&log);
    assert!(report.holds(), "{report}");
    assert_eq!(report.entries_judged, 0);
}

#[test]
fn every_beginning_of_a_log_holds() {
    let log = settled();
    for size in 1..log.entries.len() {
        let mut files = log.export_at(size);
        let report = audit(&files, None);
        // Attachments of later entries are strays here, and nothing else is.
        for finding in &report.findings {
            assert_eq!(finding.rule, crate::Rule::StrayFile, "{report}");
            if let crate::Place::File(path) = &finding.at {
                files.remove(path);
            }
        }
        assert!(audit(&files, None).holds(), "{size}");
    }
}

#[test]
fn a_log_of_two_bundles_holds_with_its_earlier_states_beside_it() {
    let mut log = TestLog::founded();
    let roots = log.people.roots.clone();
    let roots = [&roots[0], &roots[1]];
    while log.entries.len() < 260 {
        let mut seed = [77; 32];
        seed[..8].copy_from_slice(&log.entries.len().to_le_bytes());
        let name = format!("station-{}", log.entries.len());
        let mut person = Person::new(&name, disclosure::statement::Role::Station, None, 0);
        person.key = disclosure::key::SigningKey::from_bytes(&seed);
        log.post(&TestLog::seal(&Statement::Key(person.enrolment(&roots)), &roots));
    }
    let mut files = log.export();
    assert!(files.contains_key("tile/0/000") && files.contains_key("tile/1/000.p/1"));
    for (path, bytes) in log.export_at(255) {
        files.entry(path).or_insert(bytes);
    }
    assert!(files.contains_key("tile/entries/000.p/255"));
    let report = audit(&files, None);
    assert!(report.holds(), "{report}");
    if let Some(bytes) = files.get_mut("tile/entries/000.p/255") {
        bytes[100] ^= 1;
    }
    assert!(!audit(&files, None).holds());
}

#[test]
fn a_correction_supersedes_and_what_the_meter_doubts_is_stated() {
    let mut log = TestLog::founded();
    let mut meter = TestMeter::east();
    meter.run_for(3);
    meter.flags = Flags::TAMPER.union(Flags::CLOCK_NOT_SYNCHRONISED);
    meter.run_for(3);
    let facts = log.draft(&meter, "t1", "2016-05-01T00:10:00Z", "2016-05-01T02:10:00Z");
    assert_eq!(facts.doubts.len(), 2);
    let index = log.post_watering(facts);
    let watering = log.draft(&meter, "t1", "2016-05-01T00:10:00Z", "2016-05-01T01:00:00Z");
    assert!(watering.doubts.is_empty());
    let litres = watering.volume_litres;
    let signers = [&log.people.station, &log.people.east].map(Clone::clone);
    let signers = [&signers[0], &signers[1]];
    let head = TestLog::head(&signers);
    let reason = "the gate was closed earlier".to_owned();
    let correction = Correction { head, supersedes: index, reason, watering };
    log.post(&TestLog::seal(&Statement::Correction(correction), &signers));
    let report = audited(&log);
    assert!(report.holds(), "{report}");
    assert_eq!((report.waterings, report.volume_litres), (1, litres));
}

#[test]
fn evidence_of_a_clock_that_was_set_back_holds() {
    let mut log = TestLog::founded();
    let mut meter = TestMeter::east();
    meter.run_for(3);
    let mut report = meter.next_report();
    for reading in &mut report.readings {
        reading.at_ms -= 55 * 60_000;
    }
    meter.keep(&report);
    meter.run_for(1);
    // Report 4 speaks of the time before report 3, which is the one that reaches back to the start.
    let facts = log.draft(&meter, "t1", "2016-05-01T01:25:00Z", "2016-05-01T02:10:00Z");
    assert_eq!((facts.evidence[0].first_report, facts.evidence[0].last_report), (3, 5));
    log.post_watering(facts);
    let report = audited(&log);
    assert!(report.holds(), "{report}");
}

#[test]
fn the_report_can_be_read_and_parsed() {
    let report = audited(&settled());
    let text = report.to_string();
    assert!(text.ends_with("the log holds: all 13 entries were recomputed"), "{text}");
    assert!(text.contains("1 district, 4 key, 1 registry, 2 roster, 1 tariff, 3 watering"));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["statements"]["bill-run"], 1);
    assert_eq!(json["findings"], serde_json::json!([]));
}

#[test]
fn an_envelope_is_verified_by_what_the_log_says() {
    let log = settled();
    let (_, record) = audit_with(&log.export(), &Settings::default());
    let verdict = verify_envelope(&record, &log.entries[9]).unwrap();
    assert_eq!(verdict.kind, Kind::Watering);
    assert_eq!(verdict.insufficient, None);
    assert!(verdict.signatures.iter().all(|signature| signature.valid));
    assert_eq!(verdict.signatures[1].person, Some(log.people.east.person.clone()));

    let mut envelope = Envelope::parse(&log.entries[9]).unwrap();
    envelope.signatures[1].sig[0] ^= 1;
    let verdict = verify_envelope(&record, &envelope.to_json()).unwrap();
    assert_eq!([true, false], [0, 1].map(|n: usize| verdict.signatures[n].valid));
    envelope.signatures.pop();
    let verdict = verify_envelope(&record, &envelope.to_json()).unwrap();
    assert!(verdict.insufficient.unwrap().contains("1 × cadre"));
    assert!(verify_envelope(&record, b"{}").is_err());
}

#[test]
fn a_receipt_is_verified_by_the_logs_key() {
    struct Tiles<'a>(&'a std::collections::BTreeMap<String, Vec<u8>>);
    impl TileSource for Tiles<'_> {
        fn tile(&self, _: u8, _: u64) -> Option<&[u8]> {
            self.0.get("tile/0/000.p/13").map(Vec::as_slice)
        }
    }
    let log = settled();
    let files = log.export();
    let proof = inclusion_proof(9, 13, &Tiles(&files)).unwrap();
    let receipt = TlogProof::new(9, proof, files["checkpoint"].clone()).to_bytes();
    let key = log.verifier_key();
    let held = verify_receipt(&receipt, &log.entries[9], &key).unwrap();
    assert_eq!((held.index, held.checkpoint.size), (9, 13));
    assert!(verify_receipt(&receipt, &log.entries[8], &key).is_err());
    let mut other = log.clone();
    other.key = disclosure::key::SigningKey::from_bytes(&[98; 32]);
    assert!(verify_receipt(&receipt, &log.entries[9], &other.verifier_key()).is_err());
}
