//! A series: alike meters at alike outlets.

use serde::Deserialize;

use super::{Village, VillageGroup};

/// The most meters of a scenario.
pub const MAX_SCENARIO_METERS: u32 = 100_000;
/// The most turns of a scenario, all outlets together; each takes about 150 bytes.
pub const MAX_SCENARIO_TURNS: i64 = 2_000_000;
/// The largest discharge of an outlet: twenty cubic metres a second.
pub const MAX_DISCHARGE_ML_PER_S: i64 = 20_000_000;

/// Alike meters at alike outlets: `canal-00001` and on for the name `canal`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) count: u32,
    /// The village they deliver to; dealt out over all villages when left out.
    pub(crate) village: Option<String>,
    pub(crate) meter: SensorTraits,
    pub(crate) source: SourceTraits,
    #[serde(default = "usual::reading_seconds")]
    pub(crate) reading_seconds: u32,
    #[serde(default = "usual::readings_per_report")]
    pub(crate) readings_per_report: usize,
    /// How many reports a meter keeps while it has no radio.
    #[serde(default = "usual::memory_reports")]
    pub(crate) memory_reports: usize,
    #[serde(default = "usual::gap_tolerance_seconds")]
    pub(crate) gap_tolerance_seconds: u32,
    #[serde(default)]
    pub(crate) clock: ClockTraits,
    /// How long a battery lasts at the usual rhythm; mains when left out.
    pub(crate) battery_days: Option<u32>,
}

/// What a meter measures, and how well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum SensorTraits {
    /// A cumulative register.
    Register {
        millilitres_per_unit: i64,
        /// One more than the highest value.
        modulus: Option<i64>,
        /// How many of 1,000 readings are one unit behind.
        #[serde(default)]
        jitter_permille: u16,
        /// Each meter counts so much too much or too little, at most.
        #[serde(default)]
        error_permille: u16,
    },
    /// A stage gauge over a Parshall flume in free flow.
    Stage {
        throat_mm: u32,
        /// The highest wave.
        #[serde(default = "usual::noise_mm")]
        noise_mm: u32,
    },
    /// A pump's energy meter, in watt-hours.
    Energy {
        /// What the registry says of the pump; what it really does when left out.
        millilitres_per_watt_hour: Option<i64>,
        modulus: Option<i64>,
        #[serde(default)]
        jitter_permille: u16,
    },
}

/// Where the water comes from. Each outlet draws its own discharge between the two bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum SourceTraits {
    /// A gate on a canal.
    Canal {
        discharge_ml_per_s: [i64; 2],
        /// How long the gate takes to open or to shut.
        #[serde(default = "usual::gate_minutes")]
        gate_minutes: u32,
        /// Time constant of the reach between gate and meter: how slowly the water follows the gate.
        #[serde(default = "usual::reach_minutes")]
        reach_minutes: u32,
        /// How much the steady flow sways either way.
        #[serde(default = "usual::canal_variation_permille")]
        variation_permille: u16,
    },
    /// A pump in a well.
    Well {
        discharge_ml_per_s: [i64; 2],
        /// What the pump lifts for a watt-hour.
        millilitres_per_watt_hour: i64,
        /// How much more it gives at first, before the well is drawn down.
        #[serde(default = "usual::drawdown_permille")]
        drawdown_permille: u16,
        #[serde(default = "usual::well_variation_permille")]
        variation_permille: u16,
    },
}

impl SourceTraits {
    pub(crate) const fn discharge_ml_per_s(&self) -> [i64; 2] {
        match self {
            Self::Canal { discharge_ml_per_s, .. } | Self::Well { discharge_ml_per_s, .. } => {
                *discharge_ml_per_s
            }
        }
    }

    pub(crate) const fn variation_permille(&self) -> u16 {
        match self {
            Self::Canal { variation_permille, .. } | Self::Well { variation_permille, .. } => {
                *variation_permille
            }
        }
    }
}

impl SensorTraits {
    /// One more than the highest value of a cumulative register, if it has an end.
    pub(crate) const fn modulus(&self) -> Option<i64> {
        match self {
            Self::Register { modulus, .. } | Self::Energy { modulus, .. } => *modulus,
            Self::Stage { .. } => None,
        }
    }
}

/// How a meter's clock runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ClockTraits {
    /// Each clock runs so much fast or slow, at most.
    pub(crate) drift_ppm: u32,
    /// How often it is set, when there is radio.
    pub(crate) set_hours: u32,
    /// How long after a restart it is set, when there is radio.
    pub(crate) set_after_reboot_minutes: u32,
}

impl Default for ClockTraits {
    fn default() -> Self {
        Self { drift_ppm: 20, set_hours: 24, set_after_reboot_minutes: 20 }
    }
}

pub(super) fn one_village() -> Vec<Village> {
    let group = VillageGroup { id: "g1".into(), name: "一社".into() };
    vec![Village { id: "east".into(), name: "东村".into(), groups: vec![group] }]
}

/// What holds where the file says nothing.
mod usual {
    pub(super) const fn noise_mm() -> u32 {
        2
    }

    pub(super) const fn gate_minutes() -> u32 {
        5
    }

    pub(super) const fn reach_minutes() -> u32 {
        8
    }

    pub(super) const fn canal_variation_permille() -> u16 {
        20
    }

    pub(super) const fn well_variation_permille() -> u16 {
        10
    }

    pub(super) const fn drawdown_permille() -> u16 {
        50
    }

    pub(super) const fn reading_seconds() -> u32 {
        300
    }

    pub(super) const fn readings_per_report() -> usize {
        12
    }

    /// Six weeks of hourly reports.
    pub(super) const fn memory_reports() -> usize {
        1000
    }

    pub(super) const fn gap_tolerance_seconds() -> u32 {
        1800
    }
}
