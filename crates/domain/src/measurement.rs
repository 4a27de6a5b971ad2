//! From readings to volume: the cumulative volume V(t) of an outlet and what it says of a watering.
//!
//! V(t) is defined for every instant between two readings by linear interpolation, rounded down to
//! the litre. A watering from t0 to t1 has the volume V(t1) − V(t0), so neighbouring turns
//! telescope: the volumes of adjacent intervals add up to the volume of the whole, to the litre.
//! Nothing is extrapolated, clamped or guessed; what cannot be told is an error that says why.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::registry::Scale;
use crate::{Litres, Timestamp};

/// One value of one meter at one instant (读数).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The measured time.
    pub at: Timestamp,
    /// The value in the meter's own units.
    pub value: i64,
    /// What the meter itself said against it.
    pub doubts: Doubts,
}

/// Why a volume is estimated (估算) instead of plainly measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doubt {
    /// The nearest reading to the start is further away than the outlet's tolerance.
    GapAtStart,
    /// The nearest reading to the end is further away than the outlet's tolerance.
    GapAtEnd,
    /// The meter said that its clock was not synchronised.
    ClockNotSynchronised,
    /// The meter said that it was tampered with.
    Tamper,
    /// The meter said that water ran backwards.
    ReverseFlow,
}

impl Doubt {
    /// Every doubt.
    pub const ALL: [Self; 5] = [
        Self::GapAtStart,
        Self::GapAtEnd,
        Self::ClockNotSynchronised,
        Self::Tamper,
        Self::ReverseFlow,
    ];
}

/// A set of doubts, small enough to go with every reading.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Doubts(u8);

impl Doubts {
    /// No doubt.
    pub const NONE: Self = Self(0);

    /// This set and one more doubt.
    #[must_use]
    pub const fn with(self, doubt: Doubt) -> Self {
        Self(self.0 | 1 << doubt as u8)
    }

    /// The doubts of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it holds a doubt.
    pub const fn contains(self, doubt: Doubt) -> bool {
        self.0 & (1 << doubt as u8) != 0
    }

    /// The doubts, in their order.
    pub fn iter(self) -> impl Iterator<Item = Doubt> {
        Doubt::ALL.into_iter().filter(move |&doubt| self.contains(doubt))
    }
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

/// The cumulative volume of one meter: V(t) between its first and its last reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CumulativeVolume {
    /// By strictly increasing time.
    points: Vec<Point>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Point {
    at: Timestamp,
    value: i64,
    litres: i64,
    doubts: Doubts,
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
    /// Orders the readings by measured time; repetition and order of arrival make no difference.
    ///
    /// Fails on two values for one instant and on values beyond the range of litres.
    pub fn new(
        scale: Scale,
        readings: impl IntoIterator<Item = Reading>,
    ) -> Result<Self, MeasurementError> {
        let Scale::Register { litres_per_unit } = scale;
        let mut readings: Vec<Reading> = readings.into_iter().collect();
        readings.sort_by_key(|reading| (reading.at, reading.value));
        let mut points: Vec<Point> = Vec::with_capacity(readings.len());
        for Reading { at, value, doubts } in readings {
            let litres =
                value.checked_mul(litres_per_unit).ok_or(MeasurementError::Overflow(value))?;
            match points.last_mut() {
                Some(last) if last.at == at && last.value == value => {
                    last.doubts = last.doubts.union(doubts);
                }
                Some(last) if last.at == at => {
                    return Err(MeasurementError::Contradiction {
                        at,
                        one: last.value,
                        other: value,
                    });
                }
                _ => points.push(Point { at, value, litres, doubts }),
            }
        }
        Ok(Self { points })
    }

    /// V(t) in litres; fails before the first and after the last reading, and where the register fell.
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
        let (first, _) = self.around_index(start)?;
        let (_, last) = self.around_index(end)?;
        let span = &self.points[first..=last];
        for pair in span.windows(2) {
            check_rise(pair[0], pair[1])?;
        }
        let at_start = self.at(start)?;
        let at_end = self.at(end)?;
        let mut doubts: BTreeSet<Doubt> =
            span.iter().flat_map(|point| point.doubts.iter()).collect();
        if self.nearest_millis(start)? > i64::from(gap_tolerance_seconds) * 1000 {
            doubts.insert(Doubt::GapAtStart);
        }
        if self.nearest_millis(end)? > i64::from(gap_tolerance_seconds) * 1000 {
            doubts.insert(Doubt::GapAtEnd);
        }
        Ok(Measured { at_start, at_end, volume: at_end - at_start, doubts })
    }

    /// The readings as (time, litres), for a curve.
    pub fn points(&self) -> impl Iterator<Item = (Timestamp, Litres)> + '_ {
        self.points.iter().map(|point| (point.at, Litres(point.litres)))
    }

    fn around(&self, t: Timestamp) -> Result<(Point, Point), MeasurementError> {
        let (before, after) = self.around_index(t)?;
        Ok((self.points[before], self.points[after]))
    }

    /// Indices of the last reading at or before `t` and of the first at or after it.
    fn around_index(&self, t: Timestamp) -> Result<(usize, usize), MeasurementError> {
        let later = self.points.partition_point(|point| point.at <= t);
        let before = later.checked_sub(1).ok_or(MeasurementError::NotBefore(t))?;
        if self.points[before].at == t {
            return Ok((before, before));
        }
        if later == self.points.len() {
            return Err(MeasurementError::NotAfter(t));
        }
        Ok((before, later))
    }

    fn nearest_millis(&self, t: Timestamp) -> Result<i64, MeasurementError> {
        let (before, after) = self.around(t)?;
        Ok((t.millis() - before.at.millis()).min(after.at.millis() - t.millis()))
    }
}

fn check_rise(before: Point, after: Point) -> Result<(), MeasurementError> {
    if after.value < before.value {
        return Err(MeasurementError::RegisterFell {
            at: after.at,
            before: before.value,
            after: after.value,
        });
    }
    Ok(())
}

fn interpolate(before: Point, after: Point, t: Timestamp) -> Result<Litres, MeasurementError> {
    check_rise(before, after)?;
    if before.at == after.at {
        return Ok(Litres(before.litres));
    }
    let rise = i128::from(after.litres) - i128::from(before.litres);
    let elapsed = i128::from(t.millis() - before.at.millis());
    let span = i128::from(after.at.millis() - before.at.millis());
    let part = (rise * elapsed).div_euclid(span);
    // 0 <= part <= rise, so the sum lies between two values that fit.
    let part = i64::try_from(part).map_err(|_| MeasurementError::Overflow(after.value))?;
    Ok(Litres(before.litres + part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SCALE: Scale = Scale::Register { litres_per_unit: 100 };
    const HOUR: i64 = 3_600_000;

    fn t(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_460_000_000_000 + millis).unwrap()
    }

    fn reading(millis: i64, value: i64) -> Reading {
        Reading { at: t(millis), value, doubts: Doubts::NONE }
    }

    fn volume(readings: &[Reading]) -> CumulativeVolume {
        CumulativeVolume::new(SCALE, readings.iter().copied()).unwrap()
    }

    #[test]
    fn interpolates_and_rounds_down_to_the_litre() {
        let v = volume(&[reading(0, 10), reading(3 * HOUR, 11)]);
        assert_eq!(v.at(t(0)), Ok(Litres(1000)));
        assert_eq!(v.at(t(HOUR)), Ok(Litres(1033)));
        assert_eq!(v.at(t(2 * HOUR)), Ok(Litres(1066)));
        assert_eq!(v.at(t(3 * HOUR)), Ok(Litres(1100)));
    }

    #[test]
    fn rejects_what_lies_outside_the_readings() {
        let v = volume(&[reading(0, 10), reading(HOUR, 11)]);
        assert_eq!(v.at(t(-1)), Err(MeasurementError::NotBefore(t(-1))));
        assert_eq!(v.at(t(HOUR + 1)), Err(MeasurementError::NotAfter(t(HOUR + 1))));
        assert_eq!(
            v.between(t(HOUR), t(HOUR), 60),
            Err(MeasurementError::EmptyInterval(t(HOUR), t(HOUR)))
        );
    }

    #[test]
    fn rejects_a_register_that_fell_only_where_a_watering_spans_it() {
        let v = volume(&[
            reading(0, 10),
            reading(HOUR, 20),
            reading(2 * HOUR, 3),
            reading(3 * HOUR, 4),
        ]);
        assert!(v.between(t(0), t(HOUR), 60).is_ok());
        assert!(v.between(t(2 * HOUR), t(3 * HOUR), 60).is_ok());
        for (from, to) in [(0, 3 * HOUR), (HOUR, 2 * HOUR), (HOUR + 1, 2 * HOUR)] {
            assert!(
                matches!(
                    v.between(t(from), t(to), 60),
                    Err(MeasurementError::RegisterFell { before: 20, after: 3, .. })
                ),
                "{from}..{to}"
            );
        }
    }

    #[test]
    fn rejects_two_values_for_one_instant() {
        let both = [reading(0, 10), reading(0, 11)];
        assert!(matches!(
            CumulativeVolume::new(SCALE, both),
            Err(MeasurementError::Contradiction { one: 10, other: 11, .. })
        ));
    }

    #[test]
    fn rejects_a_value_beyond_the_range_of_litres() {
        assert_eq!(
            CumulativeVolume::new(SCALE, [reading(0, i64::MAX)]),
            Err(MeasurementError::Overflow(i64::MAX))
        );
    }

    #[test]
    fn marks_a_boundary_far_from_any_reading_as_estimated() {
        let v = volume(&[reading(0, 10), reading(4 * HOUR, 14), reading(5 * HOUR, 15)]);
        let measured = v.between(t(2 * HOUR), t(5 * HOUR), 3600).unwrap();
        assert_eq!(measured.volume, Litres(300));
        assert_eq!(measured.doubts, BTreeSet::from([Doubt::GapAtStart]));
        assert_eq!(v.between(t(0), t(4 * HOUR), 3600).unwrap().doubts, BTreeSet::new());
    }

    #[test]
    fn carries_the_meters_own_doubts() {
        let doubtful = Reading {
            doubts: Doubts::NONE.with(Doubt::Tamper).with(Doubt::ReverseFlow),
            ..reading(HOUR, 11)
        };
        let v = volume(&[reading(0, 10), doubtful, reading(2 * HOUR, 12)]);
        assert_eq!(
            v.between(t(0), t(2 * HOUR), 3600).unwrap().doubts,
            BTreeSet::from([Doubt::Tamper, Doubt::ReverseFlow])
        );
    }

    fn rising() -> impl Strategy<Value = Vec<Reading>> {
        prop::collection::vec((1_i64..5 * HOUR, 0_i64..500), 2..40).prop_map(|steps| {
            let mut at = 0;
            let mut value = 0;
            steps
                .into_iter()
                .map(|(dt, dv)| {
                    at += dt;
                    value += dv;
                    reading(at, value)
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn neighbouring_turns_telescope_to_the_litre(
            readings in rising(),
            mut cuts in prop::collection::vec(0.0_f64..1.0, 2..10),
        ) {
            let v = volume(&readings);
            let first = readings[0].at.millis();
            let span = readings[readings.len() - 1].at.millis() - first;
            cuts.sort_by(f64::total_cmp);
            #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "any instants will do")]
            let mut instants: Vec<Timestamp> = cuts
                .iter()
                .map(|cut| Timestamp::from_millis(first + (cut * span as f64) as i64).unwrap())
                .collect();
            instants.dedup();
            let parts: i64 = instants
                .windows(2)
                .map(|pair| v.between(pair[0], pair[1], 60).unwrap().volume.get())
                .sum();
            let whole = v.at(instants[instants.len() - 1]).unwrap() - v.at(instants[0]).unwrap();
            prop_assert_eq!(parts, whole.get());
        }

        #[test]
        fn order_and_repetition_make_no_difference(readings in rising(), seed in any::<u64>()) {
            let mut shuffled = readings.clone();
            shuffled.extend(readings.iter().step_by(3).copied());
            let mut state = seed | 1;
            for i in (1..shuffled.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                shuffled.swap(i, usize::try_from(state >> 33).unwrap() % (i + 1));
            }
            prop_assert_eq!(volume(&shuffled), volume(&readings));
        }
    }
}
