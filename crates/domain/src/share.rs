//! From a watering's volume to its households, exactly: shares always add up to the volume.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Area, HouseholdNo, Litres};

/// The most households that one watering is shared among.
pub const MAX_SHARES: usize = 400;

/// How a watering's volume is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShareMethod {
    /// In proportion to the area that each household irrigates (按面积).
    Area,
}

/// The part of a watering's volume that falls to one household (分摊).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Whose share it is.
    pub household: HouseholdNo,
    /// The area it was reckoned by, in hundredths of a mu.
    pub area: Area,
    /// The share.
    pub litres: Litres,
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
    /// A negative total cannot be shared.
    #[error("a volume of {0} litres cannot be shared")]
    Negative(i64),
}

/// Divides `volume` by area; shares come in the order of household numbers.
pub fn by_area(
    volume: Litres,
    households: &[(HouseholdNo, Area)],
) -> Result<Vec<Share>, ShareError> {
    if households.is_empty() {
        return Err(ShareError::NoHouseholds);
    }
    if households.len() > MAX_SHARES {
        return Err(ShareError::TooMany(households.len()));
    }
    let mut households = households.to_vec();
    households.sort_by(|a, b| a.0.number_order().cmp(&b.0.number_order()));
    let mut seen = BTreeSet::new();
    for (household, area) in &households {
        if !seen.insert(household) {
            return Err(ShareError::Twice(household.clone()));
        }
        if area.get() <= 0 {
            return Err(ShareError::NoArea(household.clone()));
        }
    }
    let weights: Vec<i64> = households.iter().map(|(_, area)| area.get()).collect();
    let parts =
        largest_remainder(volume.get(), &weights).ok_or(ShareError::Negative(volume.get()))?;
    Ok(households
        .into_iter()
        .zip(parts)
        .map(|((household, area), litres)| Share { household, area, litres: Litres(litres) })
        .collect())
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

    #[test]
    fn golden_split_by_area() {
        let households = [("101", 840), ("102", 1170), ("103", 990), ("104", 600)]
            .map(|(n, a)| (no(n), Area(a)));
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
    fn ties_go_to_the_lower_household_number() {
        let households = [(no("10"), Area(100)), (no("9"), Area(100))];
        let shares = by_area(Litres(3), &households).unwrap();
        assert_eq!((shares[0].household.as_str(), shares[0].litres), ("9", Litres(2)));
        assert_eq!((shares[1].household.as_str(), shares[1].litres), ("10", Litres(1)));
    }

    #[test]
    fn rejects_what_cannot_be_divided() {
        assert_eq!(by_area(Litres(1), &[]), Err(ShareError::NoHouseholds));
        let twice = [(no("1"), Area(1)), (no("1"), Area(1))];
        assert_eq!(by_area(Litres(1), &twice), Err(ShareError::Twice(no("1"))));
        assert_eq!(by_area(Litres(1), &[(no("1"), Area(0))]), Err(ShareError::NoArea(no("1"))));
        assert_eq!(by_area(Litres(-1), &[(no("1"), Area(1))]), Err(ShareError::Negative(-1)));
        let many: Vec<_> = (0..=MAX_SHARES).map(|n| (no(&n.to_string()), Area(1))).collect();
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
