//! What a tariff says, field by field, as a clerk writes it and a statement carries it.

use serde::{Deserialize, Serialize};

use super::price::{Decimal, Per, Price};
use super::season::Season;
use crate::plot::{Crop, Source};
use crate::{ClassId, TariffId, Timestamp};

/// A tariff's rules, not checked yet: [`super::Tariff::new`] does that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Its code.
    pub id: TariffId,
    /// From when it holds, until a later one does.
    pub valid_from: Timestamp,
    /// What happens between the measuring place and the field (输水损失); nothing is said without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<Loss>,
    /// The least that a household pays for a year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Minimum>,
    /// Classes of crops.
    pub classes: Vec<Class>,
    /// Basic charges (基本水价).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub basic: Vec<Basic>,
    /// Metered prices (计量水价).
    pub metered: Vec<Metered>,
    /// Fees beside the price (末级渠系水费, 水资源税).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fees: Vec<Fee>,
    /// Subsidies (补贴) on use within quota.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subsidies: Vec<Subsidy>,
    /// Rewards (节水奖励) for what stayed below quota.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rewards: Vec<Reward>,
}

impl Terms {
    /// A two-part price (两部制水价) for one class of all crops: so many yuan per m³, a watering's total rounded once, and so many per
    /// mu and year.
    pub fn two_part(
        id: TariffId,
        valid_from: Timestamp,
        class: ClassId,
        metered: Price,
        basic: Price,
    ) -> Self {
        let class =
            Class { class, crops: Vec::new(), other: true, quota_m3_per_mu: Quota::default() };
        let metered = Metered {
            source: None,
            class: None,
            season: None,
            price: metered,
            per: Per::CubicMetre,
            times: None,
            whole: true,
            tiers: Vec::new(),
        };
        Self {
            id,
            valid_from,
            loss: None,
            minimum: None,
            classes: vec![class],
            basic: vec![Basic { source: None, class: None, price: basic }],
            metered: vec![metered],
            fees: Vec::new(),
            subsidies: Vec::new(),
            rewards: Vec::new(),
        }
    }
}

/// Crops that have one quota and one price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Its code, by which rules name it.
    pub class: ClassId,
    /// Its crops.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crops: Vec<Crop>,
    /// Whether it has every crop that no class lists.
    #[serde(default, skip_serializing_if = "is_false")]
    pub other: bool,
    /// Its quota (定额) for each source, in m³ per mu and year.
    #[serde(default, skip_serializing_if = "Quota::is_empty")]
    pub quota_m3_per_mu: Quota,
}

/// A class's quota, in m³ per mu and year.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// For surface water.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surface: Option<Decimal>,
    /// For groundwater.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ground: Option<Decimal>,
}

impl Quota {
    /// The quota for a source.
    pub const fn of(self, source: Source) -> Option<Decimal> {
        match source {
            Source::Surface => self.surface,
            Source::Ground => self.ground,
        }
    }

    const fn is_empty(&self) -> bool {
        self.surface.is_none() && self.ground.is_none()
    }
}

/// Conveyance loss (输水损失): a share's litres become the litres that are priced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Loss {
    /// So many percent of the measured litres are not priced.
    #[serde(rename = "deduct_percent")]
    DeductPercent(Decimal),
    /// So many percent of the measured litres are priced beside them.
    #[serde(rename = "add_percent")]
    AddPercent(Decimal),
    /// The price has it in it: the measured litres are priced.
    #[serde(rename = "priced-in")]
    PricedIn,
}

/// The least that a household pays for a year: basic, metered and fees, less subsidies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Minimum {
    /// In yuan for each household.
    #[serde(rename = "yuan_per_household_year")]
    YuanPerHouseholdYear(Price),
    /// In yuan for each mu.
    #[serde(rename = "yuan_per_mu_year")]
    YuanPerMuYear(Price),
}

/// A basic charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// For plots with this source; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// For plots of this class; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ClassId>,
    /// Yuan per mu and year.
    pub price: Price,
}

/// A metered price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metered {
    /// For water from this source; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// For this class; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ClassId>,
    /// For waterings that begin in this season; the whole year without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub season: Option<Season>,
    /// Yuan per `per`.
    pub price: Price,
    /// What the price is for.
    #[serde(default, skip_serializing_if = "is_cubic_metre")]
    pub per: Per,
    /// What a crop's price is multiplied by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<Decimal>,
    /// Whether a watering's total is rounded once and apportioned over its shares.
    #[serde(default, skip_serializing_if = "is_false")]
    pub whole: bool,
    /// Prices above quota (阶梯), ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
}

/// A slice of use over quota (超定额).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Up to so many percent over quota, inclusive; the last tier has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to_percent: Option<Decimal>,
    /// The price within quota so many times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<Decimal>,
    /// The price within quota and so many yuan more, for the same unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plus: Option<Price>,
}

/// A fee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fee {
    /// Its name on the bill.
    pub name: String,
    /// For this source; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// For this class; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ClassId>,
    /// For waterings that begin in this season; the whole year without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub season: Option<Season>,
    /// Yuan per `per`.
    pub price: Price,
    /// What the price is for.
    pub per: Per,
    /// The use that it is charged on.
    #[serde(default, skip_serializing_if = "is_all")]
    pub on: On,
}

/// The use that a fee is charged on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum On {
    /// All of it.
    #[default]
    #[serde(rename = "all")]
    All,
    /// What is within quota.
    #[serde(rename = "within-quota")]
    WithinQuota,
    /// What is above quota.
    #[serde(rename = "above-quota")]
    AboveQuota,
    /// What is above so many percent of the quota (120 is a fifth above it).
    #[serde(rename = "above_percent_of_quota")]
    AbovePercentOfQuota(Decimal),
    /// What is above so many m³ for each mu of the household's plots with that source.
    #[serde(rename = "above_m3_per_mu")]
    AboveM3PerMu(Decimal),
}

/// A subsidy on use within quota.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subsidy {
    /// Its name on the bill.
    pub name: String,
    /// For this source; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// For this class; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ClassId>,
    /// Yuan per `per`, given back.
    pub price: Price,
    /// What the price is for.
    pub per: Per,
}

/// A reward for m³ saved below quota.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reward {
    /// Its name on the bill.
    pub name: String,
    /// For this source; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// For this class; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ClassId>,
    /// Yuan per m³ saved.
    pub price: Price,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_cubic_metre(per: &Per) -> bool {
    *per == Per::CubicMetre
}

fn is_all(on: &On) -> bool {
    *on == On::All
}
