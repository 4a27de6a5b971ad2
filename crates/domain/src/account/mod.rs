//! A year's account (年度水费): every line of every household of a village, from the waterings that hold.
//!
//! A pure function of what is posted: rosters, tariffs and waterings. It gives the same lines whatever the order they
//! are handed in, so that anyone recomputes the same fen. What a run bills is the difference to what was billed
//! before ([`crate::bill::settle`]).
//!
//! - Waterings count in the order of their start, and of equal ones of their first posting. The tariff and the roster
//!   in force when a watering began hold for it.
//! - A share's litres, after conveyance loss, are divided over the household's classes with that source by area, in
//!   the order of the tariff's list; in that order they use up the quota.
//! - The quota is that of all the household's plots with the source together, or its water right. Use of a class
//!   without a quota counts against none. A water right bounds the use from both sources together.
//! - What is owed once a year (basic charges, fees per mu and year, the minimum) goes by the roster and the tariff in
//!   force at the end of 1 January in Beijing, or by the first that came into force later in the year: never by
//!   waterings, so that one handed in late changes nothing of it.
//! - The closing of the year adds rewards, by the roster and the tariff in force at its last instant, and what is short
//!   of the minimum. There is a reward only where water from that source was used in the year: land that lay fallow
//!   saved none.
//! - A line stands for water or land of which there is any, even if it comes to 0 fen; others are left out.

mod book;
mod error;
mod explain;
mod land;
mod quota;
mod roster;
#[cfg(test)]
mod tests;
mod water;
mod yearly;

use std::collections::HashSet;

use crate::bill::BillLine;
use crate::plot::Source;
use crate::tariff::{MonthDay, Tariffs};
use crate::{HouseholdNo, Litres, Timestamp};
use book::Books;
use water::{Part, Water};
use yearly::Yearly;

pub use error::AccountError;
pub use explain::{NOT_POSTED, explain, explain_year};
pub use quota::{QuotaUse, quota_uses};
pub use roster::{Holding, Roster, Rosters};

/// A watering of the year, as it holds now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YearWatering {
    /// The posting index of its first version: its lines are known by it, whatever corrections follow.
    pub origin: u64,
    /// The posting index of the version that holds now.
    pub index: u64,
    /// When it began.
    pub start: Timestamp,
    /// Where its water came from.
    pub source: Source,
    /// What fell to each household.
    pub shares: Vec<(HouseholdNo, Litres)>,
}

/// Reckons a year: each household's lines, by household number.
///
/// `closing` adds what is known only when the year is over: rewards, and what is short of the minimum. Once a run has
/// billed with it, later ones of that year do too, or they would take it back.
pub fn account(
    year: i32,
    rosters: &Rosters,
    tariffs: &Tariffs,
    waterings: &[YearWatering],
    closing: bool,
) -> Result<Vec<(HouseholdNo, Vec<BillLine>)>, AccountError> {
    let yearly = Yearly::new(year, rosters, tariffs)?;
    let mut books = Books::new();
    yearly.begin(&mut books)?;
    for watering in in_order(year, waterings)? {
        pour(watering, rosters, tariffs, &mut books)?;
    }
    if closing {
        yearly.close(&mut books)?;
    }
    let mut accounts: Vec<(&HouseholdNo, Vec<BillLine>)> = books
        .into_iter()
        .filter(|(_, book)| !book.lines.is_empty())
        .map(|(household, book)| (household, book.lines))
        .collect();
    accounts.sort_by_key(|(household, _)| household.number_order());
    Ok(accounts.into_iter().map(|(household, lines)| (household.clone(), lines)).collect())
}

/// The waterings in the order in which they use up quotas.
fn in_order(year: i32, waterings: &[YearWatering]) -> Result<Vec<&YearWatering>, AccountError> {
    let mut ordered: Vec<&YearWatering> = waterings.iter().collect();
    ordered.sort_by_key(|watering| (watering.start, watering.origin));
    let mut seen = HashSet::new();
    for watering in &ordered {
        if watering.start.year() != year {
            return Err(AccountError::OtherYear { watering: watering.index, year });
        }
        if !seen.insert(watering.origin) {
            return Err(AccountError::WateringTwice(watering.origin));
        }
    }
    Ok(ordered)
}

/// Adds a watering's use and lines to its households' books.
fn pour<'a>(
    watering: &'a YearWatering,
    rosters: &'a Rosters,
    tariffs: &'a Tariffs,
    books: &mut Books<'a>,
) -> Result<(), AccountError> {
    let (water, parts) = divide(watering, rosters, tariffs, books)?;
    for (part, lines) in parts.iter().zip(water.lines(&parts)?) {
        books.entry(part.household).or_default().lines.extend(lines);
    }
    Ok(())
}

/// Divides a watering's shares over classes, and adds them to its households' use.
fn divide<'a>(
    watering: &'a YearWatering,
    rosters: &'a Rosters,
    tariffs: &'a Tariffs,
    books: &mut Books<'a>,
) -> Result<(Water<'a>, Vec<Part<'a>>), AccountError> {
    let start = watering.start;
    let (index, tariff) = tariffs.in_force(start).ok_or(AccountError::NoTariff(start))?;
    let roster = rosters.in_force(start).ok_or(AccountError::NoRoster(start))?;
    let (origin, source, day) = (watering.origin, watering.source, MonthDay::at(start));
    let water = Water { origin, source, day, index, tariff };
    // Equal remainders go to the earlier household number.
    let mut shares: Vec<&(HouseholdNo, Litres)> = watering.shares.iter().collect();
    shares.sort_by_key(|(household, _)| household.number_order());
    let mut parts = Vec::with_capacity(shares.len());
    let mut last = None;
    for (household, litres) in shares {
        if last.replace(household) == Some(household) {
            let household = household.clone();
            return Err(AccountError::ShareTwice { watering: watering.index, household });
        }
        let holding = roster.holding(household).ok_or_else(|| AccountError::NotInRoster {
            watering: watering.index,
            household: household.clone(),
        })?;
        let book = books.entry(household).or_default();
        parts.extend(water.parts(holding, litres.get(), &mut book.used)?);
    }
    Ok((water, parts))
}
