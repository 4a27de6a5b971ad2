//! What lets the water out: a gate on a canal, or a pump in a well. Both are stepped by the minute.

use telemetry::MeterId;

use super::PERMILLE;
use crate::dice::Dice;
use crate::scenario::{MINUTE_MS, SourceTraits};

/// How often the steady flow sways: the draws between which it goes straight.
const SWAY_MS: i64 = 10 * MINUTE_MS;
/// Below this part of its full flow a reach is dry.
const DRY_PART: i64 = 200;
/// A pump's first minute draws so much more: the motor's start and the rising main that fills.
const SURGE_PERMILLE: i64 = 300;
/// Each minute the well comes so much nearer to its drawn-down level: one part in so many.
const DRAWDOWN_PARTS: i64 = 10;
const SECONDS_PER_HOUR: i64 = 3600;

/// How water comes to flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The gate is opened or the pump runs.
    Gate,
    /// So much runs past it, in millilitres per second; backwards when negative.
    Past(i64),
}

/// A time in which water is let out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Opening {
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    pub(crate) way: Way,
}

impl Opening {
    /// Whether water was let out just before an instant: nothing flows before the start, and something still after the
    /// end, until the next minute.
    const fn holds(&self, at_ms: i64) -> bool {
        self.start_ms < at_ms && at_ms <= self.end_ms
    }
}

/// What flows and what a pump draws at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Rate {
    pub(crate) ml_per_s: i64,
    pub(crate) watts: i64,
}

/// One outlet's gate or pump, with what it remembers of the minute before.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    kind: Kind,
    /// What it gives when nothing sways.
    full_ml_per_s: i64,
    variation_permille: i64,
    dice: Dice,
    outlet: MeterId,
}

#[derive(Debug, Clone)]
enum Kind {
    Canal(Reach),
    Well(Pump),
}

/// A gate, and the canal between it and the meter: a linear reservoir.
#[derive(Debug, Clone)]
struct Reach {
    gate_ms: i64,
    /// The reservoir's time constant.
    minutes: i64,
    dry_ml_per_s: i64,
    arriving_ml_per_s: i64,
}

#[derive(Debug, Clone)]
struct Pump {
    full_watts: i64,
    drawdown_permille: i64,
    /// How much more it gives than when the well is drawn down; none while it stands still.
    excess_permille: Option<i64>,
}

impl Source {
    pub(crate) fn new(traits: &SourceTraits, outlet: &MeterId, dice: Dice) -> Self {
        let [least, most] = traits.discharge_ml_per_s();
        let full_ml_per_s = dice.between("discharge", outlet, 0, least, most);
        let kind = match *traits {
            SourceTraits::Canal { gate_minutes, reach_minutes, .. } => {
                let minutes = i64::from(reach_minutes).max(1);
                Kind::Canal(Reach {
                    gate_ms: i64::from(gate_minutes) * MINUTE_MS,
                    minutes,
                    // A division that rounds down never gets to zero by itself.
                    dry_ml_per_s: (full_ml_per_s / DRY_PART).max(minutes),
                    arriving_ml_per_s: 0,
                })
            }
            SourceTraits::Well { millilitres_per_watt_hour, drawdown_permille, .. } => {
                Kind::Well(Pump {
                    full_watts: full_ml_per_s * SECONDS_PER_HOUR / millilitres_per_watt_hour,
                    drawdown_permille: drawdown_permille.into(),
                    excess_permille: None,
                })
            }
        };
        let variation_permille = traits.variation_permille().into();
        Self { kind, full_ml_per_s, variation_permille, dice, outlet: outlet.clone() }
    }

    /// Whether nothing flows any more by itself.
    pub(crate) const fn dry(&self) -> bool {
        match &self.kind {
            Kind::Canal(reach) => reach.arriving_ml_per_s == 0,
            Kind::Well(pump) => pump.excess_permille.is_none(),
        }
    }

    /// What flows at a whole minute, given what flowed at the minute before. `openings` are those that are not over
    /// and those whose gate still shuts.
    pub(crate) fn at_minute(&mut self, at_ms: i64, openings: &[Opening]) -> Rate {
        let sway = PERMILLE + self.sway_permille(at_ms);
        let full_ml_per_s = self.full_ml_per_s * sway / PERMILLE;
        let gates = openings.iter().filter(|opening| opening.way == Way::Gate);
        let mut rate = match &mut self.kind {
            Kind::Canal(reach) => {
                let open = gates.map(|gate| open_permille(gate, reach.gate_ms, at_ms)).max();
                reach.at_minute(full_ml_per_s * open.unwrap_or(0) / PERMILLE)
            }
            Kind::Well(pump) => {
                let on = gates.into_iter().any(|gate| gate.holds(at_ms));
                pump.at_minute(on, full_ml_per_s, sway)
            }
        };
        let past = openings.iter().filter(|opening| opening.holds(at_ms));
        rate.ml_per_s += past
            .map(|opening| if let Way::Past(ml_per_s) = opening.way { ml_per_s } else { 0 })
            .sum::<i64>();
        rate
    }

    /// How long after its end an opening still matters.
    pub(crate) const fn lingers_ms(&self) -> i64 {
        match &self.kind {
            Kind::Canal(reach) => reach.gate_ms,
            Kind::Well(_) => 0,
        }
    }

    /// A walk between draws, each for itself.
    fn sway_permille(&self, at_ms: i64) -> i64 {
        let most = self.variation_permille;
        let index = at_ms.div_euclid(SWAY_MS);
        let draw =
            |index: i64| self.dice.between("sway", &self.outlet, index.unsigned_abs(), -most, most);
        let (from, to) = (draw(index), draw(index + 1));
        from + (to - from) * at_ms.rem_euclid(SWAY_MS) / SWAY_MS
    }
}

impl Reach {
    fn at_minute(&mut self, entering_ml_per_s: i64) -> Rate {
        self.arriving_ml_per_s += (entering_ml_per_s - self.arriving_ml_per_s) / self.minutes;
        if entering_ml_per_s == 0 && self.arriving_ml_per_s <= self.dry_ml_per_s {
            self.arriving_ml_per_s = 0;
        }
        Rate { ml_per_s: self.arriving_ml_per_s, watts: 0 }
    }
}

impl Pump {
    fn at_minute(&mut self, on: bool, full_ml_per_s: i64, sway_permille: i64) -> Rate {
        if !on {
            self.excess_permille = None;
            return Rate::default();
        }
        let watts = self.full_watts * sway_permille / PERMILLE;
        let Some(excess) = self.excess_permille else {
            // The first minute: the motor starts and the rising main fills.
            self.excess_permille = Some(self.drawdown_permille);
            return Rate { ml_per_s: 0, watts: watts * (PERMILLE + SURGE_PERMILLE) / PERMILLE };
        };
        // Rounded up, or the last of it would never go.
        self.excess_permille = Some(excess - (excess + DRAWDOWN_PARTS - 1) / DRAWDOWN_PARTS);
        Rate { ml_per_s: full_ml_per_s * (PERMILLE + excess) / PERMILLE, watts }
    }
}

/// How far a gate stands open: it takes its time to open from its start, and to shut from its end.
fn open_permille(gate: &Opening, gate_ms: i64, at_ms: i64) -> i64 {
    if gate_ms == 0 {
        return if gate.holds(at_ms) { PERMILLE } else { 0 };
    }
    let opened =
        |until_ms: i64| ((until_ms - gate.start_ms) * PERMILLE / gate_ms).clamp(0, PERMILLE);
    if at_ms < gate.end_ms {
        return opened(at_ms);
    }
    let shut = (at_ms - gate.end_ms) * PERMILLE / gate_ms;
    (opened(gate.end_ms) - shut).max(0)
}
