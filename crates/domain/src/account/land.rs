//! A household's land as a tariff sees it: classes, areas and quotas for one source.

use super::AccountError;
use super::roster::Holding;
use crate::plot::{Plot, Source};
use crate::share::largest_remainder;
use crate::tariff::{Decimal, Tariff};
use crate::{Area, HouseholdNo};

/// Land of a household that takes water from one source.
#[derive(Debug, Clone)]
pub(super) struct Land {
    /// Its classes, in the order of the tariff's list; none twice.
    pub classes: Vec<ClassLand>,
    /// All of it.
    pub area: i64,
    /// The year's quota of it, or the household's water right, in litres.
    pub quota: i64,
}

/// The part of it that belongs to one class.
#[derive(Debug, Clone)]
pub(super) struct ClassLand {
    /// The class's place in the tariff's list.
    pub class: usize,
    /// Its area, in hundredths of a mu.
    pub area: i64,
    /// Its quota, exact, in hundredths of a mu × millionths of a m³ per mu; none when its use counts against none.
    pub quota: Option<i128>,
}

/// Hundredths of a mu × millionths of a m³ per mu that are one litre.
const QUOTA_UNITS_IN_LITRE: i128 = 100_000;

impl Land {
    /// The household's land with this source; without any, it has no classes.
    pub fn of(tariff: &Tariff, holding: &Holding, source: Source) -> Result<Self, AccountError> {
        let mut classes: Vec<ClassLand> = Vec::new();
        for plot in holding.plots.iter().filter(|plot| plot.source == source) {
            let class = class_of(tariff, &holding.household, plot)?;
            match classes.iter_mut().find(|land| land.class == class) {
                Some(land) => land.area = land.area.saturating_add(plot.area.get()),
                None => classes.push(ClassLand { class, area: plot.area.get(), quota: None }),
            }
        }
        classes.sort_by_key(|land| land.class);
        for land in &mut classes {
            let quota = tariff.terms().classes[land.class].quota_m3_per_mu.of(source);
            land.quota = quota.map(|quota| i128::from(land.area) * quota.millionths());
        }
        let area = classes.iter().map(|land| Area(land.area)).sum::<Area>().get();
        let exact: i128 = classes.iter().filter_map(|land| land.quota).sum();
        let quota = match holding.water_right {
            Some(right) => right.get(),
            None => i64::try_from(exact / QUOTA_UNITS_IN_LITRE)
                .map_err(|_| AccountError::Overflow(holding.household.clone()))?,
        };
        Ok(Self { classes, area, quota })
    }

    /// Divides litres over the classes by area; none when there is no area.
    pub fn divide(&self, litres: i64) -> Option<Vec<i64>> {
        let areas: Vec<i64> = self.classes.iter().map(|land| land.area).collect();
        // Most households grow one class of crops.
        if let ([area], true) = (areas.as_slice(), litres >= 0) {
            return (*area > 0).then(|| vec![litres]);
        }
        largest_remainder(litres, &areas)
    }
}

/// A limit in m³ per mu for an area in hundredths of a mu, in litres; none beyond their range.
pub(super) fn limit_litres(area: i64, m3_per_mu: Decimal) -> Option<i64> {
    i64::try_from(i128::from(area) * m3_per_mu.millionths() / QUOTA_UNITS_IN_LITRE).ok()
}

/// The place of a plot's class.
pub(super) fn class_of(
    tariff: &Tariff,
    household: &HouseholdNo,
    plot: &Plot,
) -> Result<usize, AccountError> {
    tariff.class_of(&plot.crop).ok_or_else(|| AccountError::NoClass {
        household: household.clone(),
        crop: plot.crop.clone(),
        tariff: tariff.id().clone(),
    })
}
