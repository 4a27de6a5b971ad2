//! What a meter's sensor makes of the truth.

use std::sync::Arc;

use telemetry::{Kind, MeterId};

use super::{Flume, PERMILLE, Truth};
use crate::dice::Dice;
use crate::scenario::SensorTraits;

const MICROLITRES_PER_MILLILITRE: i64 = 1_000;
const MILLIJOULES_PER_WATT_HOUR: i64 = 3_600_000;

/// One meter's sensor, with what it has counted.
#[derive(Debug, Clone)]
pub(crate) enum Sensor {
    Counter(Counter),
    Stage { flume: Arc<Flume>, noise_mm: i64 },
}

/// A cumulative register over water or energy.
#[derive(Debug, Clone)]
pub(crate) struct Counter {
    counts: Counts,
    /// Microlitres or millijoules for one unit.
    per_unit: i64,
    modulus: Option<i64>,
    jitter_permille: u64,
    /// How much too much it counts.
    error_permille: i64,
    /// What it showed when the sum stood at `since`.
    initial: i64,
    since: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counts {
    Water,
    Energy,
}

impl Sensor {
    /// A sensor that is installed at this moment. A register shows `initial` at first.
    pub(crate) fn new(
        traits: &SensorTraits,
        flume: Option<&Arc<Flume>>,
        meter: &MeterId,
        dice: Dice,
        truth: &Truth,
        initial: i64,
    ) -> Self {
        let counter = |counts, per_unit, modulus, jitter_permille: u16, error_permille: i64| {
            let since = amount(counts, truth);
            let jitter_permille = jitter_permille.into();
            Self::Counter(Counter {
                counts,
                per_unit,
                modulus,
                jitter_permille,
                error_permille,
                initial,
                since,
            })
        };
        match (*traits, flume) {
            (SensorTraits::Stage { noise_mm, .. }, Some(flume)) => {
                Self::Stage { flume: Arc::clone(flume), noise_mm: noise_mm.into() }
            }
            // A checked scenario has a flume for each stage gauge.
            (SensorTraits::Stage { .. }, None) => counter(Counts::Water, 1, None, 0, 0),
            (
                SensorTraits::Register {
                    millilitres_per_unit,
                    modulus,
                    jitter_permille,
                    error_permille,
                },
                _,
            ) => {
                let most = i64::from(error_permille);
                let error_permille = dice.between("error", meter, 0, -most, most);
                let per_unit = millilitres_per_unit * MICROLITRES_PER_MILLILITRE;
                counter(Counts::Water, per_unit, modulus, jitter_permille, error_permille)
            }
            (SensorTraits::Energy { modulus, jitter_permille, .. }, _) => {
                counter(Counts::Energy, MILLIJOULES_PER_WATT_HOUR, modulus, jitter_permille, 0)
            }
        }
    }

    /// What its values are.
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Counter(Counter { counts: Counts::Water, .. }) => Kind::Register,
            Self::Counter(Counter { counts: Counts::Energy, .. }) => Kind::Energy,
            Self::Stage { .. } => Kind::Stage,
        }
    }

    /// The `index`-th reading, with all that disturbs it.
    pub(crate) fn read(&self, truth: &Truth, meter: &MeterId, dice: Dice, index: u64) -> i64 {
        match self {
            Self::Counter(counter) => counter.read(truth, meter, dice, index),
            // Without water there are no waves.
            Self::Stage { .. } if truth.ml_per_s <= 0 => 0,
            Self::Stage { flume, noise_mm } => {
                let wave = |purpose| dice.between(purpose, meter, index, 0, *noise_mm);
                (flume.stage_mm(truth.ml_per_s) + wave("crest") - wave("trough")).max(0)
            }
        }
    }

    /// What a register shows, undisturbed.
    pub(crate) fn register(&self, truth: &Truth) -> Option<i64> {
        match self {
            Self::Counter(counter) => Some(counter.shows(counter.units(truth))),
            Self::Stage { .. } => None,
        }
    }

    /// All that was counted since it was installed or set, whatever a register shows of it.
    pub(crate) fn counted(&self, truth: &Truth) -> i64 {
        match self {
            Self::Counter(counter) => counter.counted(truth),
            Self::Stage { .. } => 0,
        }
    }

    /// Sets a register.
    pub(crate) fn set(&mut self, truth: &Truth, value: i64) {
        if let Self::Counter(counter) = self {
            counter.initial = value;
            counter.since = amount(counter.counts, truth);
        }
    }

    /// The value at which a register must stand now so that it wraps when the sums are those of `then`.
    pub(crate) fn initial_to_wrap(&self, then: &Truth) -> Option<i64> {
        let Self::Counter(counter) = self else { return None };
        let modulus = counter.modulus?;
        Some((modulus - counter.units(then)).rem_euclid(modulus))
    }
}

impl Counter {
    fn counted(&self, truth: &Truth) -> i64 {
        let amount = amount(self.counts, truth) - self.since;
        amount + amount / PERMILLE * self.error_permille
    }

    fn units(&self, truth: &Truth) -> i64 {
        self.counted(truth).div_euclid(self.per_unit)
    }

    fn shows(&self, units: i64) -> i64 {
        let value = self.initial + units;
        self.modulus.map_or(value, |modulus| value.rem_euclid(modulus))
    }

    fn read(&self, truth: &Truth, meter: &MeterId, dice: Dice, index: u64) -> i64 {
        let units = self.units(truth);
        let jitters =
            dice.roll("jitter", meter, index, PERMILLE.unsigned_abs()) < self.jitter_permille;
        self.shows(if jitters && units > 0 { units - 1 } else { units })
    }
}

const fn amount(counts: Counts, truth: &Truth) -> i64 {
    match counts {
        Counts::Water => truth.microlitres,
        Counts::Energy => truth.millijoules,
    }
}
