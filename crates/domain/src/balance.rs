//! The water account (水账) of an outlet over a round: what the meter counted is what was posted, what
//! is measured and not posted yet, and what nobody has accounted for, to the litre.
//!
//! > V(close) − V(open) = Σ posted waterings + Σ turns not posted yet + unattributed
//!
//! A posted watering that lies within the round counts with its own volume. Of one that reaches beyond, the
//! part within counts, by the same V(t), as does every turn that is not posted: so two rounds that follow
//! each other share a watering over their border to the litre. Where a posted volume is not what the
//! meter tells now, the difference stands in the unattributed water, which can therefore be less than nothing.

use crate::measurement::{CumulativeVolume, MeasurementError};
use crate::{Litres, Timestamp};

/// Water that went to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    /// From when.
    pub start: Timestamp,
    /// To when.
    pub end: Timestamp,
    /// The volume that was posted and holds; none for a turn that is not posted yet.
    pub posted: Option<Litres>,
}

/// The water account of an outlet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// From when: the round's opening, or the first reading where that is later.
    pub from: Timestamp,
    /// To when: the round's close, or the last reading where that is earlier.
    pub to: Timestamp,
    /// V(to) − V(from).
    pub metered: Litres,
    /// What was posted and holds.
    pub posted: Litres,
    /// What turns took that are not posted yet.
    pub unposted: Litres,
    /// What no turn accounts for.
    pub unattributed: Litres,
    /// Whether there are times in between for which no volume can be told; V stands still over them.
    pub untold: bool,
}

/// The account from `opens_at` to `closes_at`, so far as there are readings; none where there are none.
///
/// Fails where V cannot be told at one of its ends, or at an end of a turn that must be measured, and
/// where the readings under a posted watering are not at hand any more.
pub fn balance(
    volume: &CumulativeVolume,
    opens_at: Timestamp,
    closes_at: Timestamp,
    delivered: impl IntoIterator<Item = Delivered>,
) -> Result<Option<Balance>, MeasurementError> {
    let points = volume.points();
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Ok(None) };
    let (from, to) = (opens_at.max(first.at), closes_at.min(last.at));
    if to <= from {
        return Ok(None);
    }
    let delivered: Vec<Delivered> = delivered.into_iter().collect();
    // What was posted was read: readings of the beginning are kept elsewhere by now.
    if delivered.iter().any(|one| one.posted.is_some() && opens_at.max(one.start) < from) {
        return Err(MeasurementError::NotBefore(opens_at));
    }
    let metered = volume.at(to)? - volume.at(from)?;
    let (mut posted, mut unposted) = (Litres::ZERO, Litres::ZERO);
    for one in delivered {
        match one.posted {
            Some(litres) if from <= one.start && one.end <= to => posted = posted + litres,
            Some(_) => posted = posted + within(volume, &one, from, to)?,
            None => unposted = unposted + within(volume, &one, from, to)?,
        }
    }
    let untold =
        points.iter().any(|point| point.fault.is_some() && from < point.at && point.at <= to);
    let unattributed = metered - posted - unposted;
    Ok(Some(Balance { from, to, metered, posted, unposted, unattributed, untold }))
}

/// What the meter counted of it between two instants.
fn within(
    volume: &CumulativeVolume,
    one: &Delivered,
    from: Timestamp,
    to: Timestamp,
) -> Result<Litres, MeasurementError> {
    let (start, end) = (one.start.max(from), one.end.min(to));
    if end <= start {
        return Ok(Litres::ZERO);
    }
    Ok(volume.at(end)? - volume.at(start)?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::measurement::{Doubts, MeterReadings, Reading};
    use crate::registry::Meter;
    use crate::scale::Scale;
    use crate::{MeterCode, OutletId};

    const MINUTE: i64 = 60_000;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + minutes * MINUTE).unwrap()
    }

    /// A register of one litre a unit, read at these minutes.
    fn volume(readings: &[(i64, i64)]) -> CumulativeVolume {
        let (code, outlet) = (MeterCode::new("m1").unwrap(), OutletId::new("w1").unwrap());
        let meter = Meter::new(code, outlet, at(0), Scale::register(1000));
        let one = |&(minutes, value): &(i64, i64)| Reading {
            at: at(minutes),
            value,
            doubts: Doubts::NONE,
        };
        let readings = readings.iter().map(one).collect();
        CumulativeVolume::new([MeterReadings { meter: &meter, tables: &BTreeMap::new(), readings }])
    }

    fn turn(start: i64, end: i64, posted: Option<i64>) -> Delivered {
        Delivered { start: at(start), end: at(end), posted: posted.map(Litres) }
    }

    #[test]
    fn what_no_turn_took_is_unattributed() {
        let v = volume(&[(0, 0), (100, 1000), (200, 2000)]);
        let turns = [turn(20, 60, Some(400)), turn(60, 90, None)];
        let account = balance(&v, at(10), at(150), turns).unwrap().unwrap();
        let Balance { metered, posted, unposted, unattributed, .. } = account;
        assert_eq!((metered, posted, unposted), (Litres(1400), Litres(400), Litres(300)));
        assert_eq!(unattributed, Litres(700));
        assert_eq!((account.from, account.to, account.untold), (at(10), at(150), false));
    }

    #[test]
    fn a_round_counts_as_far_as_its_readings_reach() {
        let v = volume(&[(50, 10), (100, 20)]);
        let account = balance(&v, at(0), at(500), [turn(90, 300, None)]).unwrap().unwrap();
        assert_eq!((account.from, account.to), (at(50), at(100)));
        assert_eq!((account.metered, account.unposted), (Litres(10), Litres(2)));
        assert_eq!(balance(&v, at(0), at(50), []), Ok(None));
        assert_eq!(balance(&v, at(100), at(500), []), Ok(None));
        assert_eq!(balance(&volume(&[]), at(0), at(500), []), Ok(None));
    }

    #[test]
    fn rejects_a_round_whose_first_readings_are_gone() {
        let v = volume(&[(50, 500), (100, 1000)]);
        let early = turn(20, 60, Some(400));
        let error = Err(MeasurementError::NotBefore(at(0)));
        assert_eq!(balance(&v, at(0), at(100), [early]), error);
        assert!(balance(&v, at(50), at(100), [early]).is_ok());
    }

    #[test]
    fn a_posted_volume_that_the_meter_does_not_tell_shows_in_the_unattributed_water() {
        let v = volume(&[(0, 0), (100, 1000)]);
        let account = balance(&v, at(0), at(100), [turn(0, 100, Some(1200))]).unwrap().unwrap();
        assert_eq!(account.unattributed, Litres(-200));
    }

    #[test]
    fn a_time_for_which_nothing_can_be_told_is_marked() {
        let v = volume(&[(0, 0), (50, 500), (60, 3), (100, 403)]);
        let account = balance(&v, at(0), at(100), []).unwrap().unwrap();
        assert_eq!((account.metered, account.untold), (Litres(900), true));
        assert!(!balance(&v, at(60), at(100), []).unwrap().unwrap().untold);
        assert!(balance(&v, at(0), at(55), []).is_err());
    }

    proptest! {
        #[test]
        fn it_adds_up_to_the_litre_for_any_cut_of_turns(
            rises in prop::collection::vec((1_i64..90, 0_i64..5000), 2..40),
            mut cuts in prop::collection::vec(0_i64..2000, 0..12),
            kinds in prop::collection::vec(0_u8..3, 12),
            opens in 0_i64..800,
            long in 1_i64..1500,
        ) {
            let (mut minutes, mut value) = (0, 0);
            let readings: Vec<(i64, i64)> = rises.iter().map(|(dt, dv)| {
                minutes += dt;
                value += dv;
                (minutes, value)
            }).collect();
            let v = volume(&readings);
            let (first, last) = (readings[0].0, minutes);
            for cut in &mut cuts {
                *cut = first + *cut % (last - first + 1);
            }
            cuts.sort_unstable();
            cuts.dedup();
            let litres = |from: i64, to: i64| v.at(at(to)).unwrap() - v.at(at(from)).unwrap();
            let pieces: Vec<(i64, i64, u8)> =
                cuts.windows(2).zip(&kinds).map(|(pair, kind)| (pair[0], pair[1], *kind)).collect();
            let turns = pieces.iter().filter(|piece| piece.2 > 0).map(|&(start, end, kind)| {
                turn(start, end, (kind == 1).then(|| litres(start, end).get()))
            });
            let (from, to) = (opens.max(first), (opens + long).min(last));
            let account = balance(&v, at(opens), at(opens + long), turns).unwrap();
            prop_assert_eq!(account.is_some(), from < to);
            let Some(account) = account else { return Ok(()) };
            prop_assert_eq!(account.metered, litres(from, to));
            prop_assert_eq!(
                account.posted + account.unposted + account.unattributed, account.metered
            );
            // What nobody took is what the meter counted while nobody had the water.
            let taken: Litres = pieces
                .iter()
                .filter(|piece| piece.2 > 0)
                .map(|&(start, end, _)| (start.max(from), end.min(to)))
                .filter(|(start, end)| start < end)
                .map(|(start, end)| litres(start, end))
                .sum();
            prop_assert_eq!(account.unattributed, litres(from, to) - taken);
            prop_assert!(account.unattributed >= Litres::ZERO);
        }

        #[test]
        fn two_rounds_share_a_turn_over_their_border(border in 11_i64..89, end in 11_i64..99) {
            let v = volume(&[(0, 0), (33, 1001), (77, 1002), (100, 4000)]);
            let posted = v.at(at(end)).unwrap() - v.at(at(10)).unwrap();
            let over = turn(10, end, Some(posted.get()));
            let early = balance(&v, at(0), at(border), [over]).unwrap().unwrap();
            let late = balance(&v, at(border), at(100), [over]).unwrap().unwrap();
            prop_assert_eq!(early.posted + late.posted, posted);
        }
    }
}
