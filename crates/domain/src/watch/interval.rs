//! What flowed from one reading to the next, as far as a watch looks at it.

use std::collections::BTreeMap;

use super::Cause;
use crate::measurement::{
    CumulativeVolume, Doubt, MeasurementError, MeterReadings, Point, Reading,
};
use crate::rating::RatingTable;
use crate::registry::Meter;
use crate::{Litres, TableId, Timestamp};

/// What flowed from one reading to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interval {
    /// The earlier reading's time.
    pub from: Timestamp,
    /// The later reading's time.
    pub to: Timestamp,
    /// How much; none where that cannot be told.
    pub litres: Option<Litres>,
    /// What is wrong with it.
    pub trouble: Option<Cause>,
}

/// What flowed between readings of a meter and the values declared for it, by time.
pub(super) fn intervals(
    meter: &Meter,
    tables: &BTreeMap<TableId, RatingTable>,
    readings: Vec<Reading>,
) -> Vec<Interval> {
    let volume = CumulativeVolume::new([MeterReadings { meter, tables, readings }]);
    let points = volume.points();
    let pairs = points.iter().zip(points.iter().skip(1));
    pairs.map(|(before, after)| interval(before, after)).collect()
}

fn interval(before: &Point, after: &Point) -> Interval {
    let told = after.fault.is_none();
    Interval {
        from: before.at,
        to: after.at,
        litres: told.then(|| after.litres - before.litres),
        trouble: trouble(after),
    }
}

fn trouble(point: &Point) -> Option<Cause> {
    match &point.fault {
        Some(MeasurementError::RegisterFell { before, after, .. }) => {
            Some(Cause::RegisterFell { before: *before, after: *after })
        }
        Some(MeasurementError::Contradiction { one, other, .. }) => {
            Some(Cause::Contradiction { one: *one, other: *other })
        }
        Some(MeasurementError::OutOfTable { .. }) => Some(Cause::OutOfTable),
        Some(MeasurementError::NoTable(_) | MeasurementError::NoCoefficient(_)) => {
            Some(Cause::NoScale)
        }
        // More than litres can count is more than any meter lets through.
        Some(MeasurementError::Overflow(_)) => Some(Cause::AboveCapacity),
        None if point.since.contains(Doubt::OutOfTable) => Some(Cause::OutOfTable),
        None if point.since.contains(Doubt::AboveCapacity) => Some(Cause::AboveCapacity),
        // The rest is what can be wrong with a question, not with a point.
        Some(_) | None => None,
    }
}
