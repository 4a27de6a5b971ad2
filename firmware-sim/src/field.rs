//! All outlets of a scenario with their water and their meters, lived through in order of time.

mod agenda;
mod books;
mod outlet;
mod registry;

use std::sync::Arc;

use telemetry::{EncodeError, MeterId, MeterIdError};
use thiserror::Error;

pub use books::{Delivery, FieldLedger, MeterBooks, OutletBooks, Totals};
pub use registry::FieldRegistry;

use crate::Outgoing;
use crate::dice::Dice;
use crate::life::Making;
use crate::physics::Flume;
use crate::scenario::{MINUTE_MS, Scenario, SensorTraits};
use agenda::Agenda;
use outlet::Outlet;

/// How much of a scenario is lived at a time when nobody listens.
const PASS_STEP_MS: i64 = 60 * MINUTE_MS;

/// Why a field cannot be made or go on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FieldError {
    /// Two turns at once at one outlet.
    #[error(
        "turns of the rounds {one} and {other} overlap at outlet {outlet}: move one of them, or lessen spread_minutes"
    )]
    Overlap {
        /// The outlet.
        outlet: MeterId,
        /// The round whose turn began first.
        one: String,
        /// The round whose turn begins before that one is over.
        other: String,
    },
    /// A register that was set or has wrapped already cannot be made to wrap.
    #[error(
        "events[{event}]: the register at outlet {outlet} wraps at most once and not after a reset: swap the meter between, or leave one of them out"
    )]
    Rollover {
        /// The outlet.
        outlet: MeterId,
        /// The event that asks for it, counted from 0.
        event: usize,
    },
    /// A name that cannot be a meter id.
    #[error("a meter of the scenario cannot be named: {0}")]
    Meter(#[from] MeterIdError),
    /// Readings that do not fit a report.
    #[error("meter {meter} cannot report: {reason}: let it put fewer readings into a report")]
    Report {
        /// The meter.
        meter: MeterId,
        /// Why not.
        reason: EncodeError,
    },
}

/// Something that happened to one meter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// The meter.
    pub meter: MeterId,
    /// What.
    pub what: Occurrence,
}

/// What can happen to a meter, as seen from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Occurrence {
    /// It sends a report. In a rehearsal it has no bytes.
    Report(Outgoing),
    /// It loses the radio.
    RadioLost,
    /// It has the radio again; what it kept follows.
    RadioBack,
    /// It takes an outlet over.
    Installed,
    /// It is taken down.
    Removed,
    /// An event of the scenario befalls it.
    Befell {
        /// Which one, counted from 0.
        event: usize,
        /// Its kind, as in the scenario file.
        what: &'static str,
    },
}

/// A scenario that is being lived through.
#[derive(Debug)]
pub struct Field {
    scenario: Scenario,
    outlets: Vec<Outlet>,
    /// How far it was lived.
    now_ms: i64,
    over: bool,
}

impl Field {
    /// All outlets and meters at the scenario's start.
    pub fn new(scenario: Scenario) -> Result<Self, FieldError> {
        Self::make(scenario, false)
    }

    /// The same field without signatures: its reports are counted and have no bytes.
    pub fn rehearsal(scenario: Scenario) -> Result<Self, FieldError> {
        Self::make(scenario, true)
    }

    fn make(scenario: Scenario, rehearsal: bool) -> Result<Self, FieldError> {
        let mut outlets = Vec::new();
        for series in &scenario.series {
            let flume = match series.meter {
                SensorTraits::Stage { throat_mm, .. } => Flume::parshall(throat_mm).map(Arc::new),
                _ => None,
            };
            let making = Arc::new(Making {
                series: Arc::new(series.clone()),
                flume,
                dice: Dice::new(scenario.seed),
                seed: scenario.seed,
                rehearsal,
            });
            for number in 1..=series.count {
                let code = MeterId::new(&series.outlet(number))?;
                let agenda = Agenda::of(&scenario, series, number, &code)?;
                outlets.push(Outlet::new(&making, code, number, agenda, scenario.start_ms()));
            }
        }
        Ok(Self { now_ms: scenario.start_ms(), scenario, outlets, over: false })
    }

    /// What it follows.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The meters that are installed now.
    pub fn meters(&self) -> impl Iterator<Item = &MeterId> {
        self.outlets.iter().map(|outlet| outlet.meter.id())
    }

    /// Lives on to an instant without a word.
    pub fn pass(&mut self, until_ms: i64) -> Result<(), FieldError> {
        let until_ms = until_ms.min(self.scenario.end_ms());
        while self.now_ms < until_ms && !self.over {
            // A long scenario has more happenings than should lie in memory at once.
            self.advance(until_ms.min(self.now_ms + PASS_STEP_MS))?;
        }
        Ok(())
    }

    /// What happens up to and with an instant and was not told before, in order of time. At the scenario's end every
    /// meter reports what it has, radio or not.
    pub fn advance(&mut self, until_ms: i64) -> Result<Vec<Happening>, FieldError> {
        let mut happenings = Vec::new();
        if self.over {
            return Ok(happenings);
        }
        let end_ms = self.scenario.end_ms();
        self.over = until_ms >= end_ms;
        self.now_ms = until_ms.min(end_ms).max(self.now_ms);
        for outlet in &mut self.outlets {
            outlet.advance(self.now_ms, &mut happenings)?;
            if self.over {
                outlet.finish(end_ms, &mut happenings)?;
            }
        }
        happenings.sort_by_key(|happening| happening.at_ms);
        Ok(happenings)
    }
}
