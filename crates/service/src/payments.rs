//! Payments: looked at before anybody signs them, recorded, reversed.

use std::collections::{BTreeMap, BTreeSet};

use disclosure::statement::Enrolment;
use domain::payment::{Payment, PaymentError, ReceiptNo, is_reversal_reason};
use domain::{Fen, HouseholdNo, Timestamp, VillageId};
use serde::{Deserialize, Serialize};
use store::{
    NewPayment, NewPayments, PaymentRow, PaymentsOutcome, ReferenceStanding, Reversal,
    TakenReference,
};
use thiserror::Error;

use crate::request::MAX_PAYMENTS;
use crate::{Answer, MAX_CLOCK_AHEAD_MILLIS, Service, ServiceError};

/// What would come of recording a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum PaymentPreview {
    /// It can be recorded.
    New,
    /// The same payment is recorded.
    Known {
        /// Its receipt number.
        receipt: ReceiptNo,
    },
    /// It cannot be recorded.
    Refused {
        /// What is wrong and what to do.
        reason: String,
    },
}

/// Why payments are not recorded, or one is not reversed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PaymentProblem {
    /// None, or too many.
    #[error("a request records 1 to {MAX_PAYMENTS} payments, not {0}: split them")]
    Count(usize),
    /// One of them cannot be recorded, and so none is.
    #[error("payment {number} of the request, of household {household}: {why}")]
    Refused {
        /// Its place in the request, from 1.
        number: usize,
        /// Its household.
        household: HouseholdNo,
        /// What is wrong with it.
        why: WhyRefused,
    },
    /// No such payment.
    #[error("there is no payment with receipt number {0}")]
    UnknownReceipt(ReceiptNo),
    /// A payment that does not count any more.
    #[error(
        "the payment with receipt number {0} is reversed already, for another reason or by somebody else"
    )]
    Reversed(ReceiptNo),
    /// A reversal without a reason.
    #[error(
        "a reversal needs a reason of 1 to {} visible characters on one line",
        domain::payment::MAX_REVERSAL_REASON_CHARS
    )]
    Reason,
}

/// Why a payment cannot be recorded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WhyRefused {
    /// Its amount, reference or note.
    #[error(transparent)]
    Payment(#[from] PaymentError),
    /// A time that has not come.
    #[error("it was paid at {0}, which lies in the future: check the date")]
    Future(Timestamp),
    /// A household of which nobody has heard.
    #[error("no roster and no bill knows household {0}: check the number")]
    UnknownHousehold(HouseholdNo),
    /// A reference that stands before it in the same list.
    #[error("reference {0} stands twice: leave one out")]
    Twice(String),
    /// A reference that is another payment's.
    #[error(
        "reference {reference} is that of receipt {receipt}, {} yuan of household {household}: check both, or reverse that payment first",
        amount.yuan()
    )]
    Taken {
        /// The reference.
        reference: String,
        /// The other payment's receipt number.
        receipt: ReceiptNo,
        /// Its household.
        household: HouseholdNo,
        /// Its amount.
        amount: Fen,
    },
}

impl WhyRefused {
    fn taken(by: &PaymentRow) -> Self {
        Self::Taken {
            reference: by.reference.clone().unwrap_or_default(),
            receipt: by.receipt,
            household: by.household.clone(),
            amount: by.amount,
        }
    }
}

/// Villages of households; none of those that nobody knows.
type Villages = BTreeMap<HouseholdNo, Option<VillageId>>;

impl Service {
    /// Looks at payments that somebody is about to record; changes nothing.
    pub async fn preview_payments(
        &self,
        payments: &[Payment],
    ) -> Result<Vec<PaymentPreview>, ServiceError> {
        if payments.len() > MAX_PAYMENTS {
            let what = "the list of payments to look at";
            return Err(ServiceError::TooLarge { what, limit: MAX_PAYMENTS });
        }
        // The roster may have been posted through another server.
        self.catch_up().await?;
        let villages = self.villages_of(payments).await?;
        let mut references: Vec<&str> =
            payments.iter().filter_map(|one| one.reference.as_deref()).collect();
        references.sort_unstable();
        references.dedup();
        let recorded = self.store.payments_by_reference(&references).await?;
        let mut seen = BTreeSet::new();
        let judged = payments.iter().map(|payment| {
            if let Err(why) = self.admit_payment(payment, &villages, &mut seen) {
                return PaymentPreview::Refused { reason: why.to_string() };
            }
            let same =
                |row: &&PaymentRow| row.reference.is_some() && row.reference == payment.reference;
            let under_it: Vec<&PaymentRow> = recorded.iter().filter(same).collect();
            match ReferenceStanding::of(&payment.household, payment.amount_fen, &under_it) {
                ReferenceStanding::Free => PaymentPreview::New,
                ReferenceStanding::Known(receipt) => PaymentPreview::Known { receipt },
                ReferenceStanding::Taken(by) => {
                    PaymentPreview::Refused { reason: WhyRefused::taken(by).to_string() }
                }
            }
        });
        Ok(judged.collect())
    }

    /// Records all payments of a request or none.
    pub(crate) async fn record_payments(
        &self,
        payments: &[Payment],
        asker: &Enrolment,
        request: [u8; 32],
    ) -> Result<Answer, ServiceError> {
        if payments.is_empty() || payments.len() > MAX_PAYMENTS {
            return Err(PaymentProblem::Count(payments.len()).into());
        }
        let villages = self.villages_of(payments).await?;
        let mut seen = BTreeSet::new();
        let mut new = Vec::with_capacity(payments.len());
        for (place, payment) in payments.iter().enumerate() {
            let village = self
                .admit_payment(payment, &villages, &mut seen)
                .map_err(|why| refused(payments, place, why))?;
            new.push(NewPayment {
                household: payment.household.clone(),
                village,
                amount: payment.amount_fen,
                way: payment.way,
                paid_at: payment.paid_at,
                reference: payment.reference.clone(),
                note: payment.note.clone(),
            });
        }
        let (recorded_by, recorded_at) = (asker.person.clone(), self.now());
        let new = NewPayments { request, recorded_by, recorded_at, payments: new };
        match self.store.record_payments(&new).await? {
            PaymentsOutcome::Recorded(receipts) => Ok(Answer::Receipts { receipts }),
            PaymentsOutcome::Taken(taken) => {
                let first = taken.into_iter().next();
                let why =
                    |TakenReference { place, by }| refused(payments, place, WhyRefused::taken(&by));
                Err(first.map_or(PaymentProblem::Count(0), why).into())
            }
        }
    }

    /// Reverses a payment; the same reversal again changes nothing.
    pub(crate) async fn reverse_payment(
        &self,
        receipt: ReceiptNo,
        reason: &str,
        asker: &Enrolment,
    ) -> Result<Answer, ServiceError> {
        if !is_reversal_reason(reason) {
            return Err(PaymentProblem::Reason.into());
        }
        if self.store.payment(receipt).await?.is_none() {
            return Err(PaymentProblem::UnknownReceipt(receipt).into());
        }
        let (reason, by) = (reason.to_owned(), asker.person.clone());
        let reversal = Reversal { reason, by, at: self.now() };
        if self.store.reverse_payment(receipt, &reversal).await? {
            return Ok(Answer::Done);
        }
        let stored = self.store.payment(receipt).await?.and_then(|row| row.reversal);
        let same = |one: &Reversal| one.reason == reversal.reason && one.by == reversal.by;
        if stored.as_ref().is_some_and(same) {
            return Ok(Answer::Done);
        }
        Err(PaymentProblem::Reversed(receipt).into())
    }

    /// The village of a payment that can be recorded, as far as its reference alone cannot tell otherwise.
    fn admit_payment<'a>(
        &self,
        payment: &'a Payment,
        villages: &Villages,
        seen: &mut BTreeSet<&'a str>,
    ) -> Result<VillageId, WhyRefused> {
        payment.check()?;
        if payment.paid_at > self.now().plus_millis(MAX_CLOCK_AHEAD_MILLIS) {
            return Err(WhyRefused::Future(payment.paid_at));
        }
        if let Some(reference) = payment.reference.as_deref()
            && !seen.insert(reference)
        {
            return Err(WhyRefused::Twice(reference.to_owned()));
        }
        let village = villages.get(&payment.household).cloned().flatten();
        village.ok_or_else(|| WhyRefused::UnknownHousehold(payment.household.clone()))
    }

    /// Where each household belongs: by the roster in force, else by its last bill.
    async fn villages_of(&self, payments: &[Payment]) -> Result<Villages, ServiceError> {
        let mut villages: Villages = {
            let now = self.now();
            let record = self.record();
            let of = |household: &HouseholdNo| {
                record.household(household, now).map(|(id, _)| id.clone())
            };
            payments.iter().map(|one| (one.household.clone(), of(&one.household))).collect()
        };
        for (household, village) in &mut villages {
            if village.is_none() {
                *village = self.store.billed_village(household).await?;
            }
        }
        Ok(villages)
    }
}

fn refused(payments: &[Payment], place: usize, why: WhyRefused) -> PaymentProblem {
    match payments.get(place) {
        Some(payment) => {
            PaymentProblem::Refused { number: place + 1, household: payment.household.clone(), why }
        }
        None => PaymentProblem::Count(payments.len()),
    }
}

#[cfg(test)]
mod tests {
    use domain::payment::{
        MAX_PAYMENT_FEN, MAX_PAYMENT_NOTE_CHARS, MAX_REFERENCE_CHARS, PaymentWay,
    };

    use super::*;
    use crate::request::{Ask, MAX_REQUEST_BYTES, REQUEST_PAYLOAD_TYPE, Request};

    #[test]
    fn the_longest_payments_fit_a_request() {
        let payment = Payment {
            household: HouseholdNo::new("9".repeat(32)).unwrap(),
            amount_fen: Fen(MAX_PAYMENT_FEN),
            way: PaymentWay::Cash,
            paid_at: "2026-06-01T02:00:00.123Z".parse().unwrap(),
            reference: Some("9".repeat(MAX_REFERENCE_CHARS)),
            // Four bytes each.
            note: Some("𠀀".repeat(MAX_PAYMENT_NOTE_CHARS)),
        };
        assert_eq!(payment.check(), Ok(()));
        let request = Request {
            district: domain::DistrictId::new("d".repeat(32)).unwrap(),
            asked_at: payment.paid_at,
            ask: Ask::RecordPayments { payments: vec![payment; MAX_PAYMENTS] },
        };
        let payload = serde_json::to_vec(&request).unwrap();
        let mut envelope = disclosure::dsse::Envelope::unsigned(REQUEST_PAYLOAD_TYPE, payload);
        let key = disclosure::key::SigningKey::from_bytes(&[1; 32]);
        envelope.sign_with(&key).unwrap();
        assert!(envelope.to_json().len() <= MAX_REQUEST_BYTES, "{}", envelope.to_json().len());
    }
}
