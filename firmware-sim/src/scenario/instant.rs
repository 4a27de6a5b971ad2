//! Times in a scenario file: wall clock at the scenario's own offset, on days counted from 1.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, FixedOffset, NaiveTime, Timelike};
use serde::{Deserialize, Deserializer, de};
use thiserror::Error;

/// The most days of a scenario.
pub const MAX_DAYS: u32 = 400;

pub(crate) const SECOND_MS: i64 = 1_000;
pub(crate) const MINUTE_MS: i64 = 60 * SECOND_MS;
pub(crate) const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// Why a text is no time of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is no time of a scenario: write it like \"day 3 06:30\", days from 1 to {MAX_DAYS}")]
pub struct DayTimeError(String);

/// Hours and minutes of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClockTime {
    minutes: i64,
}

/// A day of the scenario and a time on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DayTime {
    pub(crate) day: u32,
    pub(crate) time: ClockTime,
}

impl DayTime {
    /// The instant, Unix milliseconds. Day 1 is the day on which the scenario starts.
    pub(crate) fn after(self, start: DateTime<FixedOffset>) -> i64 {
        first_midnight(start) + (i64::from(self.day) - 1) * DAY_MS + self.time.minutes * MINUTE_MS
    }

    /// The day and minute of an instant.
    pub(crate) fn at(start: DateTime<FixedOffset>, at_ms: i64) -> Self {
        let since_ms = at_ms - first_midnight(start);
        let day = u32::try_from(since_ms.div_euclid(DAY_MS) + 1).unwrap_or(0);
        Self { day, time: ClockTime { minutes: since_ms.rem_euclid(DAY_MS) / MINUTE_MS } }
    }
}

fn first_midnight(start: DateTime<FixedOffset>) -> i64 {
    start.timestamp_millis() - i64::from(start.num_seconds_from_midnight()) * SECOND_MS
}

impl fmt::Display for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

impl fmt::Display for DayTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "day {} {}", self.day, self.time)
    }
}

impl FromStr for ClockTime {
    type Err = chrono::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time = NaiveTime::parse_from_str(text, "%H:%M")?;
        Ok(Self { minutes: i64::from(time.num_seconds_from_midnight()) / 60 })
    }
}

impl FromStr for DayTime {
    type Err = DayTimeError;

    fn from_str(text: &str) -> Result<Self, DayTimeError> {
        let parse = || {
            let (day, time) = text.strip_prefix("day ")?.split_once(' ')?;
            let day = day.parse().ok().filter(|day| (1..=MAX_DAYS).contains(day))?;
            Some(Self { day, time: time.parse().ok()? })
        };
        parse().ok_or_else(|| DayTimeError(text.into()))
    }
}

impl<'de> Deserialize<'de> for ClockTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let refused =
            |_| de::Error::custom(format!("{text:?} is no time: write it like \"06:30\""));
        text.parse().map_err(refused)
    }
}

impl<'de> Deserialize<'de> for DayTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Reads a TOML date-time with its offset.
pub(crate) fn start<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<DateTime<FixedOffset>, D::Error> {
    let text = toml::value::Datetime::deserialize(deserializer)?.to_string();
    DateTime::parse_from_rfc3339(&text).map_err(|_| {
        let example = "write date, time and offset, as in 2026-04-01T00:00:00+08:00";
        de::Error::custom(format!("{text} does not say which instant it is: {example}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_the_start_at_its_own_offset() {
        let start = DateTime::parse_from_rfc3339("2026-04-01T05:00:00+08:00").unwrap();
        let at = |text: &str| {
            let ms = text.parse::<DayTime>().unwrap().after(start);
            DateTime::from_timestamp_millis(ms).unwrap().to_rfc3339()
        };
        assert_eq!(at("day 1 06:30"), "2026-03-31T22:30:00+00:00");
        assert_eq!(at("day 3 00:00"), "2026-04-02T16:00:00+00:00");
        let ms = "day 3 06:30".parse::<DayTime>().unwrap().after(start);
        assert_eq!(DayTime::at(start, ms + 59_999).to_string(), "day 3 06:30");
        assert_eq!("day 3 06:30".parse::<DayTime>().unwrap().to_string(), "day 3 06:30");
    }

    #[test]
    fn rejects_what_is_no_time() {
        for text in ["", "3 06:30", "day 0 06:30", "day 401 06:30", "day 1 24:00", "day 1"] {
            assert_eq!(text.parse::<DayTime>(), Err(DayTimeError(text.into())), "{text}");
        }
    }
}
