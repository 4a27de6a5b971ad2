//! How payments look on a page.

use std::borrow::Borrow;

use service::board::{Fen, HouseholdPayments, HouseholdView, PaymentWay, capitals};

use crate::here::Here;

impl Here {
    /// How a payment was made.
    pub(crate) fn way(&self, way: impl Borrow<PaymentWay>) -> &'static str {
        match way.borrow() {
            PaymentWay::Cash => self.pay.way_cash,
            PaymentWay::Bank => self.pay.way_bank,
        }
    }

    /// An amount in the capitals of Chinese receipts, whatever the page's language.
    #[expect(clippy::unused_self, reason = "a template calls it on the page's `here`")]
    pub(crate) fn capitals(&self, amount: impl Borrow<Fen>) -> String {
        capitals(*amount.borrow())
    }

    /// The amount of a reversal: what was paid, taken back.
    pub(crate) fn taken_back(&self, amount: impl Borrow<Fen>) -> String {
        self.yuan(Fen::ZERO - *amount.borrow())
    }

    /// What the bills of the page's year came to, what of it is paid and what is owed.
    pub(crate) fn year_money(&self, view: &HouseholdView) -> String {
        let year = view.money.account.year(view.year);
        let parts = [
            year.year.to_string(),
            self.money(year.billed),
            self.money(year.paid),
            self.money(year.owed()),
        ];
        self.say(self.pay.year_words, parts)
    }

    /// What is owed over all years, or what was paid beyond all bills.
    pub(crate) fn all_money(&self, money: &HouseholdPayments) -> String {
        let credit = money.account.credit();
        if credit > Fen::ZERO {
            return self.say(self.pay.credit_words, [self.money(credit)]);
        }
        self.say(self.pay.all_words, [self.money(money.account.owed())])
    }
}
