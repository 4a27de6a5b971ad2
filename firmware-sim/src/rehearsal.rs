//! A scenario told beforehand: the same field, lived through without signatures and without a broker.

use std::collections::BTreeMap;
use std::fmt;

use telemetry::MeterId;

use crate::scenario::{MINUTE_MS, Scenario, SensorTraits};
use crate::{Field, FieldError, FieldLedger, LedgerSummary, Occurrence};

/// How many meters of an event are named.
const NAMED_METERS: usize = 3;
const MILLILITRES_PER_CUBIC_METRE: i64 = 1_000_000;

/// What would happen.
#[derive(Debug)]
pub struct Rehearsal {
    field: Field,
    /// By the event's index in the scenario.
    befell: BTreeMap<usize, Befell>,
}

#[derive(Debug)]
struct Befell {
    what: &'static str,
    first_ms: i64,
    last_ms: i64,
    times: u64,
    named: Vec<MeterId>,
}

impl Rehearsal {
    /// Lives a scenario through.
    pub fn of(scenario: Scenario) -> Result<Self, FieldError> {
        let (start_ms, end_ms) = (scenario.start_ms(), scenario.end_ms());
        let mut field = Field::rehearsal(scenario)?;
        let mut befell: BTreeMap<usize, Befell> = BTreeMap::new();
        let mut now_ms = start_ms;
        while now_ms < end_ms {
            // Not all at once: a long scenario has more happenings than should lie in memory.
            now_ms = end_ms.min(now_ms + 60 * MINUTE_MS);
            for happening in field.advance(now_ms)? {
                let Occurrence::Befell { event, what } = happening.what else { continue };
                let entry = befell.entry(event).or_insert_with(|| Befell {
                    what,
                    first_ms: happening.at_ms,
                    last_ms: happening.at_ms,
                    times: 0,
                    named: Vec::new(),
                });
                entry.last_ms = happening.at_ms;
                entry.times += 1;
                if entry.named.len() < NAMED_METERS {
                    entry.named.push(happening.meter);
                }
            }
        }
        Ok(Self { field, befell })
    }

    /// The ledger that it would end with, with nothing sent.
    pub fn ledger(&self) -> FieldLedger {
        self.field.ledger(|_| LedgerSummary::default())
    }

    fn write_series(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for series in &self.field.scenario().series {
            let kind = match series.meter {
                SensorTraits::Register { .. } => "register",
                SensorTraits::Stage { .. } => "stage",
                SensorTraits::Energy { .. } => "energy",
            };
            let (name, count) = (&series.name, series.count);
            let (seconds, readings) = (series.reading_seconds, series.readings_per_report);
            writeln!(
                f,
                "{name}: {count} {kind} meters, a reading every {seconds} s, {readings} in a report"
            )?;
        }
        Ok(())
    }

    fn write_rounds(&self, f: &mut fmt::Formatter<'_>, ledger: &FieldLedger) -> fmt::Result {
        for round in &self.field.scenario().rounds {
            let (mut turns, mut outlets, mut millilitres) = (0_u64, 0_u64, 0_i64);
            for outlet in &ledger.outlets {
                let of_round = outlet.waterings.iter().filter(|w| w.round == round.code);
                let turns_before = turns;
                for watering in of_round {
                    turns += 1;
                    millilitres += watering.true_millilitres;
                }
                outlets += u64::from(turns > turns_before);
            }
            let volume = millilitres / MILLILITRES_PER_CUBIC_METRE;
            writeln!(
                f,
                "round {}: {turns} turns at {outlets} outlets, {volume} m³ in truth",
                round.code
            )?;
        }
        Ok(())
    }

    /// By time; what befalls nobody last.
    fn write_events(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scenario = self.field.scenario();
        let mut by_time: Vec<&Befell> = self.befell.values().collect();
        by_time.sort_by_key(|befell| befell.first_ms);
        for befell in by_time {
            let from = scenario.day_time(befell.first_ms);
            let to = scenario.day_time(befell.last_ms);
            let when = if from == to { from } else { format!("{from} to {to}") };
            let named: Vec<&str> = befell.named.iter().map(MeterId::as_str).collect();
            let more = befell.times - u64::try_from(named.len()).unwrap_or(0);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            writeln!(f, "{when}, {}: {}{more}", befell.what, named.join(", "))?;
        }
        for (index, event) in scenario.events.iter().enumerate() {
            if !self.befell.contains_key(&index) {
                writeln!(f, "{}, {}: befalls nobody", event.at, event.what.name())?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Rehearsal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ledger, scenario) = (self.ledger(), self.field.scenario());
        let (days, start, seed) = (scenario.days, scenario.start.to_rfc3339(), scenario.seed);
        writeln!(f, "{days} day(s) from {start}, seed {seed}")?;
        self.write_series(f)?;
        self.write_rounds(f, &ledger)?;
        self.write_events(f)?;
        let totals = &ledger.totals;
        writeln!(
            f,
            "{} meters make {} reports of {} readings; {} readings are lost",
            totals.meters, totals.reports_made, totals.readings, totals.readings_lost
        )?;
        write!(
            f,
            "{} m³ come out in truth, {} m³ of them in turns",
            totals.true_millilitres / MILLILITRES_PER_CUBIC_METRE,
            totals.true_millilitres_in_turns / MILLILITRES_PER_CUBIC_METRE
        )
    }
}
