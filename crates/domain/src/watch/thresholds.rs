//! From when on something is an alarm or a turn: figures of a place, so they stand in the configuration.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest time in minutes: thirty days.
const MAX_MINUTES: i64 = 30 * 24 * 60;
/// The longest time in hours: thirty days.
const MAX_HOURS: i64 = 30 * 24;
/// The most restarts a day that are let pass; as many instants are kept for each meter.
pub const MAX_REBOOTS_PER_DAY: i64 = 100;
/// The strongest flow: 1,000 m³/s, more than any canal of a district carries.
const MAX_MILLILITRES_PER_SECOND: i64 = 1_000_000_000;
/// The largest volume of a flow that is too small to be a turn: a million cubic metres.
const MAX_LITRES: i64 = 1_000_000_000;

/// When something is an alarm, and when flowing water looks like a turn.
///
/// Every figure has a default, so that a configuration names only those it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// A meter is silent when nothing new came from it for so long.
    pub silent_after_minutes: i64,
    /// A report counts as missing when a later one is in for so long.
    pub missing_after_minutes: i64,
    /// A meter may restart so often within a day.
    pub reboots_per_day: i64,
    /// Water runs when at least this much flows between two readings.
    pub flow_starts_millilitres_per_second: i64,
    /// A flow is over when it stayed below that for so long.
    pub flow_ends_after_minutes: i64,
    /// A flow of less is no turn.
    pub turn_least_litres: i64,
    /// A leak is at least this strong over each hour.
    pub leak_least_millilitres_per_second: i64,
    /// What is stronger over an hour is use.
    pub leak_most_millilitres_per_second: i64,
    /// It is called a leak when it went on for so long.
    pub leak_after_hours: i64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            silent_after_minutes: 24 * 60,
            missing_after_minutes: 60,
            reboots_per_day: 3,
            flow_starts_millilitres_per_second: 1000,
            flow_ends_after_minutes: 30,
            turn_least_litres: 1000,
            leak_least_millilitres_per_second: 30,
            leak_most_millilitres_per_second: 1000,
            leak_after_hours: 24,
        }
    }
}

/// A threshold that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ThresholdError {
    /// Outside its bounds.
    #[error("{key} = {value} is not valid: use {least} to {most}")]
    OutOfRange {
        /// The configuration's key.
        key: &'static str,
        /// The value given.
        value: i64,
        /// The least that is allowed.
        least: i64,
        /// The most that is allowed.
        most: i64,
    },
    /// A leak that is at least stronger than it is at most.
    #[error(
        "leak_least_millilitres_per_second = {least} is not valid: use less than leak_most_millilitres_per_second, which is {most}"
    )]
    LeakUpsideDown {
        /// The least.
        least: i64,
        /// The most.
        most: i64,
    },
}

impl Thresholds {
    /// Checks every figure.
    pub fn check(&self) -> Result<(), ThresholdError> {
        let flow = MAX_MILLILITRES_PER_SECOND;
        for (key, value, least, most) in [
            ("silent_after_minutes", self.silent_after_minutes, 1, MAX_MINUTES),
            ("missing_after_minutes", self.missing_after_minutes, 1, MAX_MINUTES),
            ("reboots_per_day", self.reboots_per_day, 1, MAX_REBOOTS_PER_DAY),
            (
                "flow_starts_millilitres_per_second",
                self.flow_starts_millilitres_per_second,
                1,
                flow,
            ),
            ("flow_ends_after_minutes", self.flow_ends_after_minutes, 1, MAX_MINUTES),
            ("turn_least_litres", self.turn_least_litres, 1, MAX_LITRES),
            ("leak_least_millilitres_per_second", self.leak_least_millilitres_per_second, 1, flow),
            ("leak_most_millilitres_per_second", self.leak_most_millilitres_per_second, 1, flow),
            ("leak_after_hours", self.leak_after_hours, 1, MAX_HOURS),
        ] {
            if !(least..=most).contains(&value) {
                return Err(ThresholdError::OutOfRange { key, value, least, most });
            }
        }
        let least = self.leak_least_millilitres_per_second;
        let most = self.leak_most_millilitres_per_second;
        if least >= most {
            return Err(ThresholdError::LeakUpsideDown { least, most });
        }
        Ok(())
    }

    /// How long a meter may be silent.
    pub const fn silent_after_millis(&self) -> i64 {
        self.silent_after_minutes * MILLIS_PER_MINUTE
    }

    /// How long a missing report is waited for.
    pub const fn missing_after_millis(&self) -> i64 {
        self.missing_after_minutes * MILLIS_PER_MINUTE
    }

    pub(super) const fn flow_ends_after_millis(&self) -> i64 {
        self.flow_ends_after_minutes * MILLIS_PER_MINUTE
    }

    pub(super) const fn leak_after_millis(&self) -> i64 {
        self.leak_after_hours * MILLIS_PER_HOUR
    }
}

pub(super) const MILLIS_PER_MINUTE: i64 = 60_000;
pub(super) const MILLIS_PER_HOUR: i64 = 3_600_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_hold() {
        assert_eq!(Thresholds::default().check(), Ok(()));
        let named: Thresholds = serde_json::from_str(r#"{"reboots_per_day":9}"#).unwrap();
        assert_eq!(named, Thresholds { reboots_per_day: 9, ..Thresholds::default() });
    }

    #[test]
    fn rejects_each_figure_below_one_and_beyond_reason() {
        type Change = fn(&mut Thresholds, i64);
        let changes: [(&str, Change); 9] = [
            ("silent_after_minutes", |t, v| t.silent_after_minutes = v),
            ("missing_after_minutes", |t, v| t.missing_after_minutes = v),
            ("reboots_per_day", |t, v| t.reboots_per_day = v),
            ("flow_starts_millilitres_per_second", |t, v| {
                t.flow_starts_millilitres_per_second = v;
            }),
            ("flow_ends_after_minutes", |t, v| t.flow_ends_after_minutes = v),
            ("turn_least_litres", |t, v| t.turn_least_litres = v),
            ("leak_least_millilitres_per_second", |t, v| t.leak_least_millilitres_per_second = v),
            ("leak_most_millilitres_per_second", |t, v| t.leak_most_millilitres_per_second = v),
            ("leak_after_hours", |t, v| t.leak_after_hours = v),
        ];
        for (key, change) in changes {
            for value in [0, -1, i64::MAX] {
                let mut bad = Thresholds::default();
                change(&mut bad, value);
                let message = bad.check().unwrap_err().to_string();
                assert!(message.starts_with(&format!("{key} = {value}")), "{message}");
                assert!(message.contains("use 1 to "), "{message}");
            }
        }
    }

    #[test]
    fn rejects_a_leak_that_is_upside_down() {
        let bad = Thresholds { leak_least_millilitres_per_second: 1000, ..Thresholds::default() };
        assert!(matches!(bad.check(), Err(ThresholdError::LeakUpsideDown { .. })));
    }

    #[test]
    fn rejects_an_unknown_figure() {
        let error = serde_json::from_str::<Thresholds>(r#"{"silent_after":5}"#).unwrap_err();
        assert!(error.to_string().contains("silent_after_minutes"), "{error}");
    }
}
