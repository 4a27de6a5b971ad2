//! One meter's readings in order of time, with what was declared about it, and what flowed between each two.

use std::collections::BTreeMap;

use super::{Doubt, Doubts, MeasurementError, Reading};
use crate::rating::RatingTable;
use crate::registry::Meter;
use crate::scale::{Coefficient, DatedTable, Dial, Scale};
use crate::{TableId, Timestamp};

/// One meter at an outlet with what it said.
#[derive(Debug, Clone)]
pub struct MeterReadings<'a> {
    /// The meter.
    pub meter: &'a Meter,
    /// The rating tables of the registry.
    pub tables: &'a BTreeMap<TableId, RatingTable>,
    /// Its readings in any order, repeated or not; those from outside its time at the outlet do not count.
    pub readings: Vec<Reading>,
}

/// A value at an instant, read or declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) at: Timestamp,
    pub(super) value: i64,
    pub(super) doubts: Doubts,
    /// The register was set to this value: nothing flowed since the sample before.
    pub(super) set: bool,
    /// Another reading of the same instant contradicts it.
    pub(super) clash: Option<i64>,
}

/// What flowed from one sample to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flow {
    pub(super) litres: i64,
    pub(super) doubts: Doubts,
}

impl MeterReadings<'_> {
    /// The readings that count and the declared values, by time.
    pub(super) fn samples(&self) -> Vec<Sample> {
        let meter = self.meter;
        let mut readings: Vec<Reading> = self
            .readings
            .iter()
            .copied()
            .filter(|reading| meter.stood_between(reading.at, reading.at))
            .chain(self.declared())
            .collect();
        readings.sort_by_key(|reading| (reading.at, reading.value));
        let jitter = self.dial().map_or(0, |dial| dial.jitter_units);
        let mut samples: Vec<Sample> = Vec::with_capacity(readings.len());
        let mut resets = meter.resets.iter().peekable();
        for Reading { at, value, doubts } in readings {
            while let Some(reset) = resets.next_if(|reset| reset.at <= at) {
                push_reset(&mut samples, reset, jitter);
            }
            push(&mut samples, Sample { at, value, doubts, set: false, clash: None }, jitter);
        }
        for reset in resets {
            push_reset(&mut samples, reset, jitter);
        }
        samples
    }

    fn declared(&self) -> impl Iterator<Item = Reading> {
        let meter = self.meter;
        let initial = meter.initial_value.map(|value| (meter.installed_at, value));
        let last = meter.removed_at.zip(meter.final_value);
        let reading = |(at, value)| Reading { at, value, doubts: Doubts::NONE };
        [initial, last].into_iter().flatten().map(reading)
    }

    fn dial(&self) -> Option<Dial> {
        match &self.meter.scale {
            Scale::Register { dial, .. } | Scale::Energy { dial, .. } => Some(*dial),
            Scale::Stage { .. } => None,
        }
    }

    /// The litres that the register stands for at a sample; 0 for a gauge that counts nothing.
    pub(super) fn standing(&self, sample: &Sample) -> Result<i64, MeasurementError> {
        match &self.meter.scale {
            Scale::Register { millilitres_per_unit, .. } => {
                litres(sample.value.into(), *millilitres_per_unit)
            }
            Scale::Stage { .. } => Ok(0),
            Scale::Energy { coefficients, .. } => {
                litres(sample.value.into(), coefficient(coefficients, sample.at)?)
            }
        }
    }

    /// What flowed between two neighbouring samples. It depends on these two alone, so that whoever holds
    /// both finds the same, whatever else is at hand.
    pub(super) fn flow(&self, from: &Sample, to: &Sample) -> Result<Flow, MeasurementError> {
        if let Some(contradiction) = from.contradiction().or_else(|| to.contradiction()) {
            return Err(contradiction);
        }
        if to.set {
            return Ok(Flow { litres: 0, doubts: Doubts::NONE });
        }
        match &self.meter.scale {
            Scale::Register { millilitres_per_unit, dial } => {
                let rise = rise(dial, from, to, *millilitres_per_unit)?;
                counted(dial, from, to, *millilitres_per_unit, rise)
            }
            Scale::Stage { tables } => self.through_flume(tables, from, to),
            Scale::Energy { coefficients, dial } => energy(coefficients, dial, from, to),
        }
    }

    /// The trapezoid of both discharges, rounded to the nearest litre.
    fn through_flume(
        &self,
        tables: &[DatedTable],
        from: &Sample,
        to: &Sample,
    ) -> Result<Flow, MeasurementError> {
        let mut doubts = Doubts::NONE;
        let mut twice_ml_per_s = 0_i128;
        for sample in [from, to] {
            let stage_mm = sample.value;
            let in_force = tables.iter().rev().find(|dated| dated.from <= sample.at);
            let table = in_force.and_then(|dated| self.tables.get(&dated.table));
            let table = table.ok_or(MeasurementError::NoTable(sample.at))?;
            let rated = table
                .rate(stage_mm)
                .ok_or(MeasurementError::OutOfTable { at: sample.at, stage_mm })?;
            if rated.below_range {
                doubts = doubts.with(Doubt::OutOfTable);
            }
            twice_ml_per_s += i128::from(rated.ml_per_s);
        }
        // Twice the discharge times milliseconds: two million make a litre.
        let twice_microlitres = twice_ml_per_s * i128::from(to.at.millis() - from.at.millis());
        let litres = (twice_microlitres + 1_000_000).div_euclid(2_000_000);
        Ok(Flow { litres: narrow(litres, to.value)?, doubts })
    }
}

impl Sample {
    /// What another reading of the same instant contradicts.
    pub(super) fn contradiction(&self) -> Option<MeasurementError> {
        let (at, one) = (self.at, self.value);
        self.clash.map(|other| MeasurementError::Contradiction { at, one, other })
    }
}

/// Puts a reading behind those before it: a repetition adds its doubts, a contradiction is kept.
fn push(samples: &mut Vec<Sample>, next: Sample, jitter: i64) {
    match samples.last_mut() {
        // Of two values within the register's flicker the lower one stands.
        Some(last) if last.at == next.at && (next.value - last.value).abs() <= jitter => {
            last.doubts = last.doubts.union(next.doubts);
        }
        Some(last) if last.at == next.at => last.clash = Some(next.value),
        _ => samples.push(next),
    }
}

fn push_reset(samples: &mut Vec<Sample>, reset: &crate::registry::Reset, jitter: i64) {
    let sample =
        |value, set| Sample { at: reset.at, value, doubts: Doubts::NONE, set, clash: None };
    push(samples, sample(reset.before, false), jitter);
    samples.push(sample(reset.after, true));
}

/// By how many units a register rose, over its rollover and within its flicker.
fn rise(
    dial: &Dial,
    from: &Sample,
    to: &Sample,
    millilitres_per_unit: i64,
) -> Result<i64, MeasurementError> {
    let (before, after) = (from.value, to.value);
    let rise = after.checked_sub(before).ok_or(MeasurementError::Overflow(after))?;
    if rise >= -dial.jitter_units {
        return Ok(rise);
    }
    let fell = MeasurementError::RegisterFell { at: to.at, before, after };
    let wrapped = dial.modulus.filter(|modulus| before < *modulus && after >= 0);
    match wrapped.map(|modulus| rise + modulus) {
        Some(wrapped) if could_flow(dial, from, to, wrapped, millilitres_per_unit) => Ok(wrapped),
        _ => Err(fell),
    }
}

/// Whether so many units could have flowed between two samples, one unit more or less.
fn could_flow(dial: &Dial, from: &Sample, to: &Sample, units: i64, millilitres: i64) -> bool {
    let Some(capacity) = dial.capacity_ml_per_s else { return true };
    let elapsed_ms = i128::from(to.at.millis() - from.at.millis());
    let most_ml = i128::from(capacity) * elapsed_ms / 1000;
    i128::from(units - 1) * i128::from(millilitres) <= most_ml
}

/// The litres of a counter's rise: the difference of what it stood for before and after, each rounded
/// down, so that nothing is lost to rounding over many readings.
fn counted(
    dial: &Dial,
    from: &Sample,
    to: &Sample,
    millilitres: i64,
    rise: i64,
) -> Result<Flow, MeasurementError> {
    let before = i128::from(from.value);
    let litres =
        self::litres(before + i128::from(rise), millilitres)? - self::litres(before, millilitres)?;
    let mut doubts = Doubts::NONE;
    if !could_flow(dial, from, to, rise, millilitres) {
        doubts = doubts.with(Doubt::AboveCapacity);
    }
    Ok(Flow { litres, doubts })
}

/// Energy times the coefficient in force; where it changes in between, the energy until then is interpolated.
fn energy(
    coefficients: &[Coefficient],
    dial: &Dial,
    from: &Sample,
    to: &Sample,
) -> Result<Flow, MeasurementError> {
    let rise = rise(dial, from, to, coefficient(coefficients, to.at)?)?;
    let span_ms = i128::from(to.at.millis() - from.at.millis());
    let watt_hours_at = |at: Timestamp| {
        let elapsed_ms = i128::from(at.millis() - from.at.millis());
        let part = (i128::from(rise) * elapsed_ms).div_euclid(span_ms.max(1));
        i128::from(from.value) + part
    };
    let mut whole = Flow { litres: 0, doubts: Doubts::NONE };
    let mut piece_from = (from.at, i128::from(from.value));
    let changes = coefficients.iter().map(|one| one.from).filter(|at| *at > from.at && *at < to.at);
    let end = i128::from(from.value) + i128::from(rise);
    for (at, watt_hours) in changes.map(|at| (at, watt_hours_at(at))).chain([(to.at, end)]) {
        let millilitres = coefficient(coefficients, piece_from.0)?;
        whole.litres += litres(watt_hours, millilitres)? - litres(piece_from.1, millilitres)?;
        piece_from = (at, watt_hours);
    }
    if !could_flow(dial, from, to, rise, coefficient(coefficients, from.at)?) {
        whole.doubts = whole.doubts.with(Doubt::AboveCapacity);
    }
    Ok(whole)
}

/// Millilitres for a watt-hour at an instant.
fn coefficient(coefficients: &[Coefficient], at: Timestamp) -> Result<i64, MeasurementError> {
    coefficients
        .iter()
        .rev()
        .find(|one| one.from <= at)
        .filter(|one| one.until.is_none_or(|until| at < until))
        .map(|one| one.millilitres_per_watt_hour)
        .ok_or(MeasurementError::NoCoefficient(at))
}

/// Units times millilitres in litres, rounded down.
fn litres(units: i128, millilitres: i64) -> Result<i64, MeasurementError> {
    let value = i64::try_from(units).unwrap_or(i64::MAX);
    narrow((units * i128::from(millilitres)).div_euclid(1000), value)
}

fn narrow(litres: i128, value: i64) -> Result<i64, MeasurementError> {
    i64::try_from(litres).map_err(|_| MeasurementError::Overflow(value))
}
