//! What a round's settlements billed, by household and watering.

use std::collections::BTreeMap;

use domain::bill::{Bill, BillLine};
use domain::{Fen, HouseholdNo};
use store::MAX_BILLS_PER_READ;

use super::super::posting::{BillSum, bill_sum, read_bill};
use super::super::round::RunSummary;
use super::within_limit;
use crate::{Service, ServiceError};

/// The lines of the bills of a round's settlements.
#[derive(Debug, Default)]
pub(super) struct Charges {
    /// For water: by the posting index of the watering's first version.
    water: BTreeMap<(HouseholdNo, u64), Vec<BillLine>>,
    /// For the year.
    year: BTreeMap<HouseholdNo, Vec<BillLine>>,
}

/// What is left when every share has taken what is its own.
pub(super) struct Left {
    /// The year's, by household.
    pub year: BTreeMap<HouseholdNo, Vec<BillLine>>,
    /// For waterings that the household has no share of on this board.
    pub water: BTreeMap<(HouseholdNo, u64), Vec<BillLine>>,
}

impl Charges {
    /// Reads the bills of these settlements.
    pub(super) async fn of(service: &Service, runs: &[RunSummary]) -> Result<Self, ServiceError> {
        let mut charges = Self::default();
        let bills: u64 = runs.iter().map(|run| run.bills).sum();
        within_limit(usize::try_from(bills).unwrap_or(usize::MAX))?;
        for run in runs.iter().rev() {
            let mut after: Option<HouseholdNo> = None;
            loop {
                let store = service.store();
                let page =
                    store.bills_of_run(run.index, after.as_ref(), MAX_BILLS_PER_READ).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.household.clone());
                for row in &page {
                    charges.add(read_bill(row)?);
                }
            }
        }
        Ok(charges)
    }

    fn add(&mut self, bill: Bill) {
        for line in bill.lines {
            let household = bill.household.clone();
            let lines = match line.charge.watering() {
                Some(watering) => self.water.entry((household, watering)).or_default(),
                None => self.year.entry(household).or_default(),
            };
            lines.push(line);
        }
    }

    /// Takes what was billed to a household for a watering, and for the year if nobody took that yet.
    pub(super) fn take(&mut self, household: &HouseholdNo, watering: u64) -> Vec<BillLine> {
        let mut lines = self.year.remove(household).unwrap_or_default();
        lines.extend(self.water.remove(&(household.clone(), watering)).into_iter().flatten());
        lines
    }

    /// What nobody took.
    pub(super) fn left(self) -> Left {
        Left { year: self.year, water: self.water }
    }
}

/// What these lines come to; none without any.
pub(super) fn sum_of(household: &HouseholdNo, lines: Vec<BillLine>) -> Option<BillSum> {
    (!lines.is_empty()).then(|| bill_sum(&Bill::new(household.clone(), lines)))
}

/// Whether some of it was billed before, differently.
pub(super) fn adjusted(lines: &[BillLine]) -> bool {
    lines.iter().any(|line| line.billed_fen != Fen::ZERO || line.basis.is_none())
}

#[cfg(test)]
mod tests {
    use domain::ClassId;
    use domain::bill::Charge;

    use super::*;

    fn no(text: &str) -> HouseholdNo {
        HouseholdNo::new(text).unwrap()
    }

    fn line(charge: Charge, amount: i64, billed: i64) -> BillLine {
        BillLine { charge, basis: None, amount_fen: Fen(amount), billed_fen: Fen(billed) }
    }

    fn water(watering: u64, tier: u8) -> Charge {
        Charge::Metered { watering, class: ClassId::new("grain").unwrap(), tier }
    }

    fn basic() -> Charge {
        Charge::Basic { year: 2026, source: None, class: None }
    }

    /// Two runs of a round: the year's charge, water of the round, and a change to another round's.
    fn charges() -> (Charges, Fen) {
        let bills = [
            Bill::new(no("101"), vec![line(basic(), 400, 0), line(water(7, 0), 900, 0)]),
            Bill::new(no("102"), vec![line(basic(), 300, 0)]),
            Bill::new(no("101"), vec![line(water(7, 0), 950, 900), line(water(3, 1), 0, 120)]),
        ];
        let total = bills.iter().map(|bill| bill.total_fen).sum();
        let mut charges = Charges::default();
        for bill in bills {
            charges.add(bill);
        }
        (charges, total)
    }

    #[test]
    fn every_fen_stands_in_one_line() {
        let (mut charges, total) = charges();
        let mut lines = vec![charges.take(&no("101"), 7), charges.take(&no("101"), 8)];
        let due = |lines: &[BillLine]| -> Fen { lines.iter().map(BillLine::due).sum() };
        assert_eq!((due(&lines[0]), due(&lines[1])), (Fen(400 + 950), Fen::ZERO));
        let left = charges.left();
        assert_eq!(left.year.keys().collect::<Vec<_>>(), [&no("102")]);
        assert_eq!(left.water.keys().collect::<Vec<_>>(), [&(no("101"), 3)]);
        lines.extend(left.year.into_values().chain(left.water.into_values()));
        assert_eq!(lines.iter().map(|lines| due(lines)).sum::<Fen>(), total);
    }

    #[test]
    fn a_line_is_adjusted_where_something_was_billed_before() {
        let plain = BillLine { basis: None, ..line(water(7, 0), 5, 0) };
        assert!(adjusted(&[line(water(7, 0), 950, 900)]));
        assert!(adjusted(&[line(water(3, 1), 0, 120)]));
        assert!(adjusted(&[plain]), "nothing is charged for it any more");
        assert!(!adjusted(&[]));
        assert_eq!(sum_of(&no("101"), Vec::new()), None);
    }
}
