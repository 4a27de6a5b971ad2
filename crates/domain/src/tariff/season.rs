//! Seasons: parts of every year by Beijing calendar days.

use chrono::Datelike;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Timestamp;

/// Days of a leap year: a season and a year's cover are reckoned in them, so that 29 February always has its price.
pub const DAYS: usize = 366;

const MONTH_DAYS: [u16; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// Why a day is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("day {0:?} is not valid: write month and day like 04-01")]
pub struct DayError(String);

/// A day of every year, in Beijing; written `04-01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MonthDay(u16);

/// A season, both days within it; it may go over the new year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Season {
    /// Its first day.
    pub from: MonthDay,
    /// Its last day.
    pub to: MonthDay,
}

impl MonthDay {
    /// The day in Beijing at an instant.
    pub fn at(time: Timestamp) -> Self {
        let date = time.beijing();
        let before: u16 = MONTH_DAYS.iter().take(date.month0() as usize).sum();
        // A day of the month is below 31.
        Self(before + u16::try_from(date.day0()).unwrap_or(0))
    }

    /// All days of a leap year.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..MONTH_DAYS.iter().sum()).map(Self)
    }
}

impl Season {
    /// Whether the day lies within it.
    pub fn contains(self, day: MonthDay) -> bool {
        if self.from <= self.to {
            self.from <= day && day <= self.to
        } else {
            self.from <= day || day <= self.to
        }
    }
}

impl core::fmt::Display for MonthDay {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mut day = self.0;
        for (month, days) in (1..).zip(MONTH_DAYS) {
            if day < days {
                return write!(f, "{month:02}-{:02}", day + 1);
            }
            day -= days;
        }
        Err(core::fmt::Error)
    }
}

impl core::str::FromStr for MonthDay {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        // Few enough to compare: one text for each day, and no other.
        Self::all()
            .find(|day| day.to_string() == text)
            .ok_or_else(|| DayError(text.chars().take(10).collect()))
    }
}

impl TryFrom<String> for MonthDay {
    type Error = DayError;
    fn try_from(text: String) -> Result<Self, DayError> {
        text.parse()
    }
}

impl From<MonthDay> for String {
    fn from(day: MonthDay) -> String {
        day.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> MonthDay {
        text.parse().unwrap()
    }

    #[test]
    fn every_day_reads_back() {
        assert_eq!(MonthDay::all().count(), DAYS);
        for each in MonthDay::all() {
            assert_eq!(day(&each.to_string()), each);
        }
        assert_eq!(day("02-29").0, 59);
        assert_eq!(day("12-31").0, 365);
    }

    #[test]
    fn rejects_days_that_no_year_has() {
        for text in ["", "02-30", "4-1", "00-10", "13-01", "04-31", "0401", "04-01 "] {
            assert_eq!(text.parse::<MonthDay>(), Err(DayError(text.into())));
        }
    }

    #[test]
    fn a_day_begins_at_midnight_in_beijing() {
        let at = |text: &str| MonthDay::at(text.parse().unwrap());
        assert_eq!(at("2023-03-31T15:59:59Z"), day("03-31"));
        assert_eq!(at("2023-03-31T16:00:00Z"), day("04-01"));
        assert_eq!(at("2023-12-31T15:59:59Z"), day("12-31"));
        assert_eq!(at("2024-02-29T04:00:00Z"), day("02-29"));
    }

    #[test]
    fn a_season_includes_both_days_and_may_go_over_the_new_year() {
        let summer = Season { from: day("04-01"), to: day("09-30") };
        let winter = Season { from: day("10-01"), to: day("03-31") };
        for each in MonthDay::all() {
            assert_ne!(summer.contains(each), winter.contains(each), "{each}");
        }
        assert!(summer.contains(day("04-01")) && summer.contains(day("09-30")));
        let one = Season { from: day("02-29"), to: day("02-29") };
        assert_eq!(MonthDay::all().filter(|&each| one.contains(each)).count(), 1);
    }
}
