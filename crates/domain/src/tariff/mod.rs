//! Water prices (水价): what a tariff says, that it says one thing for each drop, and which one is in force.
//!
//! A tariff is data: [`Terms`] as somebody wrote them, [`Tariff`] once they are checked. What comes of it for a
//! household is [`crate::account`]'s business.

mod check;
mod cover;
mod error;
mod price;
mod season;
mod terms;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::plot::{Crop, Source};
use crate::{ClassId, TariffId, Timestamp};
use cover::{SOURCES, Scope};

pub use check::{
    MAX_BASIC, MAX_CLASSES, MAX_CROPS, MAX_FEES, MAX_LOSS_PERCENT, MAX_METERED, MAX_PERCENT,
    MAX_QUOTA_M3_PER_MU, MAX_RULE_NAME_CHARS, MAX_TIERS, MAX_TIMES,
};
pub use error::{Fault, TariffError};
pub use price::{
    Decimal, ExactPrice, MAX_DECIMALS, MAX_EXACT_DECIMALS, MAX_PRICE_YUAN, Per, Price, PriceError,
};
pub use season::{DAYS, DayError, MonthDay, Season};
pub use terms::{
    Basic, Class, Fee, Loss, Metered, Minimum, On, Quota, Reward, Subsidy, Terms, Tier,
};

/// A version of the water price, checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Terms", into = "Terms")]
pub struct Tariff {
    terms: Terms,
    /// The place of each listed crop's class.
    crops: HashMap<Crop, usize>,
    /// The place of the class for all other crops.
    other: Option<usize>,
    /// What holds for each class and source, by their places.
    rules: Vec<[ClassRules; 2]>,
}

/// The rules that hold for a class and source, by their places in the tariff's lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClassRules {
    /// Metered prices, one for each day.
    pub metered: Vec<usize>,
    /// Fees on water used.
    pub fees: Vec<usize>,
    /// Subsidies.
    pub subsidies: Vec<usize>,
}

impl Tariff {
    /// Checks what a tariff says; fails with the field that is wrong.
    pub fn new(terms: Terms) -> Result<Self, TariffError> {
        check::check(&terms)?;
        let classes = || terms.classes.iter().enumerate();
        let crops = classes()
            .flat_map(|(place, class)| class.crops.iter().map(move |crop| (crop.clone(), place)))
            .collect();
        let other = classes().find(|(_, class)| class.other).map(|(place, _)| place);
        let rules = terms
            .classes
            .iter()
            .map(|class| SOURCES.map(|source| ClassRules::of(&terms, class, source)))
            .collect();
        Ok(Self { terms, crops, other, rules })
    }

    /// Its code.
    pub fn id(&self) -> &TariffId {
        &self.terms.id
    }

    /// From when it holds, until a later one does.
    pub fn valid_from(&self) -> Timestamp {
        self.terms.valid_from
    }

    /// Everything that it says.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The place of a crop's class in the list of classes; none when no class has it.
    pub fn class_of(&self, crop: &Crop) -> Option<usize> {
        self.crops.get(crop).copied().or(self.other)
    }

    /// What holds for a class, by its place, and a source.
    pub(crate) fn rules(&self, class: usize, source: Source) -> &ClassRules {
        &self.rules[class][source as usize]
    }
}

impl ClassRules {
    fn of(terms: &Terms, class: &Class, source: Source) -> Self {
        let here = |own: Option<Source>, of: &Option<ClassId>| {
            Scope::new(own, of.as_ref(), None).covers(source, &class.class)
        };
        let metered = terms.metered.iter().enumerate();
        let fees = terms.fees.iter().enumerate().filter(|(_, rule)| rule.per.is_volume());
        let subsidies = terms.subsidies.iter().enumerate();
        Self {
            metered: places(metered.filter(|(_, rule)| here(rule.source, &rule.class))),
            fees: places(fees.filter(|(_, rule)| here(rule.source, &rule.class))),
            subsidies: places(subsidies.filter(|(_, rule)| here(rule.source, &rule.class))),
        }
    }
}

fn places<T>(rules: impl Iterator<Item = (usize, T)>) -> Vec<usize> {
    rules.map(|(place, _)| place).collect()
}

impl TryFrom<Terms> for Tariff {
    type Error = TariffError;
    fn try_from(terms: Terms) -> Result<Self, TariffError> {
        Self::new(terms)
    }
}

impl From<Tariff> for Terms {
    fn from(tariff: Tariff) -> Terms {
        tariff.terms
    }
}

/// Posted tariffs with the indices they were posted at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tariffs(Vec<(u64, Tariff)>);

impl Tariffs {
    /// Adds a tariff posted at `index`.
    pub fn post(&mut self, index: u64, tariff: Tariff) {
        self.0.push((index, tariff));
    }

    /// The tariff in force at `t` with its posting index: the latest valid, and of those the latest posted.
    pub fn in_force(&self, t: Timestamp) -> Option<(u64, &Tariff)> {
        self.0
            .iter()
            .filter(|(_, tariff)| tariff.valid_from() <= t)
            .max_by_key(|(index, tariff)| (tariff.valid_from(), *index))
            .map(|(index, tariff)| (*index, tariff))
    }

    /// The tariff in force at `t`, or the first to come into force later, by `until`.
    pub fn in_force_or_first(&self, t: Timestamp, until: Timestamp) -> Option<(u64, &Tariff)> {
        let first = self.0.iter().map(|(_, tariff)| tariff.valid_from()).min();
        self.in_force(t).or_else(|| self.in_force(first.filter(|&from| from <= until)?))
    }
}
