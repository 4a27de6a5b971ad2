//! From a watering's volume to its households, exactly: shares always add up to the volume.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Area, HouseholdNo, Litres};

/// The most households that one watering is shared among.
pub const MAX_SHARES: usize = 400;

/// The longest time that one household has the water in one turn, in minutes: thirty days.
pub const MAX_MINUTES: u32 = 30 * 24 * 60;

/// How a watering's volume is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShareMethod {
    /// In proportion to the area that each household irrigates (按面积).
    Area,
    /// In proportion to the minutes for which each household has the water (按时间).
    Minutes,
}

/// What a household brings to a division.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The household.
    pub household: HouseholdNo,
    /// The area that it irrigates in this turn.
    pub area: Area,
    /// For how many minutes it has the water; needed where that is how the volume is divided.
    pub minutes: Option<u32>,
}

/// The part of a watering's volume that falls to one household (分摊).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Whose share it is.
    pub household: HouseholdNo,
    /// The area that it irrigated, in hundredths of a mu.
    pub area: Area,
    /// For how many minutes it had the water, where that was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u32>,
    /// The share.
    pub litres: Litres,
}

impl Share {
    /// What it was reckoned by.
    pub fn part(&self) -> Part {
        Part { household: self.household.clone(), area: self.area, minutes: self.minutes }
    }
}

/// Why a volume cannot be divided.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ShareError {
    /// Nobody to share among.
    #[error("a watering needs at least one household to share it")]
    NoHouseholds,
    /// Too many for one watering.
    #[error("{0} households share one watering: split it, at most {MAX_SHARES} are allowed")]
    TooMany(usize),
    /// The same household twice.
    #[error("household {0} appears twice among the shares")]
    Twice(HouseholdNo),
    /// An area that is not positive.
    #[error("household {0} has no area to share by: enter its irrigated area in the roster")]
    NoArea(HouseholdNo),
    /// No minutes where they are needed, or too many.
    #[error("household {0} has no minutes to share by: note 1 to {MAX_MINUTES} minutes for it")]
    NoMinutes(HouseholdNo),
    /// A negative total cannot be shared.
    #[error("a volume of {0} litres cannot be shared")]
    Negative(i64),
}

/// Divides `volume`; shares come in the order of household numbers.
pub fn divide(
    volume: Litres,
    method: ShareMethod,
    parts: &[Part],
) -> Result<Vec<Share>, ShareError> {
    if parts.is_empty() {
        return Err(ShareError::NoHouseholds);
    }
    if parts.len() > MAX_SHARES {
        return Err(ShareError::TooMany(parts.len()));
    }
    let mut parts = parts.to_vec();
    parts.sort_by(|a, b| a.household.number_order().cmp(&b.household.number_order()));
    let mut seen = BTreeSet::new();
    for part in &parts {
        let household = || part.household.clone();
        if !seen.insert(&part.household) {
            return Err(ShareError::Twice(household()));
        }
        if part.area.get() <= 0 {
            return Err(ShareError::NoArea(household()));
        }
        let noted = part.minutes.is_some() || method == ShareMethod::Minutes;
        if noted && !(1..=MAX_MINUTES).contains(&part.minutes.unwrap_or(0)) {
            return Err(ShareError::NoMinutes(household()));
        }
    }
    let weight = |part: &Part| match method {
        ShareMethod::Area => part.area.get(),
        ShareMethod::Minutes => part.minutes.unwrap_or(0).into(),
    };
    let weights: Vec<i64> = parts.iter().map(weight).collect();
    let litres =
        largest_remainder(volume.get(), &weights).ok_or(ShareError::Negative(volume.get()))?;
    let share = |(Part { household, area, minutes }, litres)| Share {
        household,
        area,
        minutes,
        litres: Litres(litres),
    };
    Ok(parts.into_iter().zip(litres).map(share).collect())
}

/// Divides `total` in proportion to `weights` by largest remainder; equal remainders go to the earlier place.
///
/// The parts add up to `total`. `None` when the total or a weight is negative or all weights are zero.
pub fn largest_remainder(total: i64, weights: &[i64]) -> Option<Vec<i64>> {
    let sum: i128 = weights.iter().map(|&weight| i128::from(weight)).sum();
    if total < 0 || sum <= 0 || weights.iter().any(|&weight| weight < 0) {
        return None;
    }
    let exact = |weight: i64| i128::from(total) * i128::from(weight);
    let mut parts = Vec::with_capacity(weights.len());
    for &weight in weights {
        parts.push(i64::try_from(exact(weight) / sum).ok()?);
    }
    let given: i64 = parts.iter().sum();
    let mut places: Vec<usize> = (0..weights.len()).collect();
    // Stable: places with equal remainders keep their order.
    places.sort_by_key(|&place| core::cmp::Reverse(exact(weights[place]) % sum));
    // Fewer units are left than places, for each place lost less than one.
    let left = usize::try_from(total - given).ok()?;
    for &place in places.iter().take(left) {
        parts[place] += 1;
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn no(text: &str) -> HouseholdNo {
        HouseholdNo::new(text).unwrap()
    }

    fn part(number: &str, area: i64) -> Part {
        Part { household: no(number), area: Area(area), minutes: None }
    }

    fn by_area(volume: Litres, parts: &[Part]) -> Result<Vec<Share>, ShareError> {
        divide(volume, ShareMethod::Area, parts)
    }

    #[test]
    fn golden_split_by_area() {
        let households = [("101", 840), ("102", 1170), ("103", 990), ("104", 600)]
            .map(|(number, area)| part(number, area));
        let shares = by_area(Litres(6_480_000), &households).unwrap();
        let litres: Vec<i64> = shares.iter().map(|share| share.litres.get()).collect();
        assert_eq!(litres, [1_512_000, 2_106_000, 1_782_000, 1_080_000]);
    }

    #[test]
    fn golden_missing_fen_goes_to_the_lower_number() {
        // 984.96 yuan: 229.8240, 320.1120, 270.8640, 164.1600; the first and the third tie.
        let parts = largest_remainder(98_496, &[1512, 2106, 1782, 1080]).unwrap();
        assert_eq!(parts, [22_983, 32_011, 27_086, 16_416]);
    }

    #[test]
    fn shares_by_the_minutes_noted() {
        let for_minutes = |number, minutes| Part { minutes, ..part(number, 500) };
        let parts = [for_minutes("1", Some(90)), for_minutes("2", Some(30))];
        let shares = divide(Litres(1_001), ShareMethod::Minutes, &parts).unwrap();
        let litres: Vec<i64> = shares.iter().map(|share| share.litres.get()).collect();
        assert_eq!(litres, [751, 250]);
        for minutes in [None, Some(0), Some(MAX_MINUTES + 1)] {
            let parts = [for_minutes("1", minutes)];
            let refused = divide(Litres(1), ShareMethod::Minutes, &parts);
            assert_eq!(refused, Err(ShareError::NoMinutes(no("1"))));
        }
    }

    #[test]
    fn ties_go_to_the_lower_household_number() {
        let households = [part("10", 100), part("9", 100)];
        let shares = by_area(Litres(3), &households).unwrap();
        assert_eq!((shares[0].household.as_str(), shares[0].litres), ("9", Litres(2)));
        assert_eq!((shares[1].household.as_str(), shares[1].litres), ("10", Litres(1)));
    }

    #[test]
    fn rejects_what_cannot_be_divided() {
        assert_eq!(by_area(Litres(1), &[]), Err(ShareError::NoHouseholds));
        let twice = [part("1", 1), part("1", 1)];
        assert_eq!(by_area(Litres(1), &twice), Err(ShareError::Twice(no("1"))));
        assert_eq!(by_area(Litres(1), &[part("1", 0)]), Err(ShareError::NoArea(no("1"))));
        assert_eq!(by_area(Litres(-1), &[part("1", 1)]), Err(ShareError::Negative(-1)));
        let many: Vec<_> = (0..=MAX_SHARES).map(|n| part(&n.to_string(), 1)).collect();
        assert_eq!(by_area(Litres(1), &many), Err(ShareError::TooMany(MAX_SHARES + 1)));
    }

    proptest! {
        #[test]
        fn shares_add_up_and_are_within_one_of_exact(
            total in 0_i64..i64::MAX,
            weights in prop::collection::vec(0_i64..10_000_000, 1..60),
        ) {
            prop_assume!(weights.iter().any(|&w| w > 0));
            let parts = largest_remainder(total, &weights).unwrap();
            let sum: i128 = weights.iter().map(|&w| i128::from(w)).sum();
            prop_assert_eq!(parts.iter().map(|&p| i128::from(p)).sum::<i128>(), i128::from(total));
            for (part, weight) in parts.iter().zip(&weights) {
                let exact = i128::from(total) * i128::from(*weight);
                prop_assert!((i128::from(*part) * sum - exact).abs() < sum);
            }
        }
    }
}
