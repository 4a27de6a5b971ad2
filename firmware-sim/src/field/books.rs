//! The final ledger: what the field truly gave and what its meters made of it.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat};
use serde::Serialize;
use telemetry::{Kind, MeterId};

use super::Field;
use crate::ledger::LedgerSummary;
use crate::life::Meter;

/// Microlitres of a millilitre.
const MICROLITRES: i64 = 1_000;

/// The scenario as far as it was lived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldLedger {
    /// What all followed from.
    pub seed: u64,
    /// Start and end, RFC 3339.
    pub start: String,
    /// See `start`.
    pub end: String,
    /// How far it was lived; the end, unless it was broken off.
    pub lived_until: String,
    /// Sums over everything below.
    pub totals: Totals,
    /// Every meter, those that were swapped as well.
    pub meters: Vec<MeterBooks>,
    /// Every outlet with its true waterings.
    pub outlets: Vec<OutletBooks>,
}

/// One meter's life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MeterBooks {
    /// The meter.
    pub meter: String,
    /// Where it stood.
    pub outlet: String,
    /// `register`, `stage` or `energy`.
    pub kind: &'static str,
    /// Readings taken.
    pub readings: u64,
    /// Readings never taken for want of power or memory, or lost by a reboot before they stood in a report.
    pub readings_lost: u64,
    /// Reports made.
    pub reports_made: u64,
    /// Reports that the broker acknowledged.
    pub reports_acknowledged: u64,
    /// Reports that the server receipted.
    pub reports_receipted: u64,
    /// How often each fault befell it.
    pub faults: BTreeMap<&'static str, u32>,
}

/// One outlet's water.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutletBooks {
    /// The outlet.
    pub outlet: String,
    /// All that came out.
    pub true_millilitres: i64,
    /// What of it came outside any turn: what runs on after a gate is shut, leaks, use outside rounds.
    pub outside_turns_millilitres: i64,
    /// Each turn that is over with what came out between its two instants.
    pub waterings: Vec<Delivery>,
}

/// One watering's true volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// The round's code.
    pub round: String,
    /// The turn's number within round and outlet.
    pub turn: u32,
    /// When it began, RFC 3339.
    pub start: String,
    /// When it ended, RFC 3339.
    pub end: String,
    /// The same two instants, Unix milliseconds.
    pub start_ms: i64,
    /// See `start_ms`.
    pub end_ms: i64,
    /// What truly came out between them.
    pub true_millilitres: i64,
}

/// Sums over a field.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Totals {
    /// Outlets.
    pub outlets: u64,
    /// Meters, those that were swapped as well.
    pub meters: u64,
    /// Readings taken.
    pub readings: u64,
    /// Readings lost.
    pub readings_lost: u64,
    /// Reports made.
    pub reports_made: u64,
    /// Reports that the broker acknowledged.
    pub reports_acknowledged: u64,
    /// Reports that the server receipted.
    pub reports_receipted: u64,
    /// How often each fault befell a meter.
    pub faults: BTreeMap<&'static str, u64>,
    /// Waterings.
    pub waterings: u64,
    /// All that came out.
    pub true_millilitres: i64,
    /// What of it came within turns.
    pub true_millilitres_in_turns: i64,
}

impl Field {
    /// The ledger so far; the final one when the field is over. `sent` knows how many reports of a meter were acknowledged and receipted.
    pub fn ledger(&self, sent: impl Fn(&MeterId) -> LedgerSummary) -> FieldLedger {
        let mut totals = Totals::default();
        let (mut meters, mut outlets) = (Vec::new(), Vec::new());
        for outlet in &self.outlets {
            for meter in outlet.former.iter().chain([&outlet.meter]) {
                let books = meter_books(meter, outlet.code.as_str(), sent(meter.id()));
                totals.add_meter(&books);
                meters.push(books);
            }
            let books = self.outlet_books(outlet);
            totals.add_outlet(&books);
            outlets.push(books);
        }
        let (start, end) = (self.scenario.start_ms(), self.scenario.end_ms());
        FieldLedger {
            seed: self.scenario.seed,
            start: rfc3339(start),
            end: rfc3339(end),
            lived_until: rfc3339(self.now_ms),
            totals,
            meters,
            outlets,
        }
    }

    fn outlet_books(&self, outlet: &super::Outlet) -> OutletBooks {
        let round = |index: usize| self.scenario.rounds.get(index).map(|round| round.code.clone());
        let waterings: Vec<Delivery> = outlet
            .past_turns()
            .map(|(turn, delivered)| Delivery {
                round: round(turn.round).unwrap_or_default(),
                turn: turn.number,
                start: rfc3339(turn.start_ms),
                end: rfc3339(turn.end_ms),
                start_ms: turn.start_ms,
                end_ms: turn.end_ms,
                true_millilitres: delivered.microlitres().div_euclid(MICROLITRES),
            })
            .collect();
        let true_millilitres = outlet.microlitres.div_euclid(MICROLITRES);
        let in_turns: i64 = waterings.iter().map(|watering| watering.true_millilitres).sum();
        OutletBooks {
            outlet: outlet.code.to_string(),
            true_millilitres,
            outside_turns_millilitres: true_millilitres - in_turns,
            waterings,
        }
    }
}

fn meter_books(meter: &Meter, outlet: &str, sent: LedgerSummary) -> MeterBooks {
    let count = |reports| u64::try_from(reports).unwrap_or(u64::MAX);
    MeterBooks {
        meter: meter.id().to_string(),
        outlet: outlet.into(),
        kind: match meter.kind() {
            Kind::Register => "register",
            Kind::Stage => "stage",
            Kind::Energy => "energy",
        },
        readings: meter.tally.readings,
        readings_lost: meter.tally.readings_lost,
        reports_made: meter.tally.reports,
        reports_acknowledged: count(sent.acknowledged),
        reports_receipted: count(sent.receipted),
        faults: meter.tally.faults.clone(),
    }
}

impl Totals {
    fn add_meter(&mut self, books: &MeterBooks) {
        self.meters += 1;
        self.readings += books.readings;
        self.readings_lost += books.readings_lost;
        self.reports_made += books.reports_made;
        self.reports_acknowledged += books.reports_acknowledged;
        self.reports_receipted += books.reports_receipted;
        for (fault, times) in &books.faults {
            *self.faults.entry(fault).or_default() += u64::from(*times);
        }
    }

    fn add_outlet(&mut self, books: &OutletBooks) {
        self.outlets += 1;
        self.waterings += u64::try_from(books.waterings.len()).unwrap_or(0);
        self.true_millilitres += books.true_millilitres;
        self.true_millilitres_in_turns += books.true_millilitres - books.outside_turns_millilitres;
    }
}

/// A time as the registry and the ledger write it: UTC, to the second.
pub(super) fn rfc3339(ms: i64) -> String {
    let time = DateTime::from_timestamp_millis(ms).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
