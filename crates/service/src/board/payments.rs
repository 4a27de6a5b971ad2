//! What was paid and what is owed: a household's payments, one payment's receipt, a village's reminders list (催缴名单).
//!
//! References and notes stay with the station: a bank's may name a person.

use domain::payment::{Account, PaymentWay, ReceiptNo};
use domain::{Fen, HouseholdNo, PersonId, Timestamp, VillageId};
use store::{OwedAfter, OwedRow, OwedSum, PaymentRow, Reversal, VillageYear};

use super::places::{Named, named_village};
use crate::{Service, ServiceError};

/// Payments of one page.
pub const MAX_PAYMENTS_PER_PAGE: u32 = 50;
/// Households of one page of what is owed.
pub const MAX_OWED_PER_PAGE: u32 = 200;

/// A household's money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HouseholdPayments {
    /// What was billed, paid and is owed, by year.
    pub account: Account,
    /// Its payments, reversed ones included, the newest first.
    pub payments: Vec<PaymentLine>,
    /// The receipt before which more payments are.
    pub older: Option<ReceiptNo>,
}

/// A payment as everybody sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentLine {
    /// Its receipt number.
    pub receipt: ReceiptNo,
    /// How much.
    pub amount: Fen,
    /// How.
    pub way: PaymentWay,
    /// When it was paid.
    pub paid_at: Timestamp,
    /// Who recorded it.
    pub recorded_by: PersonId,
    /// When.
    pub recorded_at: Timestamp,
    /// That it does not count, and why.
    pub reversal: Option<Reversal>,
}

/// A payment's receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentView {
    /// The household.
    pub household: HouseholdNo,
    /// The household's village when it paid.
    pub village: Named<VillageId>,
    /// The payment.
    pub payment: PaymentLine,
}

/// What a village owes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwedView {
    /// The village.
    pub village: Named<VillageId>,
    /// How much, and how many households.
    pub sum: OwedSum,
    /// Households that owe something.
    pub rows: Vec<OwedRow>,
    /// Where the next page begins.
    pub next: Option<OwedAfter>,
    /// What was billed and received, the newest year first.
    pub years: Vec<VillageYear>,
}

/// A household's payments before a receipt, the newest when none is given; none for a household that stands in no roster,
/// no bill and no payment.
pub async fn household_payments(
    service: &Service,
    household: &HouseholdNo,
    before: Option<ReceiptNo>,
) -> Result<Option<HouseholdPayments>, ServiceError> {
    let money = payments_of(service, household, before).await?;
    let known = service.record().household(household, service.now()).is_some()
        || !money.account.years.is_empty()
        || !money.payments.is_empty();
    Ok(known.then_some(money))
}

/// The same of any household.
pub(super) async fn payments_of(
    service: &Service,
    household: &HouseholdNo,
    before: Option<ReceiptNo>,
) -> Result<HouseholdPayments, ServiceError> {
    let sums = service.store().household_sums(household).await?;
    let rows = service.store().payments(household, before, MAX_PAYMENTS_PER_PAGE + 1).await?;
    let mut payments: Vec<PaymentLine> = rows.into_iter().map(Into::into).collect();
    let more = payments.len() > MAX_PAYMENTS_PER_PAGE as usize;
    payments.truncate(MAX_PAYMENTS_PER_PAGE as usize);
    let older = payments.last().filter(|_| more).map(|last| last.receipt);
    Ok(HouseholdPayments { account: Account::of(sums.billed, sums.paid), payments, older })
}

/// A payment's receipt; none for a number that was not given out.
pub async fn payment(
    service: &Service,
    receipt: ReceiptNo,
) -> Result<Option<PaymentView>, ServiceError> {
    let Some(row) = service.store().payment(receipt).await? else { return Ok(None) };
    let village = named_village(&service.record(), &row.village);
    Ok(Some(PaymentView { household: row.household.clone(), village, payment: row.into() }))
}

/// Households of a village that owe something; none when the registry does not know the village.
pub async fn owed(
    service: &Service,
    village: &VillageId,
    after: &OwedAfter,
) -> Result<Option<OwedView>, ServiceError> {
    let Some(named) = known_village(service, village) else { return Ok(None) };
    let mut rows = service.store().owed(village, after, MAX_OWED_PER_PAGE + 1).await?;
    let more = rows.len() > MAX_OWED_PER_PAGE as usize;
    rows.truncate(MAX_OWED_PER_PAGE as usize);
    let next = rows.last().filter(|_| more).map(|last| match after {
        OwedAfter::Number(_) => OwedAfter::Number(Some(last.household.clone())),
        OwedAfter::Balance(_) => OwedAfter::Balance(Some((last.owed(), last.household.clone()))),
    });
    let sum = service.store().owed_sum(village).await?;
    let years = service.store().village_years(village).await?;
    Ok(Some(OwedView { village: named, sum, rows, next, years }))
}

fn known_village(service: &Service, village: &VillageId) -> Option<Named<VillageId>> {
    let record = service.record();
    let known = record.villages().contains_key(village);
    known.then(|| named_village(&record, village))
}

impl From<PaymentRow> for PaymentLine {
    fn from(row: PaymentRow) -> Self {
        Self {
            receipt: row.receipt,
            amount: row.amount,
            way: row.way,
            paid_at: row.paid_at,
            recorded_by: row.recorded_by,
            recorded_at: row.recorded_at,
            reversal: row.reversal,
        }
    }
}
