//! What the broker acknowledged and what the server receipted: the fleet's own books, to be held against the store.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use telemetry::{MeterId, MeterIdError};
use thiserror::Error;

use crate::tally::Tally;

/// The longest line of a ledger file that is read.
const MAX_LINE_BYTES: u64 = 1024;

/// Why a ledger cannot be kept or read.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// The file cannot be read or written.
    #[error("the ledger file cannot be used: {0}")]
    File(#[from] io::Error),
    /// A line that is not the ledger's.
    #[error("line {line} of the ledger is no entry: {reason}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// Why not.
        reason: String,
    },
    /// One sequence number of a meter with two different contents: the fleet contradicts itself.
    #[error(
        "report {seq} of meter {meter} stands in the ledger with other bytes: use another seed or ledger"
    )]
    Contradiction {
        /// The meter.
        meter: MeterId,
        /// The sequence number.
        seq: u64,
    },
}

/// What is known of one report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// SHA-256 of the report's COSE bytes, lower-case hex.
    pub sha256: String,
    /// The broker acknowledged it (PUBACK).
    pub acknowledged: bool,
    /// A receipt of the server covers it.
    pub receipted: bool,
}

/// Sums over a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LedgerSummary {
    /// Meters with at least one entry.
    pub meters: usize,
    /// Reports that the broker acknowledged.
    pub acknowledged: usize,
    /// Reports that the server receipted.
    pub receipted: usize,
}

impl LedgerSummary {
    fn of(tally: &Tally) -> Self {
        let (acknowledged, receipted) = (tally.acknowledged.len(), tally.receipted.len());
        Self { meters: 1, acknowledged, receipted }
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            meters: self.meters + other.meters,
            acknowledged: self.acknowledged + other.acknowledged,
            receipted: self.receipted + other.receipted,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    Acknowledged,
    Receipted,
}

/// One line of the file: `{"event":"receipted","meter":"sim-000001","seq":57,"sha256":"…"}`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    event: Event,
    meter: String,
    seq: u64,
    sha256: String,
}

/// The books, in memory and, when opened on a path, in a file of JSON lines.
#[derive(Debug, Default)]
pub struct Ledger {
    tallies: BTreeMap<MeterId, Tally>,
    /// What is known of each report; nothing when reports are only counted.
    records: Option<BTreeMap<MeterId, BTreeMap<u64, Record>>>,
    file: Option<File>,
}

impl Ledger {
    /// Books that only count: a few bytes for each meter, however many reports it makes.
    pub fn counting() -> Self {
        Self::default()
    }

    /// Books that are kept in memory only.
    pub fn in_memory() -> Self {
        Self { records: Some(BTreeMap::new()), ..Self::default() }
    }

    /// Reads what stands in the file, and appends to it from now on. A missing file is an empty one.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let (mut ledger, whole_bytes) = match File::open(path) {
            Ok(file) => Self::read(file)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Self::in_memory(), 0),
            Err(error) => return Err(error.into()),
        };
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        // A line that a crash cut short would spoil the one appended to it.
        file.set_len(whole_bytes)?;
        ledger.file = Some(file);
        Ok(ledger)
    }

    /// Reads a ledger file; a last line that was cut short by a crash is left out.
    pub fn load(path: &Path) -> Result<Self, LedgerError> {
        Ok(Self::read(File::open(path)?)?.0)
    }

    /// What is known of a report; nothing when reports are only counted.
    pub fn record(&self, meter: &MeterId, seq: u64) -> Option<&Record> {
        self.records.as_ref()?.get(meter)?.get(&seq)
    }

    /// All records, by meter and sequence number; none when reports are only counted.
    pub fn records(&self) -> impl Iterator<Item = (&MeterId, u64, &Record)> {
        self.records.iter().flatten().flat_map(|(meter, reports)| {
            reports.iter().map(move |(seq, record)| (meter, *seq, record))
        })
    }

    /// Whether a receipt covers a report.
    pub fn is_receipted(&self, meter: &MeterId, seq: u64) -> bool {
        self.tallies.get(meter).is_some_and(|tally| tally.receipted.contains(seq))
    }

    /// The sums.
    pub fn summary(&self) -> LedgerSummary {
        let none = LedgerSummary::default();
        self.tallies.values().fold(none, |sums, tally| sums.plus(LedgerSummary::of(tally)))
    }

    /// One meter's sums.
    pub fn summary_of(&self, meter: &MeterId) -> LedgerSummary {
        self.tallies.get(meter).map_or_else(LedgerSummary::default, LedgerSummary::of)
    }

    /// Books that the broker acknowledged a report; again changes nothing.
    pub fn acknowledged(
        &mut self,
        meter: &MeterId,
        seq: u64,
        bytes: &[u8],
    ) -> Result<(), LedgerError> {
        self.book(Event::Acknowledged, meter, seq, bytes)
    }

    /// Books that a receipt covers a report; again changes nothing.
    pub fn receipted(
        &mut self,
        meter: &MeterId,
        seq: u64,
        bytes: &[u8],
    ) -> Result<(), LedgerError> {
        self.book(Event::Receipted, meter, seq, bytes)
    }

    fn book(
        &mut self,
        event: Event,
        meter: &MeterId,
        seq: u64,
        bytes: &[u8],
    ) -> Result<(), LedgerError> {
        if self.records.is_none() {
            self.count(event, meter, seq);
            return Ok(());
        }
        let sha256 = hex::encode(Sha256::digest(bytes));
        let line = Line { event, meter: meter.as_str().into(), seq, sha256: sha256.clone() };
        if self.note(event, meter, seq, &sha256)?
            && let Some(file) = &mut self.file
        {
            let mut text = serde_json::to_vec(&line).map_err(io::Error::from)?;
            text.push(b'\n');
            file.write_all(&text)?;
        }
        Ok(())
    }

    /// Whether the event was news.
    fn note(
        &mut self,
        event: Event,
        meter: &MeterId,
        seq: u64,
        sha256: &str,
    ) -> Result<bool, LedgerError> {
        let reports = self.records.get_or_insert_default().entry(meter.clone()).or_default();
        let record = reports.entry(seq).or_insert_with(|| Record {
            sha256: sha256.into(),
            acknowledged: false,
            receipted: false,
        });
        if record.sha256 != sha256 {
            return Err(LedgerError::Contradiction { meter: meter.clone(), seq });
        }
        match event {
            Event::Acknowledged => record.acknowledged = true,
            Event::Receipted => record.receipted = true,
        }
        Ok(self.count(event, meter, seq))
    }

    /// Whether the event was news.
    fn count(&mut self, event: Event, meter: &MeterId, seq: u64) -> bool {
        let tally = self.tallies.entry(meter.clone()).or_default();
        match event {
            Event::Acknowledged => tally.acknowledged.insert(seq),
            Event::Receipted => tally.receipted.insert(seq),
        }
    }

    /// The books and the length of the whole lines.
    fn read(file: File) -> Result<(Self, u64), LedgerError> {
        let mut ledger = Self::in_memory();
        let mut source = BufReader::new(file);
        let (mut text, mut whole_bytes, mut number) = (String::new(), 0_u64, 0);
        loop {
            text.clear();
            number += 1;
            let bytes = io::Read::take(&mut source, MAX_LINE_BYTES).read_line(&mut text)?;
            if !text.ends_with('\n') {
                let cut_short = u64::try_from(bytes).is_ok_and(|bytes| bytes < MAX_LINE_BYTES);
                return if cut_short {
                    Ok((ledger, whole_bytes))
                } else {
                    Err(LedgerError::Line { line: number, reason: "it is too long".into() })
                };
            }
            whole_bytes = whole_bytes.saturating_add(u64::try_from(bytes).unwrap_or(0));
            let refused = |reason: String| LedgerError::Line { line: number, reason };
            let line: Line =
                serde_json::from_str(&text).map_err(|error| refused(error.to_string()))?;
            let meter = MeterId::new(&line.meter)
                .map_err(|error: MeterIdError| refused(error.to_string()))?;
            ledger.note(line.event, &meter, line.seq, &line.sha256)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter() -> MeterId {
        MeterId::new("well-07").unwrap()
    }

    #[test]
    fn books_are_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.jsonl");
        let mut ledger = Ledger::open(&path).unwrap();
        ledger.acknowledged(&meter(), 1, b"one").unwrap();
        ledger.acknowledged(&meter(), 1, b"one").unwrap();
        ledger.receipted(&meter(), 1, b"one").unwrap();
        drop(ledger);
        let mut again = Ledger::open(&path).unwrap();
        again.acknowledged(&meter(), 2, b"two").unwrap();
        drop(again);

        let loaded = Ledger::load(&path).unwrap();
        let summary = LedgerSummary { meters: 1, acknowledged: 2, receipted: 1 };
        assert_eq!(loaded.summary(), summary);
        let record = loaded.record(&meter(), 1).unwrap();
        assert_eq!(record.sha256, hex::encode(Sha256::digest(b"one")));
        assert!(!loaded.record(&meter(), 2).unwrap().receipted);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 3);
    }

    #[test]
    fn a_line_cut_short_is_left_out_and_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.jsonl");
        let mut ledger = Ledger::open(&path).unwrap();
        ledger.receipted(&meter(), 1, b"one").unwrap();
        ledger.receipted(&meter(), 2, b"two").unwrap();
        drop(ledger);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &text[..text.len() - 5]).unwrap();

        assert_eq!(Ledger::load(&path).unwrap().summary().receipted, 1);
        let mut ledger = Ledger::open(&path).unwrap();
        ledger.receipted(&meter(), 2, b"two").unwrap();
        drop(ledger);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn counting_books_know_as_much_without_the_bytes() {
        let (mut counting, mut whole) = (Ledger::counting(), Ledger::in_memory());
        for ledger in [&mut counting, &mut whole] {
            for seq in [1, 2, 2, 4] {
                ledger.acknowledged(&meter(), seq, b"report").unwrap();
            }
            ledger.receipted(&meter(), 1, b"report").unwrap();
        }
        assert_eq!(counting.summary(), whole.summary());
        assert_eq!(
            counting.summary_of(&meter()),
            LedgerSummary { meters: 1, acknowledged: 3, receipted: 1 }
        );
        assert!(counting.is_receipted(&meter(), 1) && !counting.is_receipted(&meter(), 2));
        assert_eq!((counting.records().count(), whole.records().count()), (0, 3));
    }

    #[test]
    fn rejects_other_bytes_under_the_same_number() {
        let mut ledger = Ledger::in_memory();
        ledger.acknowledged(&meter(), 1, b"one").unwrap();
        let error = ledger.receipted(&meter(), 1, b"other").unwrap_err();
        assert!(matches!(error, LedgerError::Contradiction { seq: 1, .. }), "{error}");
    }

    #[test]
    fn rejects_what_is_no_entry() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.jsonl");
        let long = "x".repeat(2000);
        for text in ["hello\n", "{\"event\":\"sent\"}\n", "\n", &long] {
            std::fs::write(&path, text).unwrap();
            let error = Ledger::load(&path).unwrap_err();
            assert!(matches!(error, LedgerError::Line { line: 1, .. }), "{error}");
        }
    }
}
