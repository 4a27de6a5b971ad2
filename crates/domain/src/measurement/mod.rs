//! From readings to volume: the cumulative volume V(t) of an outlet and what it says of a watering.
//!
//! V(t) is one notion for every kind of meter. Each kind says in integers what flowed between two
//! neighbouring readings; summed up, that gives points of litres over time. Between two points V(t) is
//! interpolated linearly and rounded down to the litre. A watering from t0 to t1 has the volume
//! V(t1) − V(t0), so neighbouring turns telescope: the volumes of adjacent intervals add up to the
//! volume of the whole, to the litre. What flowed between two readings depends on these two alone, so
//! it does not matter in which order readings came, how often, or what else is at hand.
//!
//! - A register's rise is the difference of the litres it stood for, over a declared rollover.
//! - A stage gauge's volume is the trapezoid of the rated discharges, rounded to the nearest litre.
//! - An energy meter's rise is multiplied by the coefficient in force, split where it changes.
//! - A declared reset or swap joins two values: nothing flowed between them.
//!
//! Nothing is extrapolated, clamped or guessed; what cannot be told is an error that says why, and it
//! concerns only the waterings that touch it.

mod doubt;
mod samples;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use thiserror::Error;

use crate::{Litres, Timestamp};

pub use doubt::{Doubt, Doubts};
pub use samples::MeterReadings;

use samples::Flow;

/// One value of one meter at one instant (读数).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The measured time.
    pub at: Timestamp,
    /// The value in the meter's own units: of a register, millimetres of stage, or watt-hours.
    pub value: i64,
    /// What the meter itself said against it.
    pub doubts: Doubts,
}

/// Why a volume cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MeasurementError {
    /// Two readings of one instant contradict each other.
    #[error(
        "two readings at {at} contradict each other ({one} and {other}): post a correction that states which holds"
    )]
    Contradiction {
        /// The instant.
        at: Timestamp,
        /// One value.
        one: i64,
        /// The other.
        other: i64,
    },
    /// The register fell and nobody declared why.
    #[error(
        "the register fell from {before} to {after} at {at}: declare a meter swap or post a correction"
    )]
    RegisterFell {
        /// When the lower value was read.
        at: Timestamp,
        /// The value before.
        before: i64,
        /// The lower value.
        after: i64,
    },
    /// A stage that the rating table does not have.
    #[error(
        "the stage of {stage_mm} mm at {at} lies outside the rating table: gauge the flume and post a table, or post a correction"
    )]
    OutOfTable {
        /// When it was read.
        at: Timestamp,
        /// The stage.
        stage_mm: i64,
    },
    /// No rating table in force.
    #[error("no rating table is in force at {0}: post one in the registry")]
    NoTable(Timestamp),
    /// No coefficient in force.
    #[error("no coefficient from energy to volume is in force at {0}: post one in the registry")]
    NoCoefficient(Timestamp),
    /// Less than nothing flowed, as a flickering register can say.
    #[error("the register stood lower at {1} than at {0}: nothing was measured, withdraw the turn")]
    NothingMeasured(Timestamp, Timestamp),
    /// A value times its scale leaves the range of litres.
    #[error("the value {0} is too large for the meter's scale")]
    Overflow(i64),
    /// No reading at or before the instant.
    #[error("there is no reading at or before {0}: wait for the meter's earlier reports")]
    NotBefore(Timestamp),
    /// No reading at or after the instant.
    #[error("there is no reading at or after {0} yet: wait for the meter's next report")]
    NotAfter(Timestamp),
    /// The interval is empty or runs backwards.
    #[error("the interval from {0} to {1} is empty: the end must be later than the start")]
    EmptyInterval(Timestamp, Timestamp),
}

/// The cumulative volume of an outlet: V(t) between its first and its last reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CumulativeVolume {
    /// By time; only a reset or a swap gives two of one instant.
    points: Vec<Point>,
}

/// V at a reading or a declared value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// The instant.
    pub at: Timestamp,
    /// V in litres.
    pub litres: Litres,
    /// What speaks against the reading.
    pub doubts: Doubts,
    /// What speaks against the flow since the point before.
    pub since: Doubts,
    /// Why the flow since the point before cannot be told; V stands still over it.
    pub fault: Option<MeasurementError>,
    /// Whether the flow since the point before was integrated from samples, not counted.
    integrated: bool,
}

/// What a meter says of an interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// V(t0).
    pub at_start: Litres,
    /// V(t1).
    pub at_end: Litres,
    /// V(t1) − V(t0), never negative.
    pub volume: Litres,
    /// Why this is an estimate; empty when it is plainly measured.
    pub doubts: BTreeSet<Doubt>,
}

impl CumulativeVolume {
    /// The volume over the meters that stood at an outlet, in any order.
    ///
    /// V starts at what the first register stood for, or at 0, and goes on over swaps.
    pub fn new<'a>(meters: impl IntoIterator<Item = MeterReadings<'a>>) -> Self {
        let mut meters: Vec<MeterReadings<'a>> = meters.into_iter().collect();
        meters.sort_by_key(|one| one.meter.installed_at);
        let mut points: Vec<Point> = Vec::new();
        for one in &meters {
            append(&mut points, one);
        }
        Self { points }
    }

    /// V(t) in litres; fails before the first and after the last reading, and where V cannot be told.
    pub fn at(&self, t: Timestamp) -> Result<Litres, MeasurementError> {
        let (before, after) = self.around(t)?;
        interpolate(before, after, t)
    }

    /// Measures the interval from `start` to `end`.
    ///
    /// `gap_tolerance_seconds` is the outlet's: a boundary with no reading within it makes the
    /// volume an estimate.
    pub fn between(
        &self,
        start: Timestamp,
        end: Timestamp,
        gap_tolerance_seconds: u32,
    ) -> Result<Measured, MeasurementError> {
        if end <= start {
            return Err(MeasurementError::EmptyInterval(start, end));
        }
        let tolerance_ms = i64::from(gap_tolerance_seconds) * 1000;
        let (first, _) = self.around_index(start)?;
        let (_, last) = self.around_index(end)?;
        let span = self.points.get(first..=last).unwrap_or_default();
        let mut doubts: BTreeSet<Doubt> =
            span.iter().flat_map(|point| point.doubts.iter()).collect();
        for (before, after) in span.iter().zip(span.iter().skip(1)) {
            if let Some(fault) = &after.fault {
                return Err(fault.clone());
            }
            doubts.extend(after.since.iter());
            if after.integrated && after.at.millis() - before.at.millis() > tolerance_ms {
                doubts.insert(Doubt::GapWithin);
            }
        }
        let (at_start, at_end) = (self.at(start)?, self.at(end)?);
        if at_end < at_start {
            return Err(MeasurementError::NothingMeasured(start, end));
        }
        if self.nearest_millis(start)? > tolerance_ms {
            doubts.insert(Doubt::GapAtStart);
        }
        if self.nearest_millis(end)? > tolerance_ms {
            doubts.insert(Doubt::GapAtEnd);
        }
        Ok(Measured { at_start, at_end, volume: at_end - at_start, doubts })
    }

    /// The points by time, for a curve and for what watches the flow.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    fn around(&self, t: Timestamp) -> Result<(&Point, &Point), MeasurementError> {
        let (before, after) = self.around_index(t)?;
        match (self.points.get(before), self.points.get(after)) {
            (Some(before), Some(after)) => Ok((before, after)),
            _ => Err(MeasurementError::NotAfter(t)),
        }
    }

    /// Indices of the last reading at or before `t` and of the first at or after it.
    fn around_index(&self, t: Timestamp) -> Result<(usize, usize), MeasurementError> {
        let later = self.points.partition_point(|point| point.at <= t);
        let before = later.checked_sub(1).ok_or(MeasurementError::NotBefore(t))?;
        let exact = self.points.get(before).is_some_and(|point| point.at == t);
        match (exact, self.points.get(later)) {
            // Of a reset's two values, or those of a swap, the later one: V is the same.
            (true, _) => Ok((before, before)),
            (false, Some(_)) => Ok((before, later)),
            (false, None) => Err(MeasurementError::NotAfter(t)),
        }
    }

    fn nearest_millis(&self, t: Timestamp) -> Result<i64, MeasurementError> {
        let (before, after) = self.around(t)?;
        Ok((t.millis() - before.at.millis()).min(after.at.millis() - t.millis()))
    }
}

/// Carries V on over the readings of one meter.
fn append(points: &mut Vec<Point>, one: &MeterReadings<'_>) {
    let samples = one.samples();
    let integrated = !one.meter.scale.counts();
    let mut before = None;
    for sample in &samples {
        let (litres, since, fault) = match (before, points.last()) {
            (Some(before), Some(last)) => match one.flow(before, sample) {
                Ok(Flow { litres, doubts }) => match last.litres.get().checked_add(litres) {
                    Some(sum) => (sum, doubts, None),
                    None => {
                        (last.litres.get(), doubts, Some(MeasurementError::Overflow(sample.value)))
                    }
                },
                Err(fault) => (last.litres.get(), Doubts::NONE, Some(fault)),
            },
            // Another meter stood here before: V goes on, and what flowed while none stood is not known.
            (_, Some(last)) if last.at == sample.at => (last.litres.get(), Doubts::NONE, None),
            (_, Some(last)) => (last.litres.get(), Doubts::NONE.with(Doubt::GapWithin), None),
            (_, None) => match one.standing(sample) {
                Ok(litres) => (litres, Doubts::NONE, None),
                Err(fault) => (0, Doubts::NONE, Some(fault)),
            },
        };
        let (at, doubts, litres) = (sample.at, sample.doubts, Litres(litres));
        let fault = fault.or_else(|| sample.contradiction());
        points.push(Point { at, litres, doubts, since, fault, integrated });
        before = Some(sample);
    }
}

fn interpolate(before: &Point, after: &Point, t: Timestamp) -> Result<Litres, MeasurementError> {
    if before.at == after.at {
        return match &before.fault {
            // Exactly on a reading that something is wrong with.
            Some(fault @ MeasurementError::Contradiction { at, .. }) if *at == t => {
                Err(fault.clone())
            }
            _ => Ok(before.litres),
        };
    }
    if let Some(fault) = &after.fault {
        return Err(fault.clone());
    }
    let rise = i128::from(after.litres.get()) - i128::from(before.litres.get());
    let elapsed = i128::from(t.millis() - before.at.millis());
    let span = i128::from(after.at.millis() - before.at.millis());
    let part = (rise * elapsed).div_euclid(span);
    // Between 0 and rise, so the sum lies between two values that fit.
    let part = i64::try_from(part).map_err(|_| MeasurementError::Overflow(after.litres.get()))?;
    Ok(before.litres + Litres(part))
}
