//! One watering: its shares divided over classes, cut at quotas and limits, and priced.

use super::AccountError;
use super::book::Used;
use super::land::{Land, limit_litres};
use super::roster::Holding;
use crate::bill::{Basis, BillLine, Charge, LossyShare, Quantity, Whole};
use crate::plot::Source;
use crate::share::largest_remainder;
use crate::tariff::{Decimal, ExactPrice, Fee, Loss, Metered, MonthDay, On, Per, Tariff};
use crate::{ClassId, Fen, HouseholdNo, Litres};

const HUNDRED_PERCENT: i128 = 100_000_000;

/// A watering and what prices it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Water<'a> {
    /// The posting index of its first version.
    pub origin: u64,
    pub source: Source,
    /// The day that it began.
    pub day: MonthDay,
    /// The posting index of the tariff.
    pub index: u64,
    pub tariff: &'a Tariff,
}

/// A part of a household's share: what one class of its land took.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub household: &'a HouseholdNo,
    class: usize,
    litres: i64,
    share: Option<LossyShare>,
    /// Where it begins and where the quota ends, in litres of the year that count; none without a quota.
    quota: Option<Reach>,
    /// Where it begins in litres of the year, and the area that limits per mu go by.
    before: i64,
    area: i64,
}

/// Where a part begins within what a quota bounds.
#[derive(Debug, Clone, Copy)]
struct Reach {
    before: i64,
    quota: i64,
}

impl<'a> Water<'a> {
    /// Divides a share over the household's classes, and counts it as used.
    pub fn parts(
        &self,
        holding: &'a Holding,
        measured: i64,
        used: &mut Used<'a>,
    ) -> Result<Vec<Part<'a>>, AccountError> {
        let household = &holding.household;
        if measured < 0 {
            let household = household.clone();
            return Err(AccountError::Negative { household, litres: measured });
        }
        let overflow = || AccountError::Overflow(household.clone());
        let land = Land::of(self.tariff, holding, self.source)?;
        let priced = after_loss(self.tariff.terms().loss, measured).ok_or_else(overflow)?;
        let share = LossyShare { measured: Litres(measured), priced: Litres(priced) };
        let lossy = !matches!(self.tariff.terms().loss, None | Some(Loss::PricedIn));
        let no_plot = || AccountError::NoPlot { household: household.clone(), water: self.source };
        let divided = land.divide(priced).ok_or_else(no_plot)?;
        let has_right = holding.water_right.is_some();
        let mut parts = Vec::with_capacity(divided.len());
        for (own, litres) in land.classes.iter().zip(divided).filter(|(_, litres)| *litres > 0) {
            let counts = own.quota.is_some();
            let reach = Reach { before: used.counted(self.source, has_right), quota: land.quota };
            parts.push(Part {
                household,
                class: own.class,
                litres,
                share: lossy.then_some(share),
                quota: counts.then_some(reach),
                before: used.all(self.source),
                area: land.area,
            });
            used.add(self.class(own.class), self.source, litres, counts);
        }
        Ok(parts)
    }

    /// The lines of a watering's parts, in their order.
    pub fn lines(&self, parts: &[Part<'a>]) -> Result<Vec<Vec<BillLine>>, AccountError> {
        let rules: Vec<&Metered> =
            parts.iter().map(|part| self.rule(part)).collect::<Result<_, _>>()?;
        let mut lines: Vec<Vec<BillLine>> = Vec::with_capacity(parts.len());
        for (part, rule) in parts.iter().zip(&rules) {
            let metered = if rule.whole { Vec::new() } else { self.metered(part, rule)? };
            lines.push(metered);
        }
        self.wholes(parts, &rules, &mut lines)?;
        for (part, lines) in parts.iter().zip(&mut lines) {
            self.fees(part, lines)?;
            self.subsidies(part, lines)?;
        }
        Ok(lines)
    }

    fn class(&self, place: usize) -> &'a ClassId {
        &self.tariff.terms().classes[place].class
    }

    /// The metered price of a part.
    fn rule(&self, part: &Part<'a>) -> Result<&'a Metered, AccountError> {
        let places = self.tariff.rules(part.class, self.source).metered.iter();
        let mut rules = places.map(|&place| &self.tariff.terms().metered[place]);
        let today = |rule: &&Metered| rule.season.is_none_or(|season| season.contains(self.day));
        rules.find(today).ok_or_else(|| AccountError::NoPrice {
            tariff: self.tariff.id().clone(),
            water: self.source,
        })
    }

    fn metered(&self, part: &Part<'a>, rule: &Metered) -> Result<Vec<BillLine>, AccountError> {
        let overflow = || part.overflow();
        let mut lines = Vec::new();
        for (tier, litres) in slices(part, rule).ok_or_else(overflow)? {
            let price = effective(rule, tier).ok_or_else(overflow)?;
            let charge = self.metered_charge(part, tier);
            lines.push(self.line(charge, part, price, rule.per, litres, 1)?);
        }
        Ok(lines)
    }

    /// Adds the lines of prices whose total is rounded once for the watering.
    fn wholes(
        &self,
        parts: &[Part<'a>],
        rules: &[&Metered],
        lines: &mut [Vec<BillLine>],
    ) -> Result<(), AccountError> {
        for (first, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.whole) {
            let same = |other: &&Metered| core::ptr::eq(*other, *rule);
            if rules[..first].iter().any(&same) {
                continue;
            }
            let places: Vec<usize> = (first..rules.len()).filter(|&n| same(&rules[n])).collect();
            let litres: Vec<i64> = places.iter().map(|&place| parts[place].litres).collect();
            let overflow = || parts[first].overflow();
            let total = litres.iter().try_fold(0_i64, |sum, &litres| sum.checked_add(litres));
            let total = total.ok_or_else(overflow)?;
            let price = effective(rule, 0).ok_or_else(overflow)?;
            let fen = price.fen(total, rule.per).ok_or_else(overflow)?;
            let amounts = largest_remainder(fen, &litres).ok_or_else(overflow)?;
            for (place, amount) in places.into_iter().zip(amounts) {
                let part = &parts[place];
                let whole = Whole { litres: Litres(total), fen: Fen(fen) };
                let quantity = Quantity::Water {
                    litres: Litres(part.litres),
                    share: part.share,
                    whole: Some(whole),
                };
                let basis = Basis { tariff: self.index, price, per: rule.per, quantity };
                lines[place].push(BillLine {
                    charge: self.metered_charge(part, 0),
                    basis: Some(basis),
                    amount_fen: Fen(amount),
                    billed_fen: Fen::ZERO,
                });
            }
        }
        Ok(())
    }

    fn fees(&self, part: &Part<'a>, lines: &mut Vec<BillLine>) -> Result<(), AccountError> {
        for &place in &self.tariff.rules(part.class, self.source).fees {
            let fee = &self.tariff.terms().fees[place];
            if fee.season.is_some_and(|season| !season.contains(self.day)) {
                continue;
            }
            let litres = charged_litres(part, fee).ok_or_else(|| part.overflow())?;
            if litres > 0 {
                let charge = Charge::Fee {
                    name: fee.name.clone(),
                    watering: self.origin,
                    class: self.class(part.class).clone(),
                };
                lines.push(self.line(charge, part, fee.price.exact(), fee.per, litres, 1)?);
            }
        }
        Ok(())
    }

    fn subsidies(&self, part: &Part<'a>, lines: &mut Vec<BillLine>) -> Result<(), AccountError> {
        for &place in &self.tariff.rules(part.class, self.source).subsidies {
            let subsidy = &self.tariff.terms().subsidies[place];
            let litres = part.within_quota();
            if litres > 0 {
                let charge = Charge::Subsidy {
                    name: subsidy.name.clone(),
                    watering: self.origin,
                    class: self.class(part.class).clone(),
                };
                let price = subsidy.price.exact();
                lines.push(self.line(charge, part, price, subsidy.per, litres, -1)?);
            }
        }
        Ok(())
    }

    fn metered_charge(&self, part: &Part<'a>, tier: u8) -> Charge {
        Charge::Metered { watering: self.origin, class: self.class(part.class).clone(), tier }
    }

    /// A line whose amount is rounded by itself.
    fn line(
        &self,
        charge: Charge,
        part: &Part<'a>,
        price: ExactPrice,
        per: Per,
        litres: i64,
        sign: i64,
    ) -> Result<BillLine, AccountError> {
        let fen = price.fen(litres, per).ok_or_else(|| part.overflow())?;
        let quantity = Quantity::Water { litres: Litres(litres), share: part.share, whole: None };
        Ok(BillLine {
            charge,
            basis: Some(Basis { tariff: self.index, price, per, quantity }),
            amount_fen: Fen(sign * fen),
            billed_fen: Fen::ZERO,
        })
    }
}

impl Part<'_> {
    /// The quota that the part counts against; none where it counts against none.
    pub fn quota(&self) -> Option<i64> {
        self.quota.map(|reach| reach.quota)
    }

    /// How many of its litres lie above the quota.
    pub fn over_quota(&self) -> i64 {
        self.quota.map_or(0, |_| self.litres - self.within_quota())
    }

    fn within_quota(&self) -> i64 {
        self.quota.map_or(0, |reach| overlap(reach.before, self.litres, 0, reach.quota))
    }

    fn overflow(&self) -> AccountError {
        AccountError::Overflow(self.household.clone())
    }
}

/// Litres as priced, rounded half up to the litre.
fn after_loss(loss: Option<Loss>, measured: i64) -> Option<i64> {
    let percent = match loss {
        None | Some(Loss::PricedIn) => return Some(measured),
        Some(Loss::DeductPercent(percent)) => HUNDRED_PERCENT - percent.millionths(),
        Some(Loss::AddPercent(percent)) => HUNDRED_PERCENT + percent.millionths(),
    };
    let doubled = i128::from(measured) * percent * 2 + HUNDRED_PERCENT;
    i64::try_from(doubled / (2 * HUNDRED_PERCENT)).ok()
}

/// How many of the `litres` after `before` lie above `from` and up to `to`.
fn overlap(before: i64, litres: i64, from: i64, to: i64) -> i64 {
    let end = before.saturating_add(litres).min(to);
    end.saturating_sub(before.max(from)).max(0)
}

/// So many percent of a quota, rounded down to the litre: what is at the bound is below it.
fn percent_of(quota: i64, millionths: i128) -> Option<i64> {
    i64::try_from(i128::from(quota) * millionths / HUNDRED_PERCENT).ok()
}

/// A part cut at the quota and the tiers' bounds: tier and litres, none empty.
fn slices(part: &Part<'_>, rule: &Metered) -> Option<Vec<(u8, i64)>> {
    let Some(reach) = part.quota.filter(|_| !rule.tiers.is_empty()) else {
        return Some(vec![(0, part.litres)]);
    };
    let mut bounds = vec![reach.quota];
    for tier in &rule.tiers {
        bounds.push(match tier.up_to_percent.map(Decimal::millionths) {
            Some(percent) => percent_of(reach.quota, HUNDRED_PERCENT + percent)?,
            None => i64::MAX,
        });
    }
    let mut slices = Vec::new();
    let mut from = 0;
    for (tier, to) in (0..).zip(bounds) {
        let litres = overlap(reach.before, part.litres, from, to);
        if litres > 0 {
            slices.push((tier, litres));
        }
        from = to;
    }
    Some(slices)
}

/// The exact price of a tier; of what is within quota for tier 0.
fn effective(rule: &Metered, tier: u8) -> Option<ExactPrice> {
    let price = rule.price.exact();
    let price = rule.times.map_or(Some(price), |times| price.times(times))?;
    let Some(place) = usize::from(tier).checked_sub(1) else { return Some(price) };
    let tier = rule.tiers.get(place)?;
    match (tier.times, tier.plus) {
        (Some(times), _) => price.times(times),
        (None, Some(plus)) => price.plus(plus),
        (None, None) => Some(price),
    }
}

/// The litres of a part that a fee is charged on.
fn charged_litres(part: &Part<'_>, fee: &Fee) -> Option<i64> {
    let above = |percent: i128| {
        // The tariff is checked: such a fee holds only where there is a quota.
        let Some(reach) = part.quota else { return Some(0) };
        Some(overlap(reach.before, part.litres, percent_of(reach.quota, percent)?, i64::MAX))
    };
    match fee.on {
        On::All => Some(part.litres),
        On::WithinQuota => Some(part.within_quota()),
        On::AboveQuota => above(HUNDRED_PERCENT),
        On::AbovePercentOfQuota(percent) => above(percent.millionths()),
        On::AboveM3PerMu(limit) => {
            Some(overlap(part.before, part.litres, limit_litres(part.area, limit)?, i64::MAX))
        }
    }
}
