//! A log is held to the checkpoints of it that were seen before.

use disclosure::checkpoint::Checkpoint;
use disclosure::merkle::{Hash, empty_root};

use super::{finds, finds_only, settled};
use crate::testing::{ORIGIN, TestLog};
use crate::{Place, Report, Rule, Seen, Settings, audit_with};

fn seen(log: &TestLog, size: u64, root: Hash) -> Seen {
    let checkpoint = Checkpoint::new(ORIGIN, size, root);
    let note = String::from_utf8(checkpoint.sign(&log.key).unwrap()).unwrap();
    Seen { checkpoint, note, by: "this computer".to_owned() }
}

/// The checkpoint that the log had at a size.
fn seen_at(log: &TestLog, size: usize) -> Seen {
    let note = String::from_utf8(log.export_at(size)["checkpoint"].clone()).unwrap();
    let checkpoint = Checkpoint::open(note.as_bytes(), &log.verifier_key()).unwrap();
    Seen { checkpoint, note, by: "this computer".to_owned() }
}

fn audited_against(log: &TestLog, seen: &[Seen]) -> Report {
    audit_with(&log.export(), &Settings { seen, ..Settings::default() }).0
}

#[test]
fn a_log_that_grew_continues_each_of_its_checkpoints() {
    let log = settled();
    let mut all: Vec<Seen> = (1..=13).map(|size| seen_at(&log, size)).collect();
    all.push(seen(&log, 0, empty_root()));
    all.reverse();
    let report = audited_against(&log, &all);
    assert!(report.holds(), "{report}");
    assert!(report.recomputed && report.split_views.is_empty());
    assert_eq!(report.checkpoint, Some(seen_at(&log, 13).note));
}

#[test]
fn rejects_a_log_that_is_not_the_one_that_was_seen() {
    let log = settled();
    for size in [0, 7, 13] {
        let other = seen(&log, size, Hash([5; 32]));
        let report = audited_against(&log, &[seen_at(&log, 5), other.clone()]);
        finds_only(&report, &Place::Checkpoint, Rule::SplitView);
        let split = &report.split_views[0];
        assert_eq!(split.earlier, other.note);
        assert_eq!(split.now, report.checkpoint);
        let text = report.to_string();
        for line in other.note.lines().chain(report.checkpoint.as_ref().unwrap().lines()) {
            assert!(text.contains(line), "{line} is not shown in {text}");
        }
    }
}

#[test]
fn rejects_a_log_that_shrank() {
    let log = settled();
    let mut shorter = log.clone();
    shorter.entries.truncate(11);
    let report = audited_against(&shorter, &[seen_at(&log, 13)]);
    finds(&report, &Place::Checkpoint, Rule::SplitView);
    let says = &report.findings.iter().find(|f| f.rule == Rule::SplitView).unwrap().says;
    assert!(says.contains("saw 13 entries, and now there are 11"), "{says}");
    assert_eq!(report.split_views.len(), 1);
}

#[test]
fn where_entries_are_missing_nothing_is_called_a_split_view() {
    let log = settled();
    let mut files = log.export();
    files.retain(|path, _| !path.starts_with("tile/"));
    let seen = [seen_at(&log, 5)];
    let (report, _) = audit_with(&files, &Settings { seen: &seen, ..Settings::default() });
    assert!(!report.recomputed && report.split_views.is_empty(), "{report}");
}
