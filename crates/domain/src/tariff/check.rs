//! Checks of a tariff's fields, each by itself; how its rules fit together is checked in `cover`.

use std::collections::HashMap;

use super::cover;
use super::error::{Fault, TariffError};
use super::price::{Decimal, Per, Price};
use super::terms::{Class, Fee, Loss, Metered, Minimum, On, Terms, Tier};
use crate::ClassId;
use crate::plot::{Crop, Source};
use crate::text::is_plain;

/// The most classes of a tariff.
pub const MAX_CLASSES: usize = 40;
/// The most crops of a class.
pub const MAX_CROPS: usize = 100;
/// The most basic charges of a tariff.
pub const MAX_BASIC: usize = 80;
/// The most metered prices of a tariff.
pub const MAX_METERED: usize = 120;
/// The most tiers of a metered price.
pub const MAX_TIERS: usize = 10;
/// The most fees, and of subsidies, and of rewards.
pub const MAX_FEES: usize = 40;
/// The longest name of a fee, subsidy or reward, in characters.
pub const MAX_RULE_NAME_CHARS: usize = 20;
/// The highest multiplier.
pub const MAX_TIMES: i128 = 10;
/// The highest bound of a tier or fee, in percent.
pub const MAX_PERCENT: i128 = 1000;
/// A loss is below so many percent.
pub const MAX_LOSS_PERCENT: i128 = 100;
/// The highest quota or limit, in m³ per mu.
pub const MAX_QUOTA_M3_PER_MU: i128 = 5000;

const MILLION: i128 = 1_000_000;

type Checked = Result<(), TariffError>;

/// Checks everything that a tariff says.
pub(super) fn check(terms: &Terms) -> Checked {
    lengths(terms)?;
    classes(&terms.classes)?;
    loss(terms.loss)?;
    minimum(terms.minimum)?;
    for (place, rule) in terms.basic.iter().enumerate() {
        positive(rule.price, || format!("basic[{place}].price"))?;
    }
    for (place, rule) in terms.metered.iter().enumerate() {
        metered(&format!("metered[{place}]"), rule)?;
    }
    for (place, rule) in terms.fees.iter().enumerate() {
        fee(&format!("fees[{place}]"), rule)?;
    }
    for (place, rule) in terms.subsidies.iter().enumerate() {
        let path = format!("subsidies[{place}]");
        name(&path, &rule.name)?;
        positive(rule.price, || format!("{path}.price"))?;
        that(rule.per.is_volume(), || format!("{path}.per"), || Fault::Unit)?;
    }
    for (place, rule) in terms.rewards.iter().enumerate() {
        let path = format!("rewards[{place}]");
        name(&path, &rule.name)?;
        positive(rule.price, || format!("{path}.price"))?;
    }
    cover::check(terms)
}

/// Fails with `fault` at `path` unless it `holds`.
pub(super) fn that(
    holds: bool,
    path: impl FnOnce() -> String,
    fault: impl FnOnce() -> Fault,
) -> Checked {
    if holds { Ok(()) } else { Err(TariffError { path: path(), fault: fault() }) }
}

fn lengths(terms: &Terms) -> Checked {
    for (path, length, most, needed) in [
        ("classes", terms.classes.len(), MAX_CLASSES, true),
        ("basic", terms.basic.len(), MAX_BASIC, false),
        ("metered", terms.metered.len(), MAX_METERED, true),
        ("fees", terms.fees.len(), MAX_FEES, false),
        ("subsidies", terms.subsidies.len(), MAX_FEES, false),
        ("rewards", terms.rewards.len(), MAX_FEES, false),
    ] {
        that(length > 0 || !needed, || path.into(), || Fault::Empty)?;
        that(length <= most, || path.into(), || Fault::TooMany(length))?;
    }
    Ok(())
}

fn classes(classes: &[Class]) -> Checked {
    let mut codes: Vec<&ClassId> = Vec::new();
    let mut crops: HashMap<&Crop, String> = HashMap::new();
    let mut other: Option<&ClassId> = None;
    for (place, class) in classes.iter().enumerate() {
        let path = format!("classes[{place}]");
        let code = &class.class;
        let twice = || Fault::ClassTwice(code.clone());
        that(!codes.contains(&code), || format!("{path}.class"), twice)?;
        codes.push(code);
        that(class.crops.is_empty() == class.other, || format!("{path}.crops"), || Fault::Crops)?;
        let count = class.crops.len();
        that(count <= MAX_CROPS, || format!("{path}.crops"), || Fault::TooMany(count))?;
        if class.other {
            if let Some(earlier) = other {
                let fault = Fault::OtherTwice(earlier.clone());
                return Err(TariffError { path: format!("{path}.other"), fault });
            }
            other = Some(code);
        }
        for (place, crop) in class.crops.iter().enumerate() {
            let here = format!("{path}.crops[{place}]");
            if let Some(earlier) = crops.insert(crop, here.clone()) {
                let fault = Fault::CropTwice { crop: crop.clone(), earlier };
                return Err(TariffError { path: here, fault });
            }
        }
        for (source, field) in [(Source::Surface, "surface"), (Source::Ground, "ground")] {
            if let Some(quota) = class.quota_m3_per_mu.of(source) {
                per_mu(quota, || format!("{path}.quota_m3_per_mu.{field}"))?;
            }
        }
    }
    Ok(())
}

fn loss(loss: Option<Loss>) -> Checked {
    let Some(Loss::DeductPercent(percent) | Loss::AddPercent(percent)) = loss else {
        return Ok(());
    };
    let path = || match loss {
        Some(Loss::DeductPercent(_)) => "loss.deduct_percent".to_owned(),
        _ => "loss.add_percent".to_owned(),
    };
    not_zero(percent, path)?;
    let plausible = percent.millionths() < MAX_LOSS_PERCENT * MILLION;
    that(plausible, path, || Fault::Loss(percent.to_string()))
}

fn minimum(minimum: Option<Minimum>) -> Checked {
    match minimum {
        Some(Minimum::YuanPerHouseholdYear(price)) => {
            positive(price, || "minimum.yuan_per_household_year".into())
        }
        Some(Minimum::YuanPerMuYear(price)) => {
            positive(price, || "minimum.yuan_per_mu_year".into())
        }
        None => Ok(()),
    }
}

fn metered(path: &str, rule: &Metered) -> Checked {
    that(rule.per.is_volume(), || format!("{path}.per"), || Fault::Unit)?;
    if let Some(times) = rule.times {
        multiplier(times, || format!("{path}.times"))?;
    }
    let count = rule.tiers.len();
    that(count <= MAX_TIERS, || format!("{path}.tiers"), || Fault::TooMany(count))?;
    that(!rule.whole || count == 0, || format!("{path}.tiers"), || Fault::WholeWithTiers)?;
    let mut below = 0;
    for (place, tier) in rule.tiers.iter().enumerate() {
        let path = format!("{path}.tiers[{place}]");
        tier_price(&path, tier)?;
        let bound = || format!("{path}.up_to_percent");
        let Some(percent) = tier.up_to_percent else {
            that(place + 1 == count, bound, || Fault::TierUnbounded)?;
            continue;
        };
        that(place + 1 < count, bound, || Fault::LastTierBounded)?;
        not_zero(percent, bound)?;
        let plausible = percent.millionths() <= MAX_PERCENT * MILLION;
        that(plausible, bound, || Fault::Percent(percent.to_string()))?;
        that(percent.millionths() > below, bound, || Fault::NotAscending)?;
        below = percent.millionths();
    }
    Ok(())
}

fn tier_price(path: &str, tier: &Tier) -> Checked {
    match (tier.times, tier.plus) {
        (Some(times), None) => {
            let field = || format!("{path}.times");
            multiplier(times, field)?;
            let dearer = times.millionths() >= MILLION;
            that(dearer, field, || Fault::TierBelowPrice(times.to_string()))
        }
        (None, Some(plus)) => positive(plus, || format!("{path}.plus")),
        _ => that(false, || path.to_owned(), || Fault::TierPrice),
    }
}

fn fee(path: &str, rule: &Fee) -> Checked {
    name(path, &rule.name)?;
    positive(rule.price, || format!("{path}.price"))?;
    let yearly = rule.per == Per::MuYear;
    that(yearly || rule.per.is_volume(), || format!("{path}.per"), || Fault::Unit)?;
    let lasting = !yearly || rule.season.is_none();
    that(lasting, || format!("{path}.season"), || Fault::YearlySeason)?;
    that(!yearly || rule.on == On::All, || format!("{path}.on"), || Fault::YearlyOn)?;
    match rule.on {
        On::All | On::WithinQuota | On::AboveQuota => Ok(()),
        On::AboveM3PerMu(limit) => per_mu(limit, || format!("{path}.on.above_m3_per_mu")),
        On::AbovePercentOfQuota(percent) => {
            let field = || format!("{path}.on.above_percent_of_quota");
            let value = percent.millionths();
            that(value >= 100 * MILLION, field, || Fault::BelowQuota(percent.to_string()))?;
            that(value <= MAX_PERCENT * MILLION, field, || Fault::Percent(percent.to_string()))
        }
    }
}

fn name(path: &str, name: &str) -> Checked {
    let plain = is_plain(name, MAX_RULE_NAME_CHARS) && name.trim() == name;
    let shown = || name.chars().take(MAX_RULE_NAME_CHARS + 1).collect();
    that(plain, || format!("{path}.name"), || Fault::Name(shown()))
}

fn positive(price: Price, path: impl FnOnce() -> String) -> Checked {
    that(!price.is_zero(), path, || Fault::Zero)
}

fn not_zero(number: Decimal, path: impl FnOnce() -> String) -> Checked {
    that(!number.is_zero(), path, || Fault::Zero)
}

fn multiplier(times: Decimal, path: impl Fn() -> String) -> Checked {
    not_zero(times, &path)?;
    that(times.millionths() <= MAX_TIMES * MILLION, &path, || Fault::Times(times.to_string()))
}

fn per_mu(quota: Decimal, path: impl Fn() -> String) -> Checked {
    not_zero(quota, &path)?;
    let plausible = quota.millionths() <= MAX_QUOTA_M3_PER_MU * MILLION;
    that(plausible, &path, || Fault::Quota(quota.to_string()))
}
