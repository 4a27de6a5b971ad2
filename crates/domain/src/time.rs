//! Instants: integer Unix milliseconds inside, RFC 3339 UTC in signed bytes, Beijing time on pages.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Seconds by which Beijing time (UTC+08:00, no summer time since 1992) is ahead of UTC.
const BEIJING_OFFSET_SECONDS: i32 = 8 * 3600;

/// Years that a timestamp may lie in; what lies outside is a broken clock, not an instant.
const FIRST_YEAR: i32 = 2000;
const LAST_YEAR: i32 = 2199;

/// Why a value is not an instant.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TimeError {
    /// Not RFC 3339 with `Z` and at most milliseconds.
    #[error("time {0:?} is not valid: use RFC 3339 in UTC, like 2016-05-01T06:00:00Z")]
    Format(String),
    /// Not a day.
    #[error("day {0:?} is not valid: write it like 2026-05-01")]
    Day(String),
    /// Outside the years that this program reckons with.
    #[error("time lies outside the years {FIRST_YEAR} to {LAST_YEAR}")]
    Range,
}

/// An instant in Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

impl Timestamp {
    /// The first instant reckoned with: 2000-01-01T00:00:00Z.
    pub const EARLIEST: Self = Self(946_684_800_000);

    /// An instant from Unix milliseconds; fails outside the years reckoned with.
    pub fn from_millis(millis: i64) -> Result<Self, TimeError> {
        let time = DateTime::<Utc>::from_timestamp_millis(millis).ok_or(TimeError::Range)?;
        if (FIRST_YEAR..=LAST_YEAR).contains(&time.year()) {
            Ok(Self(millis))
        } else {
            Err(TimeError::Range)
        }
    }

    /// Unix milliseconds.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// This instant moved by so many milliseconds; stays where it is when that would leave the years reckoned with.
    #[must_use]
    pub fn plus_millis(self, millis: i64) -> Self {
        self.0.checked_add(millis).and_then(|sum| Self::from_millis(sum).ok()).unwrap_or(self)
    }

    /// The wall clock in Beijing.
    pub fn beijing(self) -> DateTime<FixedOffset> {
        let utc = self.utc();
        FixedOffset::east_opt(BEIJING_OFFSET_SECONDS)
            .map_or_else(|| utc.fixed_offset(), |offset| utc.with_timezone(&offset))
    }

    /// The calendar year in Beijing: the year a quota and a basic charge belong to.
    pub fn year(self) -> i32 {
        self.beijing().year()
    }

    /// Noon of a day in Beijing, written like 2026-05-01.
    pub fn noon(day: &str) -> Result<Self, TimeError> {
        let malformed = || TimeError::Day(day.chars().take(40).collect());
        // 04:00 UTC.
        match format!("{day}T04:00:00Z").parse() {
            Err(TimeError::Format(_)) => Err(malformed()),
            other => other,
        }
    }

    /// The first instant of a year in Beijing (of the year 2000, the first instant reckoned with); fails outside the
    /// years reckoned with.
    pub fn year_start(year: i32) -> Result<Self, TimeError> {
        if !(FIRST_YEAR..=LAST_YEAR).contains(&year) {
            return Err(TimeError::Range);
        }
        Self::from_millis(beijing_new_year(year)?.max(Self::EARLIEST.millis()))
    }

    /// The last instant of a year in Beijing; fails outside the years reckoned with.
    pub fn year_end(year: i32) -> Result<Self, TimeError> {
        Self::year_start(year)?;
        // The year is within those reckoned with, so there is a next one.
        Self::from_millis(beijing_new_year(year + 1)? - 1)
    }

    fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or(DateTime::UNIX_EPOCH)
    }
}

/// Unix milliseconds at which a year begins in Beijing.
fn beijing_new_year(year: i32) -> Result<i64, TimeError> {
    let date = NaiveDate::from_ymd_opt(year, 1, 1).ok_or(TimeError::Range)?;
    let utc = date.and_time(NaiveTime::MIN).and_utc().timestamp_millis();
    Ok(utc - i64::from(BEIJING_OFFSET_SECONDS) * 1000)
}

impl core::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let precision =
            if self.0 % 1000 == 0 { SecondsFormat::Secs } else { SecondsFormat::Millis };
        f.write_str(&self.utc().to_rfc3339_opts(precision, true))
    }
}

impl core::str::FromStr for Timestamp {
    type Err = TimeError;

    /// Reads exactly the form that [`Timestamp`] displays, so that one instant has one text.
    fn from_str(text: &str) -> Result<Self, TimeError> {
        let malformed = || TimeError::Format(text.chars().take(40).collect());
        let parsed = DateTime::parse_from_rfc3339(text).map_err(|_| malformed())?;
        let time = Self::from_millis(parsed.timestamp_millis())?;
        if time.to_string() == text { Ok(time) } else { Err(malformed()) }
    }
}

impl TryFrom<String> for Timestamp {
    type Error = TimeError;
    fn try_from(text: String) -> Result<Self, TimeError> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(time: Timestamp) -> String {
        time.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_and_reads_one_text_per_instant() {
        for text in ["2016-05-01T06:00:00Z", "2016-05-01T06:00:00.250Z"] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn rejects_a_second_text_for_the_same_instant() {
        for text in [
            "2016-05-01T14:00:00+08:00",
            "2016-05-01t06:00:00z",
            "2016-05-01T06:00:00.000Z",
            "2016-05-01",
            "",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn rejects_a_clock_that_was_never_set() {
        let earliest = Timestamp::EARLIEST;
        assert_eq!(Timestamp::from_millis(earliest.millis()), Ok(earliest));
        assert_eq!(Timestamp::from_millis(earliest.millis() - 1), Err(TimeError::Range));
        assert_eq!(Timestamp::from_millis(0), Err(TimeError::Range));
        assert_eq!(Timestamp::from_millis(i64::MAX), Err(TimeError::Range));
    }

    #[test]
    fn noon_is_at_four_in_utc() {
        assert_eq!(Timestamp::noon("2026-05-01").unwrap().to_string(), "2026-05-01T04:00:00Z");
    }

    #[test]
    fn rejects_what_is_no_day() {
        for day in ["", "2026-5-1", "2026-02-30", "20260501", " 2026-05-01", "2026-05-01T04:00:00Z"]
        {
            assert!(matches!(Timestamp::noon(day), Err(TimeError::Day(_))), "{day:?}");
        }
        assert_eq!(Timestamp::noon("1999-12-31"), Err(TimeError::Range));
    }

    #[test]
    fn the_year_turns_at_midnight_in_beijing() {
        let eve: Timestamp = "2016-12-31T15:59:59Z".parse().unwrap();
        assert_eq!(eve.year(), 2016);
        assert_eq!(eve.plus_millis(1000).year(), 2017);
    }

    #[test]
    fn a_year_lasts_from_midnight_to_midnight_in_beijing() {
        let text = |time: Result<Timestamp, TimeError>| time.unwrap().to_string();
        assert_eq!(text(Timestamp::year_start(2017)), "2016-12-31T16:00:00Z");
        assert_eq!(text(Timestamp::year_end(2016)), "2016-12-31T15:59:59.999Z");
        assert_eq!(Timestamp::year_start(2000), Ok(Timestamp::EARLIEST));
        assert_eq!(text(Timestamp::year_end(2199)), "2199-12-31T15:59:59.999Z");
        for year in [i32::MIN, 1999, 2200, i32::MAX] {
            assert_eq!(Timestamp::year_start(year), Err(TimeError::Range));
            assert_eq!(Timestamp::year_end(year), Err(TimeError::Range));
        }
    }
}
