//! From a watering's volume to its households, exactly: shares always add up to the volume.

use core::fmt;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Area, HouseholdNo, Litres};

/// The most households that one watering is shared among.
pub const MAX_SHARES: usize = 400;

/// The longest time that one household has the water in one turn, in minutes: thirty days.
pub const MAX_MINUTES: u32 = 30 * 24 * 60;

/// The largest flow that is noted for a household, in millilitres per second: a hundred cubic metres a second.
pub const MAX_FLOW_ML_PER_S: u32 = 100_000_000;

/// The largest agreed weight of a household.
pub const MAX_WEIGHT: u32 = 1_000_000;

/// How a watering's volume is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShareMethod {
    /// Not at all: it is metered to one household, which gets all of it (计量到户).
    Household,
    /// In proportion to the area that each household irrigates (按面积).
    Area,
    /// In proportion to the minutes for which each household has the water (按时间).
    Minutes,
    /// In proportion to what flowed to each household: its minutes × its flow (按时间和流量).
    MinutesFlow,
    /// In proportion to weights that the households agreed on (按约定份额).
    Fixed,
}

/// A figure that is noted for a household in a turn, where the way to share needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// For how many minutes it has the water.
    Minutes,
    /// With what flow, in millilitres per second.
    Flow,
    /// Its agreed weight.
    Weight,
}

/// What a household brings to a division.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The household.
    pub household: HouseholdNo,
    /// The area that it irrigates in this turn.
    pub area: Area,
    /// For how many minutes it has the water; noted exactly where the method has [`Figure::Minutes`].
    pub minutes: Option<u32>,
    /// With what flow, in millilitres per second; noted exactly where the method has [`Figure::Flow`].
    pub flow_ml_per_s: Option<u32>,
    /// Its agreed weight; noted exactly where the method has [`Figure::Weight`].
    pub weight: Option<u32>,
}

/// The part of a watering's volume that falls to one household (分摊).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Whose share it is.
    pub household: HouseholdNo,
    /// The area that it irrigated, in hundredths of a mu.
    pub area: Area,
    /// For how many minutes it had the water, where that counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u32>,
    /// With what flow, in millilitres per second, where that counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_ml_per_s: Option<u32>,
    /// Its agreed weight, where that counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
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
    /// More than one for water that is metered to one.
    #[error(
        "{0} households get water that is metered to one household: name that one alone, or choose another way to share"
    )]
    NotOne(usize),
    /// The same household twice.
    #[error("household {0} appears twice among the shares")]
    Twice(HouseholdNo),
    /// An area that is not positive.
    #[error("household {0} has no area to share by: enter its irrigated area in the roster")]
    NoArea(HouseholdNo),
    /// A figure that is needed and is not there, or is out of its range.
    #[error("household {household} has no {figure} to share by: note {} for it", figure.range())]
    Missing {
        /// The household.
        household: HouseholdNo,
        /// What is needed.
        figure: Figure,
    },
    /// A figure that does not count.
    #[error(
        "household {household} has {figure} noted, which the method {} does not use: leave that out, or choose another \
         way to share",
        method.code()
    )]
    Unused {
        /// The household.
        household: HouseholdNo,
        /// What is not needed.
        figure: Figure,
        /// How the volume is divided.
        method: ShareMethod,
    },
    /// A negative total cannot be shared.
    #[error("a volume of {0} litres cannot be shared")]
    Negative(i64),
}

impl ShareMethod {
    /// Every way to share.
    pub const ALL: [Self; 5] =
        [Self::Household, Self::Area, Self::Minutes, Self::MinutesFlow, Self::Fixed];

    /// Its code, as statements write it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Household => "household",
            Self::Area => "area",
            Self::Minutes => "minutes",
            Self::MinutesFlow => "minutes-flow",
            Self::Fixed => "fixed",
        }
    }

    /// What must be noted for each household; nothing else may be.
    pub const fn figures(self) -> &'static [Figure] {
        match self {
            Self::Household | Self::Area => &[],
            Self::Minutes => &[Figure::Minutes],
            Self::MinutesFlow => &[Figure::Minutes, Figure::Flow],
            Self::Fixed => &[Figure::Weight],
        }
    }

    /// What a part counts; 0 where something that is needed is not there.
    fn weight(self, part: &Part) -> i64 {
        let [minutes, flow, weight] = [part.minutes, part.flow_ml_per_s, part.weight]
            .map(|figure| i64::from(figure.unwrap_or_default()));
        match self {
            Self::Household => 1,
            Self::Area => part.area.get(),
            Self::Minutes => minutes,
            // Both within their limits, so far below the largest number.
            Self::MinutesFlow => minutes.saturating_mul(flow),
            Self::Fixed => weight,
        }
    }
}

impl Figure {
    /// Every figure.
    pub const ALL: [Self; 3] = [Self::Minutes, Self::Flow, Self::Weight];

    /// The largest that may be noted; the least is 1.
    pub const fn most(self) -> u32 {
        match self {
            Self::Minutes => MAX_MINUTES,
            Self::Flow => MAX_FLOW_ML_PER_S,
            Self::Weight => MAX_WEIGHT,
        }
    }

    const fn of(self, part: &Part) -> Option<u32> {
        match self {
            Self::Minutes => part.minutes,
            Self::Flow => part.flow_ml_per_s,
            Self::Weight => part.weight,
        }
    }

    fn range(self) -> String {
        let most = self.most();
        match self {
            Self::Minutes => format!("1 to {most} minutes"),
            Self::Flow => format!("1 to {most} millilitres per second"),
            Self::Weight => format!("a whole number from 1 to {most}"),
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Minutes => "minutes",
            Self::Flow => "flow",
            Self::Weight => "weight",
        })
    }
}

impl Part {
    /// A household with the area that it irrigates, and nothing noted.
    pub const fn new(household: HouseholdNo, area: Area) -> Self {
        Self { household, area, minutes: None, flow_ml_per_s: None, weight: None }
    }

    fn check(&self, method: ShareMethod) -> Result<(), ShareError> {
        let household = || self.household.clone();
        if self.area.get() <= 0 {
            return Err(ShareError::NoArea(household()));
        }
        for figure in Figure::ALL {
            let noted = figure.of(self);
            if !method.figures().contains(&figure) {
                if noted.is_some() {
                    return Err(ShareError::Unused { household: household(), figure, method });
                }
            } else if !(1..=figure.most()).contains(&noted.unwrap_or_default()) {
                return Err(ShareError::Missing { household: household(), figure });
            }
        }
        Ok(())
    }

    fn share(self, litres: i64) -> Share {
        let Self { household, area, minutes, flow_ml_per_s, weight } = self;
        Share { household, area, minutes, flow_ml_per_s, weight, litres: Litres(litres) }
    }
}

impl Share {
    /// What it was reckoned by.
    pub fn part(&self) -> Part {
        Part {
            household: self.household.clone(),
            area: self.area,
            minutes: self.minutes,
            flow_ml_per_s: self.flow_ml_per_s,
            weight: self.weight,
        }
    }
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
    if method == ShareMethod::Household && parts.len() > 1 {
        return Err(ShareError::NotOne(parts.len()));
    }
    let mut parts = parts.to_vec();
    parts.sort_by(|a, b| a.household.number_order().cmp(&b.household.number_order()));
    let mut seen = BTreeSet::new();
    for part in &parts {
        if !seen.insert(&part.household) {
            return Err(ShareError::Twice(part.household.clone()));
        }
        part.check(method)?;
    }
    let weights: Vec<i64> = parts.iter().map(|part| method.weight(part)).collect();
    let litres =
        largest_remainder(volume.get(), &weights).ok_or(ShareError::Negative(volume.get()))?;
    Ok(parts.into_iter().zip(litres).map(|(part, litres)| part.share(litres)).collect())
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
mod tests;
