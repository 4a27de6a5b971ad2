//! What is owed or given once a year: basic charges, yearly fees, rewards, and what is short of a minimum.

use super::AccountError;
use super::book::{Book, Books};
use super::land::{ClassLand, Land, class_of};
use super::roster::{Holding, Roster, Rosters};
use crate::bill::{Basis, BillLine, Charge, Quantity};
use crate::plot::Source;
use crate::share::largest_remainder;
use crate::tariff::{Minimum, Per, Price, Reward, Tariff, Tariffs};
use crate::{Area, ClassId, Fen, HouseholdNo, Litres, Timestamp};

const DAY_MILLIS: i64 = 24 * 3600 * 1000;

/// A year's charges that do not come of single waterings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Yearly<'a> {
    year: i32,
    /// What 1 January is judged by; none when there is no roster or no tariff in the year.
    first: Option<Basics<'a>>,
    /// What the closing is judged by.
    last: Option<Basics<'a>>,
}

/// A roster and a tariff that hold together.
#[derive(Debug, Clone, Copy)]
struct Basics<'a> {
    roster: &'a Roster,
    index: u64,
    tariff: &'a Tariff,
}

/// Land of a household, by the class's place.
struct Ground {
    class: usize,
    source: Source,
    area: Area,
}

impl<'a> Yearly<'a> {
    pub fn new(
        year: i32,
        rosters: &'a Rosters,
        tariffs: &'a Tariffs,
    ) -> Result<Self, AccountError> {
        let (first_day, end) = bounds(year)?;
        let first = rosters
            .in_force_or_first(first_day, end)
            .zip(tariffs.in_force_or_first(first_day, end));
        let last = rosters.in_force(end).zip(tariffs.in_force(end));
        let basics = |(roster, (index, tariff))| Basics { roster, index, tariff };
        Ok(Self { year, first: first.map(basics), last: last.map(basics) })
    }

    /// Adds basic charges and yearly fees.
    pub fn begin(&self, books: &mut Books<'a>) -> Result<(), AccountError> {
        let Some(first) = self.first else { return Ok(()) };
        for holding in first.roster.holdings() {
            let lines = owed(self.year, first.index, first.tariff, holding)?;
            books.entry(&holding.household).or_default().lines.extend(lines);
        }
        Ok(())
    }

    /// Adds rewards and what is short of the minimum.
    pub fn close(&self, books: &mut Books<'a>) -> Result<(), AccountError> {
        if let Some(first) = self.first {
            for holding in first.roster.holdings() {
                let book = books.entry(&holding.household).or_default();
                book.lines.extend(self.short(first, holding, &book.lines)?);
            }
        }
        let Some(last) = self.last else { return Ok(()) };
        for holding in last.roster.holdings() {
            // Who used nothing has no book, or one without use.
            if let Some(book) = books.get_mut(&holding.household) {
                let lines = self.rewards(last, holding, book)?;
                book.lines.extend(lines);
            }
        }
        Ok(())
    }

    /// What the lines so far (none of them a reward) are short of the minimum.
    fn short(
        &self,
        Basics { tariff, index, .. }: Basics<'a>,
        holding: &Holding,
        lines: &[BillLine],
    ) -> Result<Option<BillLine>, AccountError> {
        let (price, per, quantity) = match tariff.terms().minimum {
            None => return Ok(None),
            Some(Minimum::YuanPerHouseholdYear(price)) => (price, Per::HouseholdYear, 1),
            Some(Minimum::YuanPerMuYear(price)) => (price, Per::MuYear, holding.area().get()),
        };
        let charged_fen: Fen = lines.iter().map(|line| line.amount_fen).sum();
        let least = price.exact().fen(quantity, per).ok_or_else(|| overflow(holding))?;
        let short = Fen(least) - charged_fen;
        let area = (per == Per::MuYear).then_some(Area(quantity));
        let quantity = Quantity::ShortOf { area, charged_fen };
        let basis = Basis { tariff: index, price: price.exact(), per, quantity };
        Ok((short > Fen::ZERO).then_some(BillLine {
            charge: Charge::Minimum { year: self.year },
            basis: Some(basis),
            amount_fen: short,
            billed_fen: Fen::ZERO,
        }))
    }

    fn rewards(
        &self,
        basics: Basics<'a>,
        holding: &Holding,
        book: &Book<'a>,
    ) -> Result<Vec<BillLine>, AccountError> {
        let mut lines = Vec::new();
        if basics.tariff.terms().rewards.is_empty() {
            return Ok(lines);
        }
        for (source, class, litres) in saved(basics.tariff, holding, book)? {
            let rules = basics.tariff.terms().rewards.iter();
            for rule in rules.filter(|rule| holds(rule, source, class)) {
                let price = rule.price.exact();
                let fen = price.fen(litres, Per::CubicMetre).ok_or_else(|| overflow(holding))?;
                let name = rule.name.clone();
                let quantity = Quantity::Water { litres: Litres(litres), share: None, whole: None };
                let (tariff, per) = (basics.index, Per::CubicMetre);
                lines.push(BillLine {
                    charge: Charge::Reward { name, year: self.year, source, class: class.clone() },
                    basis: Some(Basis { tariff, price, per, quantity }),
                    amount_fen: Fen(-fen),
                    billed_fen: Fen::ZERO,
                });
            }
        }
        Ok(lines)
    }
}

/// The last instants of a year's first day and of the year, in Beijing.
pub(super) fn bounds(year: i32) -> Result<(Timestamp, Timestamp), AccountError> {
    let first_day = Timestamp::year_start(year)?.plus_millis(DAY_MILLIS - 1);
    Ok((first_day, Timestamp::year_end(year)?))
}

/// Basic charges and yearly fees for a household's land, by the tariff posted at `index`.
pub(super) fn owed(
    year: i32,
    index: u64,
    tariff: &Tariff,
    holding: &Holding,
) -> Result<Vec<BillLine>, AccountError> {
    let terms = tariff.terms();
    let mut ground = Vec::with_capacity(holding.plots.len());
    for plot in &holding.plots {
        let class = class_of(tariff, &holding.household, plot)?;
        ground.push(Ground { class, source: plot.source, area: plot.area });
    }
    let area_of = |source: Option<Source>, class: Option<&ClassId>| -> Area {
        let meant = ground.iter().filter(|own| {
            source.is_none_or(|source| source == own.source)
                && class.is_none_or(|class| *class == terms.classes[own.class].class)
        });
        meant.map(|own| own.area).sum()
    };
    let mut lines = Vec::new();
    for rule in &terms.basic {
        let area = area_of(rule.source, rule.class.as_ref());
        let charge = Charge::Basic { year, source: rule.source, class: rule.class.clone() };
        lines.extend(for_area(index, &holding.household, charge, rule.price, area)?);
    }
    for fee in terms.fees.iter().filter(|fee| fee.per == Per::MuYear) {
        let area = area_of(fee.source, fee.class.as_ref());
        let charge = Charge::YearlyFee {
            name: fee.name.clone(),
            year,
            source: fee.source,
            class: fee.class.clone(),
        };
        lines.extend(for_area(index, &holding.household, charge, fee.price, area)?);
    }
    Ok(lines)
}

/// A line for land, if there is any.
fn for_area(
    tariff: u64,
    household: &HouseholdNo,
    charge: Charge,
    price: Price,
    area: Area,
) -> Result<Option<BillLine>, AccountError> {
    if area <= Area::ZERO {
        return Ok(None);
    }
    let price = price.exact();
    let fen = price
        .fen(area.get(), Per::MuYear)
        .ok_or_else(|| AccountError::Overflow(household.clone()))?;
    let (per, quantity) = (Per::MuYear, Quantity::Area(area));
    Ok(Some(BillLine {
        charge,
        basis: Some(Basis { tariff, price, per, quantity }),
        amount_fen: Fen(fen),
        billed_fen: Fen::ZERO,
    }))
}

/// What a household saved, by source and class: what the quota is above the use, divided over the classes that used
/// less than theirs, in proportion to what each did not use.
fn saved<'a>(
    tariff: &'a Tariff,
    holding: &Holding,
    book: &Book<'_>,
) -> Result<Vec<(Source, &'a ClassId, i64)>, AccountError> {
    let mut all = Vec::new();
    let both = [Source::Surface, Source::Ground];
    // A water right is one quota for both sources.
    let pools: &[&[Source]] =
        if holding.water_right.is_some() { &[&both] } else { &[&both[..1], &both[1..]] };
    for pool in pools {
        if pool.iter().all(|&source| book.used.all(source) == 0) {
            continue;
        }
        let mut classes: Vec<(Source, ClassLand)> = Vec::new();
        let mut quota = 0;
        for &source in *pool {
            let land = Land::of(tariff, holding, source)?;
            quota = land.quota;
            let counted = land.classes.into_iter().filter(|own| own.quota.is_some());
            classes.extend(counted.map(|own| (source, own)));
        }
        let used = book.used.counted(pool[0], holding.water_right.is_some());
        let unused = quota.saturating_sub(used);
        if unused <= 0 || classes.is_empty() {
            continue;
        }
        let id = |own: &ClassLand| &tariff.terms().classes[own.class].class;
        let quotas = divided(quota, &classes).ok_or_else(|| overflow(holding))?;
        let left: Vec<i64> = classes
            .iter()
            .zip(quotas)
            .map(|((source, own), quota)| (quota - book.used.of_class(id(own), *source)).max(0))
            .collect();
        let parts = largest_remainder(unused, &left).ok_or_else(|| overflow(holding))?;
        let some = classes.iter().zip(parts).filter(|(_, litres)| *litres > 0);
        all.extend(some.map(|((source, own), litres)| (*source, id(own), litres)));
    }
    Ok(all)
}

/// A quota divided over the classes that it is of.
fn divided(quota: i64, classes: &[(Source, ClassLand)]) -> Option<Vec<i64>> {
    let weights: Option<Vec<i64>> =
        classes.iter().map(|(_, own)| i64::try_from(own.quota.unwrap_or(0)).ok()).collect();
    largest_remainder(quota, &weights?)
}

fn holds(rule: &Reward, source: Source, class: &ClassId) -> bool {
    rule.source.is_none_or(|own| own == source)
        && rule.class.as_ref().is_none_or(|own| own == class)
}

fn overflow(holding: &Holding) -> AccountError {
    AccountError::Overflow(holding.household.clone())
}
