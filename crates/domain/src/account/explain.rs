//! What a household would pay: one share by itself, or what is owed once a year, by the same rules as an account.

use super::AccountError;
use super::book::Used;
use super::roster::Holding;
use super::water::Water;
use super::yearly;
use crate::bill::BillLine;
use crate::plot::Source;
use crate::tariff::{MonthDay, Tariff, Tariffs};
use crate::{Litres, Timestamp};

/// The posting index that lines name where nothing is posted: that of the log's genesis, which is neither a watering nor
/// a tariff.
pub const NOT_POSTED: u64 = 0;

/// The lines for so many `litres` from a source, taken at `at`, after the household used so many `before` in the year
/// (as priced, all of it counting against its quota).
///
/// The tariff comes with its posting index, or [`NOT_POSTED`]; the watering is not posted. What is owed once a year is not
/// among the lines: that is [`explain_year`]'s.
pub fn explain(
    (index, tariff): (u64, &Tariff),
    holding: &Holding,
    source: Source,
    at: Timestamp,
    before: Litres,
    litres: Litres,
) -> Result<Vec<BillLine>, AccountError> {
    let water = Water { origin: NOT_POSTED, source, day: MonthDay::at(at), index, tariff };
    let mut used = Used::before(source, before.get());
    let parts = water.parts(holding, litres.get(), &mut used)?;
    Ok(water.lines(&parts)?.into_iter().flatten().collect())
}

/// The lines of what a household owes once in a year: basic charges, and fees per mu and year, by the tariff that an
/// account takes for them. None where no tariff is in force in the year.
pub fn explain_year(
    tariffs: &Tariffs,
    holding: &Holding,
    year: i32,
) -> Result<Vec<BillLine>, AccountError> {
    let (first_day, end) = yearly::bounds(year)?;
    match tariffs.in_force_or_first(first_day, end) {
        Some((index, tariff)) => yearly::owed(year, index, tariff, holding),
        None => Ok(Vec::new()),
    }
}
