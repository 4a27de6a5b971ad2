//! Calendar months in Beijing: what PostgreSQL's partitions and archive folders are cut by.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};
use domain::Timestamp;
use thiserror::Error;

const BEIJING_OFFSET_MILLIS: i64 = 8 * 3600 * 1000;
const MONTHS_PER_YEAR: i32 = 12;

/// Not a month.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("month {0:?} is not valid: use YYYY-MM, like 2026-03")]
pub struct MonthError(String);

/// A calendar month in Beijing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(i32);

impl Month {
    /// The month that an instant lies in.
    pub fn of(at: Timestamp) -> Self {
        let wall = at.beijing();
        let ended = i32::try_from(wall.month0()).unwrap_or_default();
        Self(wall.year() * MONTHS_PER_YEAR + ended)
    }

    /// The month so many months later, or earlier.
    #[must_use]
    pub fn plus(self, months: i32) -> Self {
        Self(self.0.saturating_add(months))
    }

    /// Its first millisecond, Unix.
    pub fn start_millis(self) -> i64 {
        let (year, month) = self.parts();
        let first = NaiveDate::from_ymd_opt(year, month, 1).unwrap_or_default();
        first.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis() - BEIJING_OFFSET_MILLIS
    }

    /// The first millisecond after it, Unix.
    pub fn end_millis(self) -> i64 {
        self.plus(1).start_millis()
    }

    /// Months since the year 0: what an advisory lock on it is known by.
    pub(crate) fn number(self) -> i32 {
        self.0
    }

    /// Year, and month from 1.
    fn parts(self) -> (i32, u32) {
        let month = u32::try_from(self.0.rem_euclid(MONTHS_PER_YEAR)).unwrap_or_default();
        (self.0.div_euclid(MONTHS_PER_YEAR), month + 1)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month) = self.parts();
        write!(f, "{year:04}-{month:02}")
    }
}

impl FromStr for Month {
    type Err = MonthError;

    fn from_str(text: &str) -> Result<Self, MonthError> {
        let parts = text.split_once('-').and_then(|(year, month)| {
            let (year, month): (i32, i32) = (year.parse().ok()?, month.parse().ok()?);
            Some(Self(year.checked_mul(MONTHS_PER_YEAR)?.checked_add(month - 1)?))
        });
        parts
            .filter(|month| month.to_string() == text)
            .ok_or_else(|| MonthError(text.chars().take(16).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_turns_at_midnight_in_beijing() {
        let march = Month::of(at("2026-03-31T15:59:59.999Z"));
        assert_eq!(march.to_string(), "2026-03");
        assert_eq!(Month::of(at("2026-03-31T16:00:00Z")), march.plus(1));
        assert_eq!(march.end_millis(), at("2026-03-31T16:00:00Z").millis());
        assert_eq!(march.start_millis(), at("2026-02-28T16:00:00Z").millis());
    }

    #[test]
    fn months_go_on_over_the_year() {
        let december = Month::of(at("2025-12-15T00:00:00Z"));
        assert_eq!(december.plus(1).to_string(), "2026-01");
        assert_eq!(december.plus(-12).to_string(), "2024-12");
        assert_eq!(december.plus(1).start_millis(), december.end_millis());
    }

    #[test]
    fn rejects_what_is_no_month() {
        assert_eq!("2026-03".parse(), Ok(Month::of(at("2026-03-15T00:00:00Z"))));
        for text in ["2026-13", "2026-00", "2026-3", "2026", "26-03", "2026-03-01", "", "x-y"] {
            assert!(text.parse::<Month>().is_err(), "{text}");
        }
    }
}
