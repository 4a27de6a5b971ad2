//! Files that are missing, cut, changed, or not called for.

use std::collections::BTreeMap;

use disclosure::checkpoint::Checkpoint;
use disclosure::dsse::Envelope;
use disclosure::key::SigningKey;
use disclosure::merkle::{Hash, empty_root};
use disclosure::statement::Statement;

use super::{audited, finds, finds_only, settled};
use crate::testing::{ORIGIN, TestLog};
use crate::{Place, Rule, Source, SourceError, Verdict, audit};

fn file(path: &str) -> Place {
    Place::File(path.to_owned())
}

/// A log whose checkpoint says something else, signed by its own key.
fn with_checkpoint(log: &TestLog, origin: &str, size: u64, root: Hash) -> crate::Report {
    let mut files = log.export();
    let checkpoint = Checkpoint::new(origin, size, root);
    files.insert("checkpoint".to_owned(), checkpoint.sign(&log.key).unwrap());
    audit(&files, Some(&log.verifier_key()))
}

#[test]
fn rejects_a_stray_file() {
    let log = settled();
    for path in ["attachments/notes.txt", "tile/0/001", "tile/entries/000.p/14", "tile/1/000.p/1"] {
        let mut files = log.export();
        files.insert(path.to_owned(), b"?".to_vec());
        finds_only(&audit(&files, None), &file(path), Rule::StrayFile);
    }
}

#[test]
fn rejects_an_attachment_that_no_entry_names() {
    let mut log = settled();
    let stray = log.attach("text/plain", b"nobody signed this".to_vec());
    finds_only(&audited(&log), &file(&stray.path()), Rule::StrayFile);
}

#[test]
fn rejects_an_earlier_state_with_other_bytes() {
    let log = settled();
    for (path, earlier) in [("tile/0/000.p/5", 5), ("tile/entries/000.p/5", 5)] {
        let mut files = log.export();
        let mut bytes = log.export_at(earlier)[path].clone();
        files.insert(path.to_owned(), bytes.clone());
        assert!(audit(&files, None).holds());
        bytes[70] ^= 1;
        files.insert(path.to_owned(), bytes);
        finds_only(&audit(&files, None), &file(path), Rule::StrayFile);
    }
}

#[test]
fn rejects_missing_files() {
    let log = settled();
    let whole = log.export();
    for path in whole.keys().filter(|path| !path.starts_with("attachments/")) {
        let mut files = whole.clone();
        files.remove(path);
        finds(&audit(&files, Some(&log.verifier_key())), &file(path), Rule::FileMissing);
    }
}

#[test]
fn rejects_a_missing_attachment() {
    let log = settled();
    let mut files = log.export();
    let evidence = log.record.watering(10).unwrap().facts.evidence[0].reports.clone();
    files.remove(&evidence.path());
    finds_only(&audit(&files, None), &Place::Entry(10), Rule::AttachmentMissing);
}

#[test]
fn rejects_another_attachment_under_the_name() {
    let log = settled();
    let mut files = log.export();
    let evidence = log.record.watering(10).unwrap().facts.evidence[0].reports.clone();
    files.insert(evidence.path(), vec![0; 7]);
    let report = audit(&files, None);
    finds_only(&report, &Place::Entry(10), Rule::AttachmentAltered);
    assert!(report.findings[0].says.contains("is altered"), "{report}");
}

#[test]
fn says_once_of_a_roster_or_bills_that_they_are_missing_or_altered() {
    let log = settled();
    for index in [6, 12] {
        let envelope = Envelope::parse(&log.entries[index]).unwrap();
        let statement = Statement::parse(&envelope.payload_type, &envelope.payload).unwrap();
        let path = statement.attachments()[0].path();
        let at = Place::Entry(index as u64);
        let of_entry = |files: &BTreeMap<String, Vec<u8>>| {
            let found = audit(files, None).findings.into_iter();
            let found = found.filter(|finding| finding.at == at);
            found.map(|finding| finding.rule).collect::<Vec<_>>()
        };
        let mut files = log.export();
        files.get_mut(&path).unwrap()[5] ^= 1;
        assert_eq!(of_entry(&files), [Rule::AttachmentAltered]);
        files.remove(&path);
        assert_eq!(of_entry(&files), [Rule::AttachmentMissing]);
    }
}

#[test]
fn rejects_a_truncated_tile() {
    let log = settled();
    let mut files = log.export();
    let tile = files.get_mut("tile/0/000.p/13").unwrap();
    tile.truncate(12 * 32);
    let report = audit(&files, None);
    finds_only(&report, &file("tile/0/000.p/13"), Rule::Tile);
}

#[test]
fn one_bad_tile_does_not_hide_what_else_is_found() {
    let mut log = TestLog::founded();
    while log.entries.len() < 1_900 {
        log.force(log.entries[1].clone());
    }
    let mut files = log.export();
    files.get_mut("tile/1/000.p/7").unwrap()[0] ^= 1;
    files.insert("stray".to_owned(), Vec::new());
    let report = audit(&files, None);
    let of_files = report.findings.iter().filter(|finding| matches!(finding.at, Place::File(_)));
    assert_eq!(of_files.count(), 2, "{report}");
    finds(&report, &file("tile/1/000.p/7"), Rule::Tile);
    finds(&report, &file("stray"), Rule::StrayFile);
}

#[test]
fn an_audit_ends_at_its_bound_of_findings() {
    let mut log = TestLog::founded();
    while log.entries.len() < 2_000 {
        log.force(b"{}".to_vec());
    }
    let report = audited(&log);
    assert_eq!(report.findings.len(), crate::MAX_FINDINGS);
    assert!(!report.complete);
    assert!(report.to_string().ends_with("1000 findings, then the audit ended"));
}

#[test]
fn rejects_a_tile_that_the_entries_do_not_give() {
    let log = settled();
    let mut files = log.export();
    files.get_mut("tile/0/000.p/13").unwrap()[3 * 32] ^= 1;
    let report = audit(&files, None);
    finds(&report, &file("tile/0/000.p/13"), Rule::Tile);
    assert!(report.findings[0].says.contains("hash 3 "), "{report}");
}

#[test]
fn rejects_a_changed_entry_even_with_its_tiles_made_anew() {
    let log = settled();
    let mut forged = log.clone();
    forged.entries[10] = forged.entries[9].clone();
    let mut files = forged.export();
    files.insert("checkpoint".to_owned(), log.export()["checkpoint"].clone());
    let report = audit(&files, None);
    finds(&report, &Place::Checkpoint, Rule::Root);
}

#[test]
fn rejects_a_bundle_that_is_cut() {
    let log = settled();
    let mut files = log.export();
    files.get_mut("tile/entries/000.p/13").unwrap().pop();
    let report = audit(&files, None);
    // The tile still gives the leaves, and with them the root.
    finds(&report, &file("tile/entries/000.p/13"), Rule::Bundle);
    assert!(report.recomputed);
    files.remove("tile/0/000.p/13");
    finds(&audit(&files, None), &Place::Checkpoint, Rule::NotRecomputed);
    assert_eq!(report.entries_judged, 0);
}

#[test]
fn rejects_a_checkpoint_by_another_key() {
    let log = settled();
    let mut other = log.clone();
    other.key = SigningKey::from_bytes(&[98; 32]);
    let mut files = log.export();
    files.insert("checkpoint".to_owned(), other.export()["checkpoint"].clone());
    let report = audit(&files, None);
    finds_only(&report, &Place::Checkpoint, Rule::Checkpoint);
    // The rest is gone through all the same.
    assert_eq!(report.entries_judged, 13);
}

#[test]
fn rejects_a_checkpoint_of_a_smaller_log() {
    let log = settled();
    let mut files = log.export();
    files.insert("checkpoint".to_owned(), log.export_at(12)["checkpoint"].clone());
    let report = audit(&files, Some(&log.verifier_key()));
    finds(&report, &file("tile/entries/000.p/12"), Rule::FileMissing);
    finds(&report, &file("tile/entries/000.p/13"), Rule::StrayFile);
}

#[test]
fn rejects_a_checkpoint_with_another_root_size_or_origin() {
    let log = settled();
    let root = audited(&log).root.unwrap();
    let report = with_checkpoint(&log, ORIGIN, 13, empty_root());
    finds(&report, &Place::Checkpoint, Rule::Root);
    let report = with_checkpoint(&log, ORIGIN, 14, root);
    finds(&report, &file("tile/entries/000.p/14"), Rule::FileMissing);
    let report = with_checkpoint(&log, ORIGIN, u64::MAX, root);
    finds(&report, &Place::Checkpoint, Rule::LogTooLong);
    let report = with_checkpoint(&log, "elsewhere.example/log", 13, root);
    finds_only(&report, &Place::Checkpoint, Rule::Checkpoint);
}

#[test]
fn rejects_a_key_that_is_not_the_trusted_one() {
    let log = settled();
    let mut other = log.clone();
    other.key = SigningKey::from_bytes(&[98; 32]);
    let report = audit(&log.export(), Some(&other.verifier_key()));
    finds(&report, &file("log.vkey"), Rule::LogKey);
    finds(&report, &Place::Checkpoint, Rule::Checkpoint);
    finds(&report, &Place::Entry(0), Rule::LogKey);
}

#[test]
fn rejects_a_log_under_another_key_than_the_genesis_names() {
    let mut log = settled();
    log.key = SigningKey::from_bytes(&[98; 32]);
    finds_only(&audit(&log.export(), None), &Place::Entry(0), Rule::LogKey);
}

/// A source that fails for one path, and lists nothing.
struct Broken(BTreeMap<String, Vec<u8>>, &'static str);

impl Source for Broken {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        if path == self.1 {
            return Err(SourceError { reason: "the disk is gone".to_owned() });
        }
        self.0.read(path)
    }

    fn each(&self, _: &mut dyn FnMut(&str)) -> Result<(), SourceError> {
        Ok(())
    }
}

#[test]
fn rejects_a_file_that_cannot_be_read() {
    let files = settled().export();
    assert!(audit(&Broken(files.clone(), ""), None).holds());
    for path in ["log.vkey", "checkpoint", "tile/0/000.p/13", "tile/entries/000.p/13"] {
        let report = audit(&Broken(files.clone(), path), None);
        finds(&report, &file(path), Rule::Unreadable);
        // Without the key the checkpoint has no good signature either.
        assert_eq!(report.verdict() == Verdict::NotChecked, path != "log.vkey", "{report}");
        assert!(report.to_string().contains("the disk is gone"), "{report}");
    }
}
