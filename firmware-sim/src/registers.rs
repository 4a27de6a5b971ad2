//! Registers of real meters from a CSV file of the DAIAD project.
//!
//! A line is `user key;DD/MM/YYYY HH:MM:SS;register`: local wall time without a zone, the register in litres.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use chrono::{FixedOffset, NaiveDateTime, TimeZone};
use csv::{ReaderBuilder, StringRecord};
use flate2::read::GzDecoder;
use telemetry::Reading;
use thiserror::Error;

/// The most lines that are read from one file.
pub const MAX_ROWS: usize = 10_000_000;

const TIME_FORMAT: &str = "%d/%m/%Y %H:%M:%S";

/// The readings of a file, as they stand in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Registers {
    /// Per user key the readings in order of time; those of one second keep the file's order. Resets, gaps and steps
    /// back are kept: they are the meter's word.
    pub by_meter: BTreeMap<String, Vec<Reading>>,
    /// The rows that are no readings, in order of lines.
    pub rejected: Vec<RejectedRow>,
}

/// A row that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// Its line in the file, the heading being line 1.
    pub line: u64,
    /// Why.
    pub reason: RejectReason,
}

/// Why a row is no reading. Nothing is ever guessed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RejectReason {
    /// Not three columns.
    #[error("the row has {0} columns instead of 3")]
    Columns(usize),
    /// No user key.
    #[error("the user key is empty")]
    NoMeter,
    /// Not a time of day that exists.
    #[error("'{0}' is no time of the form DD/MM/YYYY HH:MM:SS")]
    Time(String),
    /// A register in scientific notation, such as `4e+05`: its last digits are gone.
    #[error("the register '{0}' has lost its last digits")]
    PrecisionLost(String),
    /// Not a whole number of litres.
    #[error("the register '{0}' is no whole number")]
    Register(String),
    /// The meter already has this value at this time.
    #[error("the row repeats an earlier one")]
    Duplicate,
}

/// Why a file cannot be read at all.
#[derive(Debug, Error)]
pub enum RegistersError {
    /// The file cannot be opened.
    #[error("the registers file cannot be opened: {0}")]
    Open(#[from] io::Error),
    /// The bytes are no CSV.
    #[error("the registers file cannot be read: {0}")]
    Csv(#[from] csv::Error),
    /// More than [`MAX_ROWS`].
    #[error("the registers file has more than {MAX_ROWS} rows: split it")]
    TooManyRows,
}

impl Registers {
    /// Reads a file, decompressing it if its name ends in `.gz`.
    ///
    /// `offset` is the zone of the file's wall clock.
    pub fn open(path: &Path, offset: FixedOffset) -> Result<Self, RegistersError> {
        let file = BufReader::new(File::open(path)?);
        if path.extension().is_some_and(|extension| extension == "gz") {
            Self::read(GzDecoder::new(file), offset)
        } else {
            Self::read(file, offset)
        }
    }

    /// Reads CSV with a heading line; `offset` is the zone of its wall clock.
    pub fn read(source: impl Read, offset: FixedOffset) -> Result<Self, RegistersError> {
        let mut lines =
            ReaderBuilder::new().delimiter(b';').flexible(true).quoting(false).from_reader(source);
        let mut registers = Self::default();
        let mut seen = BTreeSet::new();
        let mut record = StringRecord::new();
        let mut rows = 0;
        while lines.read_record(&mut record)? {
            rows += 1;
            if rows > MAX_ROWS {
                return Err(RegistersError::TooManyRows);
            }
            let row = parse(&record, offset).and_then(|(meter, reading)| {
                let first = seen.insert((meter.clone(), reading.at_ms, reading.value));
                if first { Ok((meter, reading)) } else { Err(RejectReason::Duplicate) }
            });
            match row {
                Ok((meter, reading)) => registers.by_meter.entry(meter).or_default().push(reading),
                Err(reason) => {
                    let line = record.position().map_or(0, csv::Position::line);
                    registers.rejected.push(RejectedRow { line, reason });
                }
            }
        }
        for readings in registers.by_meter.values_mut() {
            readings.sort_by_key(|reading| reading.at_ms);
        }
        Ok(registers)
    }
}

fn parse(record: &StringRecord, offset: FixedOffset) -> Result<(String, Reading), RejectReason> {
    let columns: Vec<&str> = record.iter().map(str::trim).collect();
    let &[meter, time, register] = columns.as_slice() else {
        return Err(RejectReason::Columns(columns.len()));
    };
    if meter.is_empty() {
        return Err(RejectReason::NoMeter);
    }
    let at_ms = NaiveDateTime::parse_from_str(time, TIME_FORMAT)
        .ok()
        .and_then(|wall| offset.from_local_datetime(&wall).single())
        .map(|time| time.timestamp_millis())
        .ok_or_else(|| RejectReason::Time(time.into()))?;
    let digits = !register.is_empty() && register.bytes().all(|byte| byte.is_ascii_digit());
    let value = register.parse().ok().filter(|_| digits).ok_or_else(|| {
        let scientific = register.contains(['e', 'E']) && register.parse::<f64>().is_ok();
        if scientific {
            RejectReason::PrecisionLost(register.into())
        } else {
            RejectReason::Register(register.into())
        }
    })?;
    Ok((meter.into(), Reading { at_ms, value }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rows: &str) -> Registers {
        let offset = FixedOffset::east_opt(8 * 3600).unwrap();
        let text = format!("user key;datetime;meter reading\n{rows}");
        Registers::read(text.as_bytes(), offset).unwrap()
    }

    fn reasons(rows: &str) -> Vec<(u64, RejectReason)> {
        read(rows).rejected.into_iter().map(|row| (row.line, row.reason)).collect()
    }

    #[test]
    fn reads_wall_time_at_the_given_offset() {
        let registers = read("1f8730a9;01/03/2016 00:28:55;68321\n");
        // 2016-02-29T16:28:55Z
        let reading = Reading { at_ms: 1_456_763_335_000, value: 68_321 };
        assert_eq!(registers.by_meter["1f8730a9"], [reading]);
        assert!(registers.rejected.is_empty());
    }

    #[test]
    fn rejects_a_register_that_lost_its_digits() {
        assert_eq!(
            reasons("a;01/03/2016 00:00:00;1\na;01/03/2016 01:00:00;4e+05\n"),
            [(3, RejectReason::PrecisionLost("4e+05".into()))]
        );
    }

    #[test]
    fn rejects_what_is_no_row() {
        let columns = "a;01/03/2016 00:00:00\na;01/03/2016 00:00:00;1;2\n";
        assert_eq!(
            reasons(columns),
            [(2, RejectReason::Columns(2)), (3, RejectReason::Columns(4))]
        );
        assert_eq!(reasons(";01/03/2016 00:00:00;1\n"), [(2, RejectReason::NoMeter)]);
        for time in ["31/02/2016 00:00:00", "2016-03-01 00:00:00", ""] {
            let found = reasons(&format!("a;{time};1\n"));
            assert_eq!(found, [(2, RejectReason::Time(time.into()))]);
        }
        for register in ["", "1.5", "-1", "+1", "eel", "NA", "99999999999999999999"] {
            let found = reasons(&format!("a;01/03/2016 00:00:00;{register}\n"));
            assert_eq!(found, [(2, RejectReason::Register(register.into()))], "{register}");
        }
    }

    #[test]
    fn rejects_repeated_rows_and_counts_them() {
        let row = "a;01/03/2016 00:00:00;7\n";
        assert_eq!(
            reasons(&format!("{row}{row}{row}")),
            [(3, RejectReason::Duplicate), (4, RejectReason::Duplicate)]
        );
    }

    #[test]
    fn keeps_resets_gaps_and_interleaved_registers_in_order_of_time() {
        let registers = read(
            "a;01/03/2016 02:00:00;12\n\
             a;01/03/2016 00:00:00;10\n\
             a;01/03/2016 01:00:00;90000\n\
             a;01/03/2016 01:00:00;11\n\
             a;09/03/2016 00:00:00;0\n\
             b;01/03/2016 00:00:00;10\n",
        );
        let values: Vec<i64> = registers.by_meter["a"].iter().map(|r| r.value).collect();
        assert_eq!(values, [10, 90_000, 11, 12, 0]);
        assert_eq!(registers.by_meter.len(), 2);
        assert!(registers.rejected.is_empty());
    }

    #[test]
    fn the_extract_has_no_rejected_row() {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/data/daiad-extract.csv.gz"));
        let offset = FixedOffset::east_opt(8 * 3600).unwrap();
        let registers = Registers::open(path, offset).unwrap();
        assert_eq!(registers.by_meter.len(), 7);
        assert_eq!(registers.by_meter.values().map(Vec::len).sum::<usize>(), 34_418);
        assert!(registers.rejected.is_empty());
    }
}
