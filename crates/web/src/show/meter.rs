//! Words and figures about meters and what their readings are worth.

use std::borrow::Borrow;

use service::board::{Doubt, Evidence, Meter, Origin, Scale, decimal_text};

use super::grouped;
use crate::here::Here;

impl Here {
    pub(crate) fn doubt(&self, doubt: impl Borrow<Doubt>) -> &'static str {
        let doubt = *doubt.borrow();
        match doubt {
            Doubt::GapAtStart => self.t.doubt_gap_at_start,
            Doubt::GapAtEnd => self.t.doubt_gap_at_end,
            Doubt::ClockNotSynchronised => self.t.doubt_clock,
            Doubt::Tamper => self.t.doubt_tamper,
            Doubt::ReverseFlow => self.t.doubt_reverse_flow,
            Doubt::GapWithin => self.t.doubt_gap_within,
            Doubt::OutOfTable => self.t.doubt_out_of_table,
            Doubt::AboveCapacity => self.t.doubt_above_capacity,
        }
    }

    pub(crate) fn origin(&self, origin: impl Borrow<Origin>) -> &'static str {
        let origin = *origin.borrow();
        match origin {
            Origin::MeterSigned => self.t.origin_meter_signed,
            Origin::GatewayVouched => self.t.origin_gateway_vouched,
            Origin::Manual => self.t.origin_manual,
        }
    }

    /// What a piece of evidence is, in a sentence.
    pub(crate) fn evidence(&self, piece: &Evidence) -> String {
        let sentence = match piece.origin {
            Origin::MeterSigned => self.t.evidence_meter_signed,
            Origin::GatewayVouched => self.t.evidence_gateway_vouched,
            Origin::Manual => self.t.evidence_manual,
        };
        let (first, last) = (piece.first_report.to_string(), piece.last_report.to_string());
        self.say(sentence, [piece.meter.to_string(), first, last])
    }

    /// What was declared about a meter: initial and final value, removal, resets.
    pub(crate) fn declared(&self, meter: &Meter) -> Vec<String> {
        let initial = meter.initial_value.map(|value| (self.t.declared_initial, value.to_string()));
        let removed = meter.removed_at.map(|at| (self.t.declared_removed, self.time(at)));
        let last = meter.final_value.map(|value| (self.t.declared_final, value.to_string()));
        let resets = meter.resets.iter().map(|reset| {
            let values = [self.time(reset.at), reset.before.to_string(), reset.after.to_string()];
            self.say(self.t.declared_reset, values)
        });
        let lines = [initial, removed, last].into_iter().flatten();
        lines.map(|(phrase, part)| self.say(phrase, [part])).chain(resets).collect()
    }

    /// How a meter's values become litres, in words.
    pub(crate) fn scale(&self, scale: impl Borrow<Scale>) -> String {
        let unit = |millilitres: i64| decimal_text(millilitres, 6);
        let trimmed = |text: String| text.trim_end_matches('0').trim_end_matches('.').to_owned();
        match scale.borrow() {
            Scale::Register { millilitres_per_unit, .. } => {
                self.say(self.t.scale_register, [trimmed(unit(*millilitres_per_unit))])
            }
            Scale::Stage { tables } => {
                let table = tables.last().map_or_else(String::new, |dated| dated.table.to_string());
                self.say(self.t.scale_stage, [table])
            }
            Scale::Energy { coefficients, .. } => {
                let latest = coefficients.last().map_or(0, |one| one.millilitres_per_watt_hour);
                self.say(self.t.scale_energy, [trimmed(decimal_text(latest, 3))])
            }
        }
    }
}

/// Marks and figures that no language changes.
#[expect(clippy::unused_self, reason = "a template calls all of these on the page's `here`")]
impl Here {
    /// How much an origin is worth, as a mark's class.
    pub(crate) fn origin_mark(&self, origin: impl Borrow<Origin>) -> &'static str {
        match origin.borrow() {
            Origin::MeterSigned => "good",
            Origin::GatewayVouched => "plain",
            Origin::Manual => "care",
        }
    }

    /// A count of thousandths as a decimal: millilitres in litres.
    pub(crate) fn thousandths(&self, value: impl Borrow<i64>) -> String {
        grouped(&decimal_text(*value.borrow(), 3))
    }
}
