//! Words for tariffs and for the lines of a bill.

use std::borrow::Borrow;

use service::board::{
    Basis, BillLine, Charge, ClassId, Decimal, Fen, Loss, Minimum, NOT_POSTED, On, Per, Quantity,
    Season, Source,
};

use crate::here::Here;
use crate::sum;

/// A line of a bill, as a reader follows it.
pub(crate) struct LineWords {
    /// What it charges for.
    pub what: String,
    /// The sums, one after the other; the last gives the amount.
    pub steps: Vec<String>,
    /// The rule.
    pub why: &'static str,
    /// The watering and the tariff that it rests on, by posting index.
    pub watering: Option<u64>,
    pub tariff: Option<u64>,
    /// What it adds to what is due.
    pub due: Fen,
    /// What was billed before, where that is something.
    pub billed: Option<Fen>,
}

/// The posting of a watering; none where it was only asked what it would cost.
fn posted(watering: u64) -> Option<u64> {
    Some(watering).filter(|index| *index != NOT_POSTED)
}

impl Here {
    /// What a price is for.
    pub(crate) fn per(&self, per: impl Borrow<Per>) -> &'static str {
        match per.borrow() {
            Per::CubicMetre => self.t.yuan_per_m3,
            Per::HundredCubicMetres => self.bill.yuan_per_100_m3,
            Per::MuYear => self.t.yuan_per_mu_year,
            Per::HouseholdYear => self.bill.yuan_per_household_year,
        }
    }

    /// For which source and class a rule holds.
    pub(crate) fn scope(
        &self,
        source: impl Borrow<Option<Source>>,
        class: impl Borrow<Option<ClassId>>,
    ) -> String {
        let parts = [
            source.borrow().map(|source| self.source(source).to_owned()),
            class.borrow().as_ref().map(ToString::to_string),
        ];
        let said: Vec<String> = parts.into_iter().flatten().collect();
        if said.is_empty() { self.bill.scope_all.to_owned() } else { said.join(" · ") }
    }

    /// When a rule holds.
    pub(crate) fn season(&self, season: impl Borrow<Option<Season>>) -> String {
        season.borrow().map_or_else(
            || self.bill.all_year.to_owned(),
            |season| format!("{} — {}", season.from, season.to),
        )
    }

    /// What conveyance loss does.
    pub(crate) fn loss(&self, loss: &Loss) -> String {
        match loss {
            Loss::DeductPercent(percent) => self.say(self.bill.loss_deduct, [percent.to_string()]),
            Loss::AddPercent(percent) => self.say(self.bill.loss_add, [percent.to_string()]),
            Loss::PricedIn => self.bill.loss_priced_in.to_owned(),
        }
    }

    /// The least for a year.
    pub(crate) fn minimum(&self, minimum: &Minimum) -> String {
        match minimum {
            Minimum::YuanPerHouseholdYear(price) => {
                format!("{price} {}", self.per(Per::HouseholdYear))
            }
            Minimum::YuanPerMuYear(price) => format!("{price} {}", self.per(Per::MuYear)),
        }
    }

    /// The use that a fee is charged on.
    pub(crate) fn charged_on(&self, on: &On) -> String {
        match on {
            On::All => self.bill.on_all.to_owned(),
            On::WithinQuota => self.bill.on_within.to_owned(),
            On::AboveQuota => self.bill.on_above.to_owned(),
            On::AbovePercentOfQuota(percent) => {
                self.say(self.bill.on_percent, [percent.to_string()])
            }
            On::AboveM3PerMu(limit) => self.say(self.bill.on_per_mu, [limit.to_string()]),
        }
    }

    /// Up to where a tier goes.
    pub(crate) fn tier_bound(&self, up_to_percent: impl Borrow<Option<Decimal>>) -> String {
        match up_to_percent.borrow() {
            Some(percent) => self.say(self.bill.tier_up_to, [percent.to_string()]),
            None => self.bill.tier_last.to_owned(),
        }
    }

    /// A line of a bill in words.
    pub(crate) fn line(&self, line: &BillLine) -> LineWords {
        let (what, why, watering) = self.charged_for(&line.charge);
        let steps = match &line.basis {
            Some(basis) => self.steps(basis, line.amount_fen),
            None => vec![self.say(self.bill.step_gone, [self.money(line.amount_fen)])],
        };
        LineWords {
            what,
            steps,
            why,
            watering,
            tariff: line.basis.as_ref().map(|basis| basis.tariff),
            due: line.due(),
            billed: Some(line.billed_fen).filter(|billed| *billed != Fen::ZERO),
        }
    }

    fn charged_for(&self, charge: &Charge) -> (String, &'static str, Option<u64>) {
        let bill = self.bill;
        match charge {
            Charge::Basic { year, source, class } => {
                let scope = self.scope(source, class);
                (self.say(bill.line_basic, [year.to_string(), scope]), bill.line_basic_rule, None)
            }
            Charge::YearlyFee { name, year, .. } => (
                self.say(bill.line_yearly, [name.clone(), year.to_string()]),
                bill.line_basic_rule,
                None,
            ),
            Charge::Metered { watering, class, tier } => {
                let why = if *tier == 0 { bill.line_metered_rule } else { bill.line_tier_rule };
                (self.metered(posted(*watering), class, *tier), why, posted(*watering))
            }
            Charge::Fee { name, watering, .. } => {
                (self.fee(name, posted(*watering)), bill.line_fee_rule, posted(*watering))
            }
            Charge::Subsidy { name, watering, .. } => {
                (self.fee(name, posted(*watering)), bill.line_subsidy_rule, posted(*watering))
            }
            Charge::Reward { name, year, source, class } => {
                let scope = self.scope(Some(*source), Some(class.clone()));
                (
                    self.say(bill.line_reward, [name.clone(), year.to_string(), scope]),
                    bill.line_reward_rule,
                    None,
                )
            }
            Charge::Minimum { year } => {
                (self.say(bill.line_minimum, [year.to_string()]), bill.line_minimum_rule, None)
            }
        }
    }

    fn metered(&self, watering: Option<u64>, class: &ClassId, tier: u8) -> String {
        let (class, tier_no) = (class.to_string(), tier.to_string());
        match (watering.map(|index| index.to_string()), tier) {
            (Some(index), 0) => self.say(self.bill.line_metered, [index, class]),
            (Some(index), _) => self.say(self.bill.line_tier, [index, class, tier_no]),
            (None, 0) => self.say(self.t.line_metered_tried, [class]),
            (None, _) => self.say(self.t.line_tier_tried, [class, tier_no]),
        }
    }

    fn fee(&self, name: &str, watering: Option<u64>) -> String {
        match watering {
            Some(index) => self.say(self.bill.line_fee, [name.to_owned(), index.to_string()]),
            None => name.to_owned(),
        }
    }

    fn steps(&self, basis: &Basis, amount: Fen) -> Vec<String> {
        let price = format!("{} {}", basis.price, self.per(basis.per));
        match &basis.quantity {
            Quantity::Area(area) => {
                let exact = sum::unrounded(area.get(), sum::MU_DECIMALS, basis, amount);
                vec![format!(
                    "{} {} × {price} = {exact}{}",
                    self.mu(*area),
                    self.t.mu,
                    self.money(amount)
                )]
            }
            Quantity::Water { litres, share, whole } => {
                let mut steps = Vec::new();
                if let Some(share) = share {
                    let parts = [self.exact(share.measured), self.exact(share.priced)];
                    steps.push(self.say(self.bill.step_loss, parts));
                }
                let product = |litres: service::board::Litres, fen: Fen| {
                    let exact = sum::unrounded(litres.get(), sum::CUBIC_METRE_DECIMALS, basis, fen);
                    let hundred = if basis.per == Per::HundredCubicMetres { " ÷ 100" } else { "" };
                    format!(
                        "{} {}{hundred} × {price} = {exact}{}",
                        self.exact(litres),
                        self.t.m3,
                        self.money(fen)
                    )
                };
                match whole {
                    None => steps.push(product(*litres, amount)),
                    Some(whole) => {
                        steps.push(format!(
                            "{}{}",
                            self.bill.line_whole,
                            product(whole.litres, whole.fen)
                        ));
                        steps.push(format!(
                            "{}{} ÷ {} × {} = {}{}{}",
                            self.bill.line_share,
                            self.exact(*litres),
                            self.exact(whole.litres),
                            self.yuan(whole.fen),
                            sum::share_unrounded(whole.fen, *litres, whole.litres),
                            self.bill.line_taken,
                            self.money(amount)
                        ));
                    }
                }
                steps
            }
            Quantity::ShortOf { area, charged_fen } => {
                let area = area.map(|area| format!("{} {} × ", self.mu(area), self.t.mu));
                let least = format!("{}{price}", area.unwrap_or_default());
                vec![self.say(
                    self.bill.step_short,
                    [least, self.money(*charged_fen), self.money(amount)],
                )]
            }
        }
    }
}
