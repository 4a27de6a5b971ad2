//! Why a tariff is refused: the place in it, and what is wrong there.

use thiserror::Error;

use super::check::{
    MAX_BASIC, MAX_CLASSES, MAX_CROPS, MAX_FEES, MAX_LOSS_PERCENT, MAX_METERED, MAX_PERCENT,
    MAX_QUOTA_M3_PER_MU, MAX_RULE_NAME_CHARS, MAX_TIERS, MAX_TIMES,
};
use super::season::MonthDay;
use crate::ClassId;
use crate::plot::{Crop, Source};

/// Why a tariff is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path}: {fault}")]
pub struct TariffError {
    /// The field, like `metered[1].tiers[0].up_to_percent`.
    pub path: String,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong with a field of a tariff.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// A list that needs an entry has none.
    #[error("the list is empty: give at least one entry")]
    Empty,
    /// A list is too long.
    #[error(
        "the list has {0} entries: at most {MAX_CLASSES} classes, {MAX_CROPS} crops in one, {MAX_BASIC} basic charges, \
         {MAX_METERED} metered prices with {MAX_TIERS} tiers each, and {MAX_FEES} fees, subsidies and rewards each are allowed"
    )]
    TooMany(usize),
    /// A class's code is given twice.
    #[error("class {0} is already there: give each class its own code")]
    ClassTwice(ClassId),
    /// A class without crops, or one with crops that also takes all others.
    #[error("list the class's crops, or set other = true for every crop that no class lists")]
    Crops,
    /// Two classes for all other crops.
    #[error("{0} already has every other crop: only one class may")]
    OtherTwice(ClassId),
    /// A crop stands twice.
    #[error("crop {crop} already stands in {earlier}: a crop belongs to one class")]
    CropTwice {
        /// The crop.
        crop: Crop,
        /// Where it stands first.
        earlier: String,
    },
    /// A rule names a class that is not there.
    #[error("class {0} is not among the classes: add it, or name another")]
    NoSuchClass(ClassId),
    /// A name that cannot be printed.
    #[error(
        "name {0:?} is not valid: use 1 to {MAX_RULE_NAME_CHARS} visible characters, no space at either end"
    )]
    Name(String),
    /// Two rules for the same water or land.
    #[error("{earlier} also holds for {} water, class {class}, on {day}: {what}", water)]
    Overlap {
        /// The earlier rule.
        earlier: String,
        /// Where water comes from that both hold for.
        water: Source,
        /// A class that both hold for.
        class: ClassId,
        /// The first day that both hold on.
        day: MonthDay,
        /// What to do.
        what: &'static str,
    },
    /// Water that no price is given for.
    #[error(
        "no price holds for {} water, class {class}, on {day}: every source that the tariff mentions needs one for \
         every class and day, and may have the price 0",
        water
    )]
    Gap {
        /// Where the water comes from.
        water: Source,
        /// The class.
        class: ClassId,
        /// The first such day.
        day: MonthDay,
    },
    /// A rule over or within quota where there is none.
    #[error(
        "class {class} has no quota for {} water, which this rule needs: add it to the class, or limit the rule to \
         what has one",
        water
    )]
    NoQuota {
        /// Where the water comes from.
        water: Source,
        /// The class.
        class: ClassId,
    },
    /// Nought where a number counts.
    #[error("the value is 0: give one above 0, or leave the rule out")]
    Zero,
    /// A price for a unit that it cannot be for.
    #[error(
        "this price cannot be for that unit: water used is priced per m3 or 100-m3, and a fee may be per mu-year"
    )]
    Unit,
    /// A yearly fee with a season.
    #[error("a fee per mu-year is owed once a year: leave the season out")]
    YearlySeason,
    /// A yearly fee on a part of the use.
    #[error("a fee per mu-year does not depend on use: leave on out")]
    YearlyOn,
    /// A multiplier that looks like a percentage.
    #[error("multiplier {0} is above {MAX_TIMES}: 1.5 means ×1.5: 150 would be ×150")]
    Times(String),
    /// A tier below the price within quota.
    #[error(
        "multiplier {0} is below 1: 1.3 means ×1.3 and is a third dearer, 0.3 would be cheaper than within quota"
    )]
    TierBelowPrice(String),
    /// A tier with two prices or none.
    #[error("give either times or plus: 1.3 times the price, or 0.02 yuan more")]
    TierPrice,
    /// The last tier ends.
    #[error("the last tier holds for all use beyond: leave up_to_percent out")]
    LastTierBounded,
    /// A tier before the last one does not end.
    #[error("only the last tier has no end: give up_to_percent, in percent over quota")]
    TierUnbounded,
    /// A tier ends where the one before does, or earlier.
    #[error("the bound is not above that of the tier before: list tiers from the lowest up")]
    NotAscending,
    /// Tiers in a price that is rounded for a watering as a whole.
    #[error(
        "a price with whole = true has no tiers: each household's use over quota is its own, so leave one out"
    )]
    WholeWithTiers,
    /// An implausible percentage.
    #[error("{0} percent is above {MAX_PERCENT}: write percent over quota, 30 for up to 30 % over")]
    Percent(String),
    /// A limit below the quota itself.
    #[error(
        "{0} percent of the quota is below it: 120 is a fifth above quota, 20 would be a fifth of it"
    )]
    BelowQuota(String),
    /// An implausible loss.
    #[error("a loss of {0} percent is not below {MAX_LOSS_PERCENT}: 5 means 5 %")]
    Loss(String),
    /// An implausible quota.
    #[error("{0} m³ per mu is above {MAX_QUOTA_M3_PER_MU}: a quota is in m³ per mu and year")]
    Quota(String),
}
