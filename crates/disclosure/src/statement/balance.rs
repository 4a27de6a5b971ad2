//! `balance`: how far every outlet's meters had come at the end of a day, posted by the log itself.
//!
//! It is posted even when nothing flowed. Whoever keeps it can tell later that reports which were there that day are
//! withheld, and how much water an outlet gave that no posted watering accounts for.

use std::collections::BTreeSet;

use domain::{Litres, MeterCode, OutletId, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Head;
use crate::attachment::AttachmentRef;

/// Media type of the outlets' lines: one JSON [`OutletBalance`] a line.
pub const BALANCE_MEDIA_TYPE: &str = "application/vnd.mingqu.outlet-balances.v1+jsonl";
/// The most outlets of one balance.
pub const MAX_BALANCED_OUTLETS: usize = 100_000;
/// The length of a day.
pub const DAY_MILLIS: i64 = 24 * 3600 * 1000;
/// How far into a UTC day Beijing's midnight is.
const MIDNIGHT_MILLIS: i64 = 16 * 3600 * 1000;

/// The water account (水账) of one day, for all outlets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Balance {
    /// What every statement begins with.
    pub head: Head,
    /// The day's end: midnight in Beijing.
    pub until: Timestamp,
    /// How many outlets there are.
    pub outlets: u32,
    /// Their lines, in an attachment.
    pub entries: AttachmentRef,
}

/// One outlet's day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutletBalance {
    /// The outlet.
    pub outlet: OutletId,
    /// V(end of the day) − V(its beginning); `null` where readings on both sides of both are not there yet.
    pub litres: Option<Litres>,
    /// The meters that stand there, as far as anything came of them.
    pub meters: Vec<LastReport>,
}

/// The last of a meter's reports that are there without a gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastReport {
    /// The meter.
    pub meter: MeterCode,
    /// Reports 1 to this are there.
    pub report: u64,
}

/// Why a balance's lines are refused.
#[derive(Debug, Error)]
pub enum BalanceError {
    /// Not one JSON object a line.
    #[error("line {line} of the outlets' balances cannot be read: {source}")]
    Malformed {
        /// Counted from 1.
        line: usize,
        /// What the reader says.
        source: serde_json::Error,
    },
    /// The statement and the lines disagree, or there are too many.
    #[error(
        "the balance states {stated} outlets and lists {listed}; at most {MAX_BALANCED_OUTLETS} are allowed"
    )]
    Count {
        /// The statement's count.
        stated: u32,
        /// The lines'.
        listed: usize,
    },
    /// Not every outlet of the registry once, in order.
    #[error(
        "the balance must have one line for each outlet of the registry, by code; see outlet {0}"
    )]
    Outlets(OutletId),
    /// A day that does not end at midnight in Beijing.
    #[error("a day ends at midnight in Beijing, 16:00:00Z, and not at {0}")]
    NotMidnight(Timestamp),
    /// A day that does not follow the last one.
    #[error(
        "the next day to balance ends at {next}, not at {stated}: no day is left out or told twice"
    )]
    NotNext {
        /// The day that follows the last balance.
        next: Timestamp,
        /// The statement's.
        stated: Timestamp,
    },
    /// A day that is not over.
    #[error("the day is not over: it ends at {until} and the balance was drawn up at {drafted_at}")]
    NotOver {
        /// The day's end.
        until: Timestamp,
        /// When it was drawn up.
        drafted_at: Timestamp,
    },
}

impl Balance {
    /// The end of the day that `at` lies in.
    pub fn end_of_day(at: Timestamp) -> Timestamp {
        let into = (at.millis() - MIDNIGHT_MILLIS).rem_euclid(DAY_MILLIS);
        at.plus_millis(DAY_MILLIS - into)
    }

    /// Checks that the day is over and follows the one balanced last.
    pub(crate) fn check_day(&self, last: Option<Timestamp>) -> Result<(), BalanceError> {
        let until = self.until;
        if (until.millis() - MIDNIGHT_MILLIS).rem_euclid(DAY_MILLIS) != 0 {
            return Err(BalanceError::NotMidnight(until));
        }
        if let Some(next) = last.map(|last| last.plus_millis(DAY_MILLIS))
            && next != until
        {
            return Err(BalanceError::NotNext { next, stated: until });
        }
        let drafted_at = self.head.drafted_at;
        if drafted_at < until {
            return Err(BalanceError::NotOver { until, drafted_at });
        }
        Ok(())
    }

    /// Reads the lines that belong to this statement, one for each of these outlets.
    pub fn read_entries<'o>(
        &self,
        bytes: &[u8],
        outlets: impl Iterator<Item = &'o OutletId>,
    ) -> Result<Vec<OutletBalance>, BalanceError> {
        let entries = balances_from_lines(bytes)?;
        let (stated, listed) = (self.outlets, entries.len());
        if usize::try_from(stated).ok() != Some(listed) || listed > MAX_BALANCED_OUTLETS {
            return Err(BalanceError::Count { stated, listed });
        }
        let outlets: BTreeSet<&OutletId> = outlets.collect();
        let mut expected = outlets.into_iter();
        for entry in &entries {
            if expected.next() != Some(&entry.outlet) {
                return Err(BalanceError::Outlets(entry.outlet.clone()));
            }
        }
        match expected.next() {
            Some(left_out) => Err(BalanceError::Outlets(left_out.clone())),
            None => Ok(entries),
        }
    }
}

/// The exact bytes of a balance's lines: one compact JSON object a line, by outlet.
pub fn balances_to_lines(entries: &[OutletBalance]) -> Result<Vec<u8>, serde_json::Error> {
    super::to_lines(entries)
}

/// Reads [`balances_to_lines`].
pub fn balances_from_lines(bytes: &[u8]) -> Result<Vec<OutletBalance>, BalanceError> {
    let mut entries = Vec::new();
    for (number, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
        if number >= MAX_BALANCED_OUTLETS {
            return Err(BalanceError::Count { stated: 0, listed: number + 1 });
        }
        let entry = serde_json::from_slice(line)
            .map_err(|source| BalanceError::Malformed { line: number + 1, source })?;
        entries.push(entry);
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(outlet: &str) -> OutletBalance {
        let meters = vec![LastReport { meter: MeterCode::new("m1").unwrap(), report: 7 }];
        OutletBalance { outlet: OutletId::new(outlet).unwrap(), litres: Some(Litres(12)), meters }
    }

    fn balance(until: &str, drafted_at: &str, outlets: u32) -> Balance {
        let head = Head {
            district: domain::DistrictId::new("d").unwrap(),
            drafted_at: drafted_at.parse().unwrap(),
            signers: Vec::new(),
        };
        let entries = AttachmentRef::of(BALANCE_MEDIA_TYPE, b"");
        Balance { head, until: until.parse().unwrap(), outlets, entries }
    }

    #[test]
    fn lines_round_trip() {
        let entries = [entry("e1"), OutletBalance { litres: None, ..entry("w1") }];
        let lines = balances_to_lines(&entries).unwrap();
        assert_eq!(
            String::from_utf8(lines.clone()).unwrap().lines().next().unwrap(),
            r#"{"outlet":"e1","litres":12,"meters":[{"meter":"m1","report":7}]}"#
        );
        assert_eq!(balances_from_lines(&lines).unwrap(), entries);
    }

    #[test]
    fn a_day_ends_at_midnight_in_beijing() {
        let end = |at: &str| Balance::end_of_day(at.parse().unwrap()).to_string();
        assert_eq!(end("2016-05-01T15:59:59.999Z"), "2016-05-01T16:00:00Z");
        assert_eq!(end("2016-05-01T16:00:00Z"), "2016-05-02T16:00:00Z");
    }

    #[test]
    fn rejects_a_day_that_is_no_day_not_over_or_not_next() {
        let check = |until, drafted_at, last: Option<&str>| {
            let last = last.map(|last| last.parse().unwrap());
            balance(until, drafted_at, 0).check_day(last)
        };
        let (day, next) = ("2016-05-01T16:00:00Z", "2016-05-02T16:00:00Z");
        assert!(check(day, day, None).is_ok());
        assert!(check(next, next, Some(day)).is_ok());
        let noon = "2016-05-01T04:00:00Z";
        assert!(matches!(check(noon, day, None), Err(BalanceError::NotMidnight(_))));
        assert!(matches!(check(day, noon, None), Err(BalanceError::NotOver { .. })));
        for last in [next, "2016-04-29T16:00:00Z"] {
            assert!(matches!(check(day, next, Some(last)), Err(BalanceError::NotNext { .. })));
        }
    }

    #[test]
    fn rejects_lines_that_are_not_the_registrys_outlets() {
        let outlets = ["e1", "w1"].map(|code| OutletId::new(code).unwrap());
        let read = |entries: &[OutletBalance]| {
            let stated = u32::try_from(entries.len()).unwrap();
            let lines = balances_to_lines(entries).unwrap();
            balance("2016-05-01T16:00:00Z", "2016-05-01T16:00:00Z", stated)
                .read_entries(&lines, outlets.iter())
        };
        assert!(read(&[entry("e1"), entry("w1")]).is_ok());
        for wrong in [
            vec![entry("e1")],
            vec![entry("w1"), entry("e1")],
            vec![entry("e1"), entry("e1")],
            vec![entry("e1"), entry("w1"), entry("x1")],
        ] {
            assert!(matches!(read(&wrong), Err(BalanceError::Outlets(_))), "{wrong:?}");
        }
        let miscounted = balance("2016-05-01T16:00:00Z", "2016-05-01T16:00:00Z", 1);
        let count = miscounted.read_entries(b"", outlets.iter());
        assert!(matches!(count, Err(BalanceError::Count { stated: 1, listed: 0 })));
    }

    #[test]
    fn rejects_a_line_that_is_not_json() {
        let error = balances_from_lines(b"{}\n").unwrap_err();
        assert!(matches!(error, BalanceError::Malformed { line: 1, .. }));
    }
}
