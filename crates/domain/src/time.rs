//! Instants: integer Unix milliseconds inside, RFC 3339 UTC in signed bytes, Beijing time on pages.

use chrono::{DateTime, Datelike, FixedOffset, SecondsFormat, Utc};
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

    fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or(DateTime::UNIX_EPOCH)
    }
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
    fn the_year_turns_at_midnight_in_beijing() {
        let eve: Timestamp = "2016-12-31T15:59:59Z".parse().unwrap();
        assert_eq!(eve.year(), 2016);
        assert_eq!(eve.plus_millis(1000).year(), 2017);
    }
}
