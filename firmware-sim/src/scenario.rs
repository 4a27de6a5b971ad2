//! What happens in the field, when, and to which meters: the scenario file.
//!
//! The file is TOML; `firmware-sim/README.md` explains it. A [`Scenario`] has passed every check, so that what is
//! built from it needs none.

mod check;
mod instant;
mod selection;
mod series;

use std::path::Path;

use chrono::{DateTime, FixedOffset};
use serde::Deserialize;
use thiserror::Error;

pub(crate) use instant::{ClockTime, DayTime, MINUTE_MS};
pub use instant::{DayTimeError, MAX_DAYS};
pub use series::{MAX_DISCHARGE_ML_PER_S, MAX_SCENARIO_METERS, MAX_SCENARIO_TURNS};
pub(crate) use series::{SensorTraits, Series, SourceTraits};

/// Why a scenario is refused.
#[derive(Debug, Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("the scenario cannot be read: {0}")]
    File(#[from] std::io::Error),
    /// The text is no TOML, a key is unknown or missing, or a value has another type.
    #[error("the scenario cannot be understood: {0}")]
    Toml(Box<toml::de::Error>),
    /// A value that cannot be.
    #[error("{key} = {value} is refused: {allowed}")]
    Value {
        /// Where it stands, such as `series[0].count`.
        key: String,
        /// The value.
        value: String,
        /// What is allowed.
        allowed: String,
    },
}

/// Meters, their water, and what befalls them. The same scenario and seed give the same bytes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    #[serde(default)]
    pub(crate) seed: u64,
    #[serde(deserialize_with = "instant::start")]
    pub(crate) start: DateTime<FixedOffset>,
    pub(crate) days: u32,
    #[serde(default = "series::one_village")]
    pub(crate) villages: Vec<Village>,
    pub(crate) series: Vec<Series>,
    #[serde(default)]
    pub(crate) rounds: Vec<Round>,
    #[serde(default)]
    pub(crate) events: Vec<Event>,
}

/// A village as the registry names it.
#[derive(Debug, Clone, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Village {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) groups: Vec<VillageGroup>,
}

/// A village's group.
#[derive(Debug, Clone, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VillageGroup {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// A round: on which days which outlets give their turns.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Round {
    pub(crate) code: String,
    /// Series, or single outlets.
    pub(crate) outlets: Vec<String>,
    #[serde(default = "one")]
    pub(crate) first_day: u32,
    /// The scenario's last when left out.
    pub(crate) last_day: Option<u32>,
    #[serde(default = "one")]
    pub(crate) every_days: u32,
    /// When the first turn of a day begins.
    pub(crate) opens: ClockTime,
    /// The turns of a day at each outlet, one after another.
    pub(crate) turn_minutes: Vec<u32>,
    /// How long the gate is shut between two turns; 0 lets the water run on.
    #[serde(default)]
    pub(crate) shut_minutes: u32,
    /// Each outlet opens so much later, at most, as the seed has it.
    #[serde(default)]
    pub(crate) spread_minutes: u32,
}

/// Something that befalls meters.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Event {
    pub(crate) at: DayTime,
    /// Series, or single meters by the name of their outlet.
    pub(crate) meters: Vec<String>,
    /// How many of 1,000 of them, as the seed has it.
    #[serde(default = "all_permille")]
    pub(crate) share_permille: u16,
    /// Each meter's turn comes so much later, at most, as the seed has it.
    #[serde(default)]
    pub(crate) spread_minutes: u32,
    pub(crate) what: What,
}

/// What can befall a meter or its outlet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum What {
    /// No radio: reports are kept.
    Outage { minutes: u32 },
    /// Power goes and comes; what stood in no report yet is lost.
    Reboot {
        #[serde(default = "one_minute")]
        down_seconds: u32,
    },
    /// The case is open.
    Tamper { minutes: u32 },
    /// Another meter takes the outlet over.
    Swap {
        /// What the new meter's register shows; drawn when left out.
        initial_value: Option<i64>,
        /// Whether the registry is told.
        #[serde(default = "yes")]
        declared: bool,
    },
    /// The register is made so that it wraps at this time.
    Rollover {},
    /// The register is set.
    Reset {
        #[serde(default)]
        after: i64,
        /// Whether the registry is told.
        #[serde(default = "yes")]
        declared: bool,
    },
    /// The clock runs so much fast from now on.
    Drift { ppm: i32 },
    /// Water runs backwards.
    Reverse { minutes: u32, discharge_ml_per_s: i64 },
    /// The battery has so much left.
    Battery { left_permille: u16 },
    /// The next report is signed by a new key.
    KeyRotation {},
    /// Water runs past a shut gate.
    Leak { minutes: u32, discharge_ml_per_s: i64 },
    /// The gate is opened outside any round.
    UseOutsideRounds { minutes: u32 },
}

impl What {
    /// The name in the file and in the ledger.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Outage { .. } => "outage",
            Self::Reboot { .. } => "reboot",
            Self::Tamper { .. } => "tamper",
            Self::Swap { .. } => "swap",
            Self::Rollover {} => "rollover",
            Self::Reset { .. } => "reset",
            Self::Drift { .. } => "drift",
            Self::Reverse { .. } => "reverse",
            Self::Battery { .. } => "battery",
            Self::KeyRotation {} => "key-rotation",
            Self::Leak { .. } => "leak",
            Self::UseOutsideRounds { .. } => "use-outside-rounds",
        }
    }
}

const fn one() -> u32 {
    1
}

const fn one_minute() -> u32 {
    60
}

const fn yes() -> bool {
    true
}

const fn all_permille() -> u16 {
    1000
}

impl Scenario {
    /// Reads and checks a scenario file.
    pub fn open(path: &Path) -> Result<Self, ScenarioError> {
        Self::parse(&std::fs::read_to_string(path)?)
    }

    /// Reads and checks a scenario.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let scenario: Self =
            toml::from_str(text).map_err(|error| ScenarioError::Toml(Box::new(error)))?;
        check::check(&scenario)?;
        Ok(scenario)
    }

    /// The same scenario with other keys, flow and noise.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The same scenario on other days. Refuses a time before 1970, which no report can carry.
    pub fn with_start(self, start: DateTime<FixedOffset>) -> Result<Self, ScenarioError> {
        let scenario = Self { start, ..self };
        check::check(&scenario)?;
        Ok(scenario)
    }

    /// What keys, flow and noise follow from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// When it begins, Unix milliseconds.
    pub fn start_ms(&self) -> i64 {
        self.start.timestamp_millis()
    }

    /// When it is over, Unix milliseconds.
    pub fn end_ms(&self) -> i64 {
        self.start_ms().saturating_add(i64::from(self.days).saturating_mul(instant::DAY_MS))
    }

    /// The instant that a text such as `day 3 06:30` stands for, Unix milliseconds.
    pub fn instant_ms(&self, text: &str) -> Result<i64, DayTimeError> {
        Ok(text.parse::<DayTime>()?.after(self.start))
    }

    /// How the file would write an instant, to the minute.
    pub(crate) fn day_time(&self, at_ms: i64) -> String {
        DayTime::at(self.start, at_ms).to_string()
    }

    /// How many outlets it has, each with one meter at a time.
    pub fn outlets(&self) -> u32 {
        self.series.iter().fold(0, |sum, series| sum.saturating_add(series.count))
    }
}
