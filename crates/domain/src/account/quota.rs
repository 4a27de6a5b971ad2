//! How shares stand to the quotas of the year, for those who show them.

use super::book::Books;
use super::roster::Rosters;
use super::{AccountError, YearWatering, divide, in_order};
use crate::tariff::Tariffs;
use crate::{HouseholdNo, Litres};

/// How a household's share of a watering stands to its quota (定额) of the year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaUse {
    /// The posting index of the watering's first version.
    pub watering: u64,
    /// The household.
    pub household: HouseholdNo,
    /// The year's quota from the watering's source, or the water right; none where the share counts against none.
    pub quota: Option<Litres>,
    /// What of the share lies above it (超定额量), as priced: after conveyance loss.
    pub over: Litres,
}

/// How each share of a year's waterings stands to the quota: by the rules, and in the order, of
/// [`super::account`], without pricing anything. A watering's shares come by household number.
pub fn quota_uses(
    year: i32,
    rosters: &Rosters,
    tariffs: &Tariffs,
    waterings: &[YearWatering],
) -> Result<Vec<QuotaUse>, AccountError> {
    let mut books = Books::new();
    let mut uses: Vec<QuotaUse> = Vec::new();
    for watering in in_order(year, waterings)? {
        let (_, parts) = divide(watering, rosters, tariffs, &mut books)?;
        for part in &parts {
            let quota = part.quota().map(Litres);
            let over = Litres(part.over_quota());
            match uses.last_mut() {
                Some(last)
                    if last.watering == watering.origin && last.household == *part.household =>
                {
                    last.quota = last.quota.or(quota);
                    last.over = last.over + over;
                }
                _ => uses.push(QuotaUse {
                    watering: watering.origin,
                    household: part.household.clone(),
                    quota,
                    over,
                }),
            }
        }
    }
    Ok(uses)
}
