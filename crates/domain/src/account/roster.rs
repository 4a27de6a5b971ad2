//! What households hold, by the roster in force.

use std::collections::BTreeMap;

use super::AccountError;
use crate::plot::Plot;
use crate::{Area, HouseholdNo, Litres, Timestamp};

/// What a household holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The household.
    pub household: HouseholdNo,
    /// Its land.
    pub plots: Vec<Plot>,
    /// Its water right (水权) in litres a year, which replaces the quota of its plots.
    pub water_right: Option<Litres>,
}

impl Holding {
    /// All its land.
    pub fn area(&self) -> Area {
        self.plots.iter().map(|plot| plot.area).sum()
    }
}

/// A posted roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    index: u64,
    valid_from: Timestamp,
    holdings: BTreeMap<HouseholdNo, Holding>,
}

impl Roster {
    /// The posting index.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// What a household holds; none when it is not in the roster.
    pub fn holding(&self, household: &HouseholdNo) -> Option<&Holding> {
        self.holdings.get(household)
    }

    /// All that households hold.
    pub fn holdings(&self) -> impl Iterator<Item = &Holding> {
        self.holdings.values()
    }
}

/// A village's posted rosters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rosters(Vec<Roster>);

impl Rosters {
    /// Adds a roster posted at `index` that holds from an instant until a later one does.
    pub fn post(
        &mut self,
        index: u64,
        valid_from: Timestamp,
        holdings: Vec<Holding>,
    ) -> Result<(), AccountError> {
        let mut by_household = BTreeMap::new();
        for holding in holdings {
            let household = holding.household.clone();
            if by_household.insert(household.clone(), holding).is_some() {
                return Err(AccountError::HoldingTwice { roster: index, household });
            }
        }
        self.0.push(Roster { index, valid_from, holdings: by_household });
        Ok(())
    }

    /// The roster in force at `t`: the latest valid, and of those the latest posted.
    pub fn in_force(&self, t: Timestamp) -> Option<&Roster> {
        let begun = self.0.iter().filter(|roster| roster.valid_from <= t);
        begun.max_by_key(|roster| (roster.valid_from, roster.index))
    }

    /// The roster in force at `t`, or the first to come into force later, by `until`.
    pub fn in_force_or_first(&self, t: Timestamp, until: Timestamp) -> Option<&Roster> {
        let first = self.0.iter().map(|roster| roster.valid_from).min();
        self.in_force(t).or_else(|| self.in_force(first.filter(|&from| from <= until)?))
    }
}
