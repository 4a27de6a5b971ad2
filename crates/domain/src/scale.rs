//! How a meter's values become litres: registers, stage gauges, energy meters.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{TableId, Timestamp};

/// The coarsest register this program reckons with: millilitres for one unit (1,000 m³).
pub const MAX_MILLILITRES_PER_UNIT: i64 = 1_000_000_000;
/// The largest coefficient: millilitres for one watt-hour (1,000 m³ for one kWh).
pub const MAX_MILLILITRES_PER_WATT_HOUR: i64 = 1_000_000;
/// The largest rollover modulus of a register.
pub const MAX_MODULUS: i64 = 1_000_000_000_000;
/// The most units by which a register may be said to flicker.
pub const MAX_JITTER_UNITS: i64 = 100;
/// The largest capacity of an outlet, in millilitres per second (1,000 m³/s).
pub const MAX_CAPACITY_ML_PER_S: i64 = 1_000_000_000;
/// The most tables or coefficients of one meter.
pub const MAX_DATED: usize = 32;
/// The longest source of a coefficient, in characters.
pub const MAX_SOURCE_CHARS: usize = 200;

/// How a meter's values become cumulative litres.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Scale {
    /// A cumulative register (累计): its unit is its resolution.
    Register {
        /// Millilitres for one unit of the register.
        millilitres_per_unit: i64,
        /// How the register wraps and flickers.
        #[serde(default, skip_serializing_if = "Dial::is_plain")]
        dial: Dial,
    },
    /// A gauge of the water's stage in millimetres over a flume or weir (水位).
    Stage {
        /// The rating table in force from each date, by date.
        tables: Vec<DatedTable>,
    },
    /// A cumulative energy register in watt-hours (以电折水).
    Energy {
        /// The coefficient in force from each date, by date.
        coefficients: Vec<Coefficient>,
        /// How the register wraps and flickers, in watt-hours.
        #[serde(default, skip_serializing_if = "Dial::is_plain")]
        dial: Dial,
    },
}

/// How a register wraps and flickers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dial {
    /// The register counts modulo this; none when it never wraps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modulus: Option<i64>,
    /// A fall by at most this many units is noise: it is counted as it is and casts no doubt.
    #[serde(default)]
    pub jitter_units: i64,
    /// What can flow at the most, in millilitres per second: a faster rise is doubted, and a fall is
    /// a rollover only if what it comes to could have flowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity_ml_per_s: Option<i64>,
}

/// A rating table and from when it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatedTable {
    /// From when.
    pub from: Timestamp,
    /// The table's code.
    pub table: TableId,
}

/// A coefficient from energy to volume, from a typical test (典型测试).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coefficient {
    /// From when it holds.
    pub from: Timestamp,
    /// Until when, this instant left out; none while it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Millilitres for one watt-hour: 2,500 is 2.5 m³ for one kWh.
    pub millilitres_per_watt_hour: i64,
    /// Who tested it, where and when.
    pub source: String,
}

/// Why a scale is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScaleError {
    /// A register's unit is absurd.
    #[error("{0} millilitres per unit is not valid: use 1 to {MAX_MILLILITRES_PER_UNIT}")]
    MillilitresPerUnit(i64),
    /// A modulus is absurd.
    #[error("the rollover modulus {0} is not valid: use 2 to {MAX_MODULUS}")]
    Modulus(i64),
    /// A modulus without a capacity: nobody could tell a rollover from a reset.
    #[error("a register that rolls over needs capacity_ml_per_s, to tell a rollover from a reset")]
    ModulusNeedsCapacity,
    /// A jitter is absurd.
    #[error("a jitter of {0} units is not valid: use 0 to {MAX_JITTER_UNITS}")]
    Jitter(i64),
    /// A capacity is absurd.
    #[error("a capacity of {0} ml/s is not valid: use 1 to {MAX_CAPACITY_ML_PER_S}")]
    Capacity(i64),
    /// No table or coefficient, too many, or out of order.
    #[error("give 1 to {MAX_DATED} {0}, each from a later date than the one before")]
    Dated(&'static str),
    /// A coefficient is absurd.
    #[error("{0} millilitres per watt-hour is not valid: use 1 to {MAX_MILLILITRES_PER_WATT_HOUR}")]
    MillilitresPerWattHour(i64),
    /// A coefficient ends before it begins.
    #[error("a coefficient ends before it begins: check its dates")]
    CoefficientBackwards,
    /// A coefficient without a source.
    #[error("a coefficient needs a source of 1 to {MAX_SOURCE_CHARS} visible characters")]
    Source,
}

impl Scale {
    /// A register that never wraps or flickers.
    pub const fn register(millilitres_per_unit: i64) -> Self {
        let dial = Dial { modulus: None, jitter_units: 0, capacity_ml_per_s: None };
        Self::Register { millilitres_per_unit, dial }
    }

    /// Whether the meter counts: a stage gauge does not.
    pub const fn counts(&self) -> bool {
        !matches!(self, Self::Stage { .. })
    }

    /// Checks every figure.
    pub fn check(&self) -> Result<(), ScaleError> {
        match self {
            Self::Register { millilitres_per_unit, dial } => {
                if !(1..=MAX_MILLILITRES_PER_UNIT).contains(millilitres_per_unit) {
                    return Err(ScaleError::MillilitresPerUnit(*millilitres_per_unit));
                }
                dial.check()
            }
            Self::Stage { tables } => check_dates("rating tables", tables.iter().map(|t| t.from)),
            Self::Energy { coefficients, dial } => {
                check_dates("coefficients", coefficients.iter().map(|c| c.from))?;
                coefficients.iter().try_for_each(Coefficient::check)?;
                dial.check()
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn one_table(table: &str) -> Vec<DatedTable> {
        vec![DatedTable { from: Timestamp::EARLIEST, table: TableId::new(table).unwrap() }]
    }
}

impl Dial {
    const fn is_plain(&self) -> bool {
        self.modulus.is_none() && self.jitter_units == 0 && self.capacity_ml_per_s.is_none()
    }

    fn check(&self) -> Result<(), ScaleError> {
        match self.modulus {
            Some(modulus) if !(2..=MAX_MODULUS).contains(&modulus) => {
                return Err(ScaleError::Modulus(modulus));
            }
            Some(_) if self.capacity_ml_per_s.is_none() => {
                return Err(ScaleError::ModulusNeedsCapacity);
            }
            _ => {}
        }
        if !(0..=MAX_JITTER_UNITS).contains(&self.jitter_units) {
            return Err(ScaleError::Jitter(self.jitter_units));
        }
        match self.capacity_ml_per_s {
            Some(capacity) if !(1..=MAX_CAPACITY_ML_PER_S).contains(&capacity) => {
                Err(ScaleError::Capacity(capacity))
            }
            _ => Ok(()),
        }
    }
}

impl Coefficient {
    fn check(&self) -> Result<(), ScaleError> {
        if !(1..=MAX_MILLILITRES_PER_WATT_HOUR).contains(&self.millilitres_per_watt_hour) {
            return Err(ScaleError::MillilitresPerWattHour(self.millilitres_per_watt_hour));
        }
        if self.until.is_some_and(|until| until <= self.from) {
            return Err(ScaleError::CoefficientBackwards);
        }
        check_source(&self.source)
    }
}

/// Checks where a figure is said to come from.
pub(crate) fn check_source(source: &str) -> Result<(), ScaleError> {
    if crate::text::is_plain(source, MAX_SOURCE_CHARS) { Ok(()) } else { Err(ScaleError::Source) }
}

fn check_dates(
    what: &'static str,
    dates: impl Iterator<Item = Timestamp>,
) -> Result<(), ScaleError> {
    let dates: Vec<Timestamp> = dates.take(MAX_DATED + 1).collect();
    let ascending = dates.iter().zip(dates.iter().skip(1)).all(|(earlier, later)| earlier < later);
    if (1..=MAX_DATED).contains(&dates.len()) && ascending {
        Ok(())
    } else {
        Err(ScaleError::Dated(what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn dial(modulus: Option<i64>, jitter_units: i64, capacity_ml_per_s: Option<i64>) -> Scale {
        let dial = Dial { modulus, jitter_units, capacity_ml_per_s };
        Scale::Register { millilitres_per_unit: 1, dial }
    }

    fn coefficient(from: &str) -> Coefficient {
        Coefficient {
            from: at(from),
            until: None,
            millilitres_per_watt_hour: 2500,
            source: "2024年典型测试".into(),
        }
    }

    fn energy(coefficients: Vec<Coefficient>) -> Scale {
        Scale::Energy { coefficients, dial: Dial::default() }
    }

    #[test]
    fn rejects_an_absurd_unit() {
        assert_eq!(Scale::register(100_000).check(), Ok(()));
        for millilitres in [0, -1, MAX_MILLILITRES_PER_UNIT + 1] {
            let error = ScaleError::MillilitresPerUnit(millilitres);
            assert_eq!(Scale::register(millilitres).check(), Err(error));
        }
    }

    #[test]
    fn rejects_a_rollover_that_nobody_could_tell_from_a_reset() {
        assert_eq!(dial(Some(8_388_607), 1, Some(20_000)).check(), Ok(()));
        assert_eq!(dial(Some(8_388_607), 1, None).check(), Err(ScaleError::ModulusNeedsCapacity));
        assert_eq!(dial(Some(1), 1, Some(1)).check(), Err(ScaleError::Modulus(1)));
    }

    #[test]
    fn rejects_absurd_jitter_and_capacity() {
        assert_eq!(dial(None, -1, None).check(), Err(ScaleError::Jitter(-1)));
        assert!(dial(None, MAX_JITTER_UNITS + 1, None).check().is_err());
        assert_eq!(dial(None, 0, Some(0)).check(), Err(ScaleError::Capacity(0)));
    }

    #[test]
    fn rejects_dates_that_do_not_ascend() {
        let (early, late) = ("2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z");
        assert_eq!(energy(vec![coefficient(early), coefficient(late)]).check(), Ok(()));
        assert!(energy(vec![coefficient(late), coefficient(early)]).check().is_err());
        assert!(energy(vec![]).check().is_err());
        assert!(Scale::Stage { tables: vec![] }.check().is_err());
        assert_eq!(Scale::Stage { tables: Scale::one_table("t") }.check(), Ok(()));
    }

    #[test]
    fn rejects_a_coefficient_without_sense_or_source() {
        let good = coefficient("2024-01-01T00:00:00Z");
        let bad = |change: fn(&mut Coefficient)| {
            let mut bad = good.clone();
            change(&mut bad);
            energy(vec![bad]).check()
        };
        assert!(bad(|c| c.millilitres_per_watt_hour = 0).is_err());
        assert_eq!(bad(|c| c.until = Some(c.from)), Err(ScaleError::CoefficientBackwards));
        assert_eq!(bad(|c| c.source = String::new()), Err(ScaleError::Source));
        assert_eq!(bad(|c| c.source = "a\nb".into()), Err(ScaleError::Source));
    }

    #[test]
    fn a_plain_register_needs_one_figure() {
        let json = serde_json::to_string(&Scale::register(100_000)).unwrap();
        assert_eq!(json, r#"{"register":{"millilitres_per_unit":100000}}"#);
        assert_eq!(serde_json::from_str::<Scale>(&json).unwrap(), Scale::register(100_000));
    }
}
