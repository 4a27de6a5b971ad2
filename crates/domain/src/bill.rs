//! Bills (水费单): what a line charges for, the sum that it comes of, and what is due after earlier runs.
//!
//! A line is known by its [`Charge`]. The year's account ([`crate::account`]) gives every line of the year; a
//! settlement bills the difference to what earlier runs billed ([`settle`]), so that a correction becomes a line of
//! its own and nothing is rewritten.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::plot::Source;
use crate::tariff::{ExactPrice, Per};
use crate::{Area, ClassId, Fen, HouseholdNo, Litres};

/// A household's charges of one billing run (水费单).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bill {
    /// Whose bill it is.
    pub household: HouseholdNo,
    /// Every step of the sum.
    pub lines: Vec<BillLine>,
    /// What is due: the sum of the lines' amounts, less what was billed before.
    pub total_fen: Fen,
}

/// One line of a bill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BillLine {
    /// What it charges for: by this the same line is found again in a later run.
    pub charge: Charge,
    /// The sum that gives the amount; none when nothing is charged for this any more and the line takes back what was
    /// billed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<Basis>,
    /// What it comes to now; negative where money is given back.
    pub amount_fen: Fen,
    /// What earlier runs billed for the same charge.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub billed_fen: Fen,
}

/// The sum of a line: price × quantity, rounded half up to the fen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    /// The posting index of the tariff it is priced by.
    pub tariff: u64,
    /// The effective price in yuan, exact: the published one with its multipliers.
    pub price: ExactPrice,
    /// What the price is for.
    pub per: Per,
    /// How much of it.
    pub quantity: Quantity,
}

/// How much a line charges for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Quantity {
    /// Water used, or saved.
    Water {
        /// The litres that are priced.
        litres: Litres,
        /// The share that they are part of, where a loss lies between what was measured and what is priced.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        share: Option<LossyShare>,
        /// The watering, where its total is rounded once and apportioned by litres.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        whole: Option<Whole>,
    },
    /// Land, in hundredths of a mu.
    Area(Area),
    /// What a year's charges are short of a minimum for this much.
    ShortOf {
        /// The household's area, where the minimum is per mu.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        area: Option<Area>,
        /// The year's basic charges, metered charges and fees, less subsidies.
        charged_fen: Fen,
    },
}

/// A household's share of a watering before and after conveyance loss (输水损失).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossyShare {
    /// As measured and posted.
    pub measured: Litres,
    /// As priced.
    pub priced: Litres,
}

/// Everything in a watering that one price holds for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whole {
    /// Its litres, as priced.
    pub litres: Litres,
    /// Its price, rounded once.
    pub fen: Fen,
}

/// What a line charges for. Within a household no two lines of a year's account have the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Charge {
    /// A basic charge (基本水费).
    Basic {
        /// The year.
        year: i32,
        /// The source that the price is limited to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<Source>,
        /// The class that the price is limited to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        class: Option<ClassId>,
    },
    /// A fee that is owed once a year.
    YearlyFee {
        /// Its name.
        name: String,
        /// The year.
        year: i32,
        /// The source that the fee is limited to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<Source>,
        /// The class that the fee is limited to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        class: Option<ClassId>,
    },
    /// Water used (计量水费, 加价).
    Metered {
        /// The posting index of the watering's first version.
        watering: u64,
        /// The class of the land that it went to.
        class: ClassId,
        /// 0 within quota, then the tiers (阶梯) in their order.
        tier: u8,
    },
    /// A fee on water used.
    Fee {
        /// Its name.
        name: String,
        /// The posting index of the watering's first version.
        watering: u64,
        /// The class of the land that it went to.
        class: ClassId,
    },
    /// A subsidy (补贴) on water used within quota.
    Subsidy {
        /// Its name.
        name: String,
        /// The posting index of the watering's first version.
        watering: u64,
        /// The class of the land that it went to.
        class: ClassId,
    },
    /// A reward (节水奖励) for water saved in a year.
    Reward {
        /// Its name.
        name: String,
        /// The year.
        year: i32,
        /// The source.
        source: Source,
        /// The class.
        class: ClassId,
    },
    /// What was short of the least for a year.
    Minimum {
        /// The year.
        year: i32,
    },
}

impl Charge {
    /// The posting index of the first version of the watering that it charges for; none where it charges for a year.
    pub fn watering(&self) -> Option<u64> {
        match self {
            Self::Metered { watering, .. }
            | Self::Fee { watering, .. }
            | Self::Subsidy { watering, .. } => Some(*watering),
            Self::Basic { .. }
            | Self::YearlyFee { .. }
            | Self::Reward { .. }
            | Self::Minimum { .. } => None,
        }
    }
}

impl BillLine {
    /// What this line adds to what is due.
    pub fn due(&self) -> Fen {
        self.amount_fen - self.billed_fen
    }
}

impl Bill {
    /// A bill of these lines.
    pub fn new(household: HouseholdNo, lines: Vec<BillLine>) -> Self {
        let total_fen = lines.iter().map(BillLine::due).sum();
        Self { household, lines, total_fen }
    }
}

/// What has to be billed so that everything is billed as it stands `now`, after earlier runs `billed` so much for each
/// charge.
///
/// Lines stand in the order of `now`, each with what was billed before; a line whose amount is billed already is left
/// out. Charges that are gone follow, with nothing charged and what was billed. So the second of two runs over the same
/// record has no line.
///
/// A charge counts as billed once a run had a line for it, even one of 0 fen: keep `billed` as the latest
/// `amount_fen` of each charge.
pub fn settle(now: &[BillLine], billed: &BTreeMap<Charge, Fen>) -> Vec<BillLine> {
    let mut due: Vec<BillLine> = now
        .iter()
        .filter(|line| billed.get(&line.charge) != Some(&line.amount_fen))
        .map(|line| {
            let billed_fen = billed.get(&line.charge).copied().unwrap_or_default();
            BillLine { billed_fen, ..line.clone() }
        })
        .collect();
    let standing: BTreeSet<&Charge> = now.iter().map(|line| &line.charge).collect();
    let gone = billed
        .iter()
        .filter(|(charge, fen)| **fen != Fen::ZERO && !standing.contains(charge))
        .map(|(charge, &billed_fen)| BillLine {
            charge: charge.clone(),
            basis: None,
            amount_fen: Fen::ZERO,
            billed_fen,
        });
    due.extend(gone);
    due
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_nothing(fen: &Fen) -> bool {
    *fen == Fen::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class() -> ClassId {
        ClassId::new("grain").unwrap()
    }

    fn line(watering: u64, fen: i64) -> BillLine {
        let quantity = Quantity::Water { litres: Litres(fen * 100), share: None, whole: None };
        BillLine {
            charge: Charge::Metered { watering, class: class(), tier: 0 },
            basis: Some(Basis {
                tariff: 3,
                price: "0.10".parse().unwrap(),
                per: Per::CubicMetre,
                quantity,
            }),
            amount_fen: Fen(fen),
            billed_fen: Fen::ZERO,
        }
    }

    fn book(billed: &mut BTreeMap<Charge, Fen>, lines: &[BillLine]) {
        billed.extend(lines.iter().map(|line| (line.charge.clone(), line.amount_fen)));
    }

    #[test]
    fn the_first_run_bills_every_line() {
        let now = [line(1, 100), line(2, 0)];
        assert_eq!(settle(&now, &BTreeMap::new()), now);
    }

    #[test]
    fn a_second_run_bills_nothing() {
        let now = [line(1, 100), line(2, 0)];
        let mut billed = BTreeMap::new();
        let due = settle(&now, &billed);
        book(&mut billed, &due);
        assert_eq!(settle(&now, &billed), []);
    }

    #[test]
    fn a_correction_is_billed_as_a_difference() {
        let mut billed = BTreeMap::new();
        book(&mut billed, &[line(1, 100), line(2, 50), line(3, 0)]);
        let now = [line(2, 70), line(4, 5)];
        let due = settle(&now, &billed);
        assert_eq!(due.len(), 3);
        assert_eq!(due[0], BillLine { billed_fen: Fen(50), ..line(2, 70) });
        assert_eq!(due[1], line(4, 5));
        let back =
            BillLine { basis: None, amount_fen: Fen::ZERO, billed_fen: Fen(100), ..line(1, 100) };
        assert_eq!(due[2], back);
        let bill = Bill::new(HouseholdNo::new("101").unwrap(), due.clone());
        assert_eq!(bill.total_fen, Fen(20 + 5 - 100));
        book(&mut billed, &due);
        assert_eq!(settle(&now, &billed), []);
    }

    #[test]
    fn a_bill_reads_back_from_its_json() {
        let charges = [
            Charge::Basic { year: 2024, source: None, class: Some(class()) },
            Charge::YearlyFee {
                name: "管护费".into(),
                year: 2024,
                source: Some(Source::Ground),
                class: None,
            },
            Charge::Metered { watering: 7, class: class(), tier: 2 },
            Charge::Fee { name: "末级渠系".into(), watering: 7, class: class() },
            Charge::Subsidy { name: "补贴".into(), watering: 7, class: class() },
            Charge::Reward {
                name: "节水".into(),
                year: 2024,
                source: Source::Surface,
                class: class(),
            },
            Charge::Minimum { year: 2024 },
        ];
        let lossy = LossyShare { measured: Litres(100), priced: Litres(95) };
        let whole = Whole { litres: Litres(1000), fen: Fen(15) };
        let quantities = [
            Quantity::Water { litres: Litres(95), share: Some(lossy), whole: Some(whole) },
            Quantity::Area(Area(840)),
            Quantity::ShortOf { area: None, charged_fen: Fen(9) },
            Quantity::ShortOf { area: Some(Area(840)), charged_fen: Fen(9) },
        ];
        let lines = charges.into_iter().zip(quantities.into_iter().cycle());
        let lines = lines.map(|(charge, quantity)| BillLine {
            basis: line(1, 1).basis.map(|basis| Basis { quantity, ..basis }),
            charge,
            billed_fen: Fen(3),
            ..line(1, -4)
        });
        let mut lines: Vec<BillLine> = lines.collect();
        lines.push(BillLine { basis: None, ..line(1, 0) });
        let bill = Bill::new(HouseholdNo::new("101").unwrap(), lines);
        let json = serde_json::to_string(&bill).unwrap();
        assert_eq!(serde_json::from_str::<Bill>(&json).unwrap(), bill);
    }

    #[test]
    fn a_line_has_one_form_in_json() {
        assert_eq!(
            serde_json::to_string(&line(7, 12)).unwrap(),
            r#"{"charge":{"metered":{"watering":7,"class":"grain","tier":0}},"basis":{"tariff":3,"price":"0.10","per":"m3","quantity":{"water":{"litres":1200}}},"amount_fen":12}"#
        );
    }

    #[test]
    fn rejects_unknown_fields_of_a_line() {
        for json in [
            r#"{"charge":{"minimum":{"year":2024}},"amount_fen":1,"note":1}"#,
            r#"{"charge":{"minimum":{"year":2024,"month":1}},"amount_fen":1}"#,
            r#"{"charge":{"maximum":{"year":2024}},"amount_fen":1}"#,
        ] {
            assert!(serde_json::from_str::<BillLine>(json).is_err(), "{json}");
        }
    }
}
