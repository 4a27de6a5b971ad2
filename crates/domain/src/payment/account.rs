//! What a household owes: its bills by year, less what it paid.

use crate::Fen;

/// A household's bills and payments added up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Years with bills, the oldest first.
    pub years: Vec<YearAccount>,
    /// What its bills come to.
    pub billed: Fen,
    /// What it paid; reversed payments do not count.
    pub paid: Fen,
}

/// One year of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct YearAccount {
    /// The year.
    pub year: i32,
    /// What the year's bills come to; negative where corrections gave back more.
    pub billed: Fen,
    /// What of the payments, and of other years' credits, goes to it.
    pub paid: Fen,
}

impl YearAccount {
    /// What is left of the year's bills to pay; never negative.
    pub fn owed(&self) -> Fen {
        Fen((self.billed - self.paid).get().max(0))
    }
}

impl Account {
    /// Sets payments against the bills of each year, in any order of years: the oldest debt first, whatever day a payment
    /// was made on, as the Civil Code (民法典) has it where the debtor names no debt (article 560). A year whose bills come
    /// to less than nothing is a credit like a payment.
    pub fn of(billed_by_year: impl IntoIterator<Item = (i32, Fen)>, paid: Fen) -> Self {
        let mut billed_by_year: Vec<(i32, Fen)> = billed_by_year.into_iter().collect();
        billed_by_year.sort_unstable();
        let negative = billed_by_year.iter().filter(|(_, billed)| *billed < Fen::ZERO);
        let credit: Fen = negative.map(|(_, billed)| Fen::ZERO - *billed).sum();
        let mut left = paid + credit;
        let years = billed_by_year
            .iter()
            .map(|&(year, billed)| {
                let paid = if billed < Fen::ZERO { billed } else { billed.min(left) };
                if billed > Fen::ZERO {
                    left = left - paid;
                }
                YearAccount { year, billed, paid }
            })
            .collect();
        Self { years, billed: billed_by_year.iter().map(|(_, billed)| *billed).sum(), paid }
    }

    /// What is left to pay over all years; never negative.
    pub fn owed(&self) -> Fen {
        Fen((self.billed - self.paid).get().max(0))
    }

    /// What was paid beyond all bills; it goes to the next.
    pub fn credit(&self) -> Fen {
        Fen((self.paid - self.billed).get().max(0))
    }

    /// One year; nothing billed and nothing paid where it has no bill.
    pub fn year(&self, year: i32) -> YearAccount {
        let none = YearAccount { year, billed: Fen::ZERO, paid: Fen::ZERO };
        self.years.iter().find(|one| one.year == year).copied().unwrap_or(none)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(account: &Account) -> Vec<(i32, i64, i64, i64)> {
        let line =
            |one: &YearAccount| (one.year, one.billed.get(), one.paid.get(), one.owed().get());
        account.years.iter().map(line).collect()
    }

    #[test]
    fn the_oldest_debt_is_paid_first() {
        let account = Account::of([(2026, Fen(500)), (2025, Fen(300))], Fen(450));
        assert_eq!(told(&account), [(2025, 300, 300, 0), (2026, 500, 150, 350)]);
        assert_eq!((account.owed(), account.credit()), (Fen(350), Fen(0)));
        assert_eq!(account.year(2024).owed(), Fen::ZERO);
    }

    #[test]
    fn what_is_paid_beyond_the_bills_stays_a_credit() {
        let account = Account::of([(2026, Fen(500))], Fen(700));
        assert_eq!(told(&account), [(2026, 500, 500, 0)]);
        assert_eq!((account.owed(), account.credit()), (Fen(0), Fen(200)));
        assert_eq!(Account::of([], Fen(5)).credit(), Fen(5));
    }

    #[test]
    fn a_year_that_gives_back_pays_for_others() {
        let account = Account::of([(2025, Fen(-100)), (2026, Fen(500))], Fen(50));
        assert_eq!(told(&account), [(2025, -100, -100, 0), (2026, 500, 150, 350)]);
        assert_eq!(account.owed(), Fen(350));
    }

    proptest! {
        #[test]
        fn the_years_add_up_to_the_whole(
            billed in proptest::collection::btree_map(2000..2010_i32, -1_000..5_000_i64, 0..6),
            paid in 0..20_000_i64,
        ) {
            let account = Account::of(billed.into_iter().map(|(year, fen)| (year, Fen(fen))), Fen(paid));
            let owed: Fen = account.years.iter().map(YearAccount::owed).sum();
            prop_assert_eq!(owed, account.owed());
            prop_assert!(account.years.iter().all(|one| one.paid <= one.billed));
        }
    }
}
