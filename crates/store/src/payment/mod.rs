//! Payments and their reversals: added, never changed.
//!
//! Whoever records or reverses holds the district's row of `payment_book`, so that receipt numbers have no gap and a reference
//! is judged by one server at a time.

mod owed;
mod recording;

use domain::payment::{PaymentWay, ReceiptNo};
use domain::{Fen, HouseholdNo, PersonId, Timestamp, VillageId};

use crate::column::{bound, instant, instant_option, limit, number, parsed, parsed_option};
use crate::pool::{Tx, on, within};
use crate::{Store, StoreError};

pub use owed::{HouseholdSums, MAX_OWED_PER_READ, OwedAfter, OwedRow, OwedSum, VillageYear};
pub use recording::{
    NewPayment, NewPayments, PaymentsOutcome, Receipted, ReferenceStanding, TakenReference,
};

/// Payments of one read.
pub const MAX_PAYMENTS_PER_READ: u32 = 1000;
/// Payments recorded, or references looked for, in one call.
pub const MAX_PAYMENTS_PER_CALL: usize = 1000;

/// A payment as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentRow {
    /// Its receipt number.
    pub receipt: ReceiptNo,
    /// The household.
    pub household: HouseholdNo,
    /// The household's village when it paid.
    pub village: VillageId,
    /// How much.
    pub amount: Fen,
    /// How.
    pub way: PaymentWay,
    /// When it was paid.
    pub paid_at: Timestamp,
    /// The bank's transaction number.
    pub reference: Option<String>,
    /// What the station noted.
    pub note: Option<String>,
    /// Who recorded it.
    pub recorded_by: PersonId,
    /// When.
    pub recorded_at: Timestamp,
    /// That it does not count, and why.
    pub reversal: Option<Reversal>,
}

/// That a payment does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reversal {
    /// Why.
    pub reason: String,
    /// Who reversed it.
    pub by: PersonId,
    /// When.
    pub at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct Fields {
    receipt: i64,
    household: String,
    village: String,
    amount_fen: i64,
    way: String,
    paid_at: i64,
    reference: Option<String>,
    note: Option<String>,
    recorded_by: String,
    recorded_at: i64,
    reason: Option<String>,
    reversed_by: Option<String>,
    reversed_at: Option<i64>,
}

/// The columns of [`Fields`], and what follows the joined tables.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT p.receipt, p.household, p.village, p.amount_fen, p.way, p.paid_at, p.reference, p.note,
                 p.recorded_by, p.recorded_at, r.reason, r.reversed_by, r.reversed_at
             FROM payment AS p LEFT JOIN payment_reversal AS r ON r.district = p.district AND r.receipt = p.receipt ",
            $rest
        )
    };
}

impl Store {
    /// One payment.
    pub async fn payment(&self, receipt: ReceiptNo) -> Result<Option<PaymentRow>, StoreError> {
        let found: Option<Fields> = on!(self.pool, p => sqlx::query_as(select!("WHERE p.district = $1 AND p.receipt = $2"))
                .bind(self.district)
                .bind(bound(receipt.get()))
                .fetch_optional(p))?;
        found.map(row).transpose()
    }

    /// A household's payments, reversed ones included, the newest first; `before` is the last receipt of the page before.
    pub async fn payments(
        &self,
        household: &HouseholdNo,
        before: Option<ReceiptNo>,
        rows: u32,
    ) -> Result<Vec<PaymentRow>, StoreError> {
        let found: Vec<Fields> = on!(self.pool, p => sqlx::query_as(select!(
            "WHERE p.district = $1 AND p.household = $2 AND p.receipt < $3 ORDER BY p.receipt DESC LIMIT $4"
        ))
        .bind(self.district)
        .bind(household.as_str())
        .bind(before.map_or(i64::MAX, |receipt| bound(receipt.get())))
        .bind(limit(rows, MAX_PAYMENTS_PER_READ))
        .fetch_all(p))?;
        found.into_iter().map(row).collect()
    }

    /// Payments under any of these references, reversed ones included, by receipt number.
    pub async fn payments_by_reference(
        &self,
        references: &[&str],
    ) -> Result<Vec<PaymentRow>, StoreError> {
        if references.len() > MAX_PAYMENTS_PER_CALL {
            let (count, most) = (references.len(), MAX_PAYMENTS_PER_CALL);
            return Err(StoreError::TooMany { what: "references", count, most });
        }
        let mut tx = self.pool.read().await?;
        let found = by_reference(&mut tx, self.district, references).await?;
        tx.rollback().await?;
        Ok(found)
    }

    /// Reverses a payment; false when it was reversed before. A conflict when there is no such payment.
    pub async fn reverse_payment(
        &self,
        receipt: ReceiptNo,
        reversal: &Reversal,
    ) -> Result<bool, StoreError> {
        let mut tx = self.pool.write().await?;
        recording::hold_book(&mut tx, self.district).await?;
        let known: Option<i64> = within!(&mut tx, c => sqlx::query_scalar(
            "SELECT receipt FROM payment WHERE district = $1 AND receipt = $2",
        )
        .bind(self.district)
        .bind(bound(receipt.get()))
        .fetch_optional(c))?;
        if known.is_none() {
            return Err(StoreError::conflict(
                "reversal of payment",
                &receipt,
                "there is no such payment",
            ));
        }
        let done = recording::reverse(&mut tx, self.district, receipt, reversal).await?;
        tx.commit().await?;
        Ok(done)
    }
}

async fn by_reference(
    tx: &mut Tx,
    district: i64,
    references: &[&str],
) -> Result<Vec<PaymentRow>, StoreError> {
    let found: Vec<Fields> = match tx {
        Tx::Sqlite(tx) => {
            sqlx::query_as(select!(
                "WHERE p.district = $1 AND p.reference IN (SELECT value FROM json_each($2)) ORDER BY p.receipt"
            ))
            .bind(district)
            .bind(crate::bulk::json_rows(references)?)
            .fetch_all(&mut **tx)
            .await?
        }
        Tx::Postgres(tx) => {
            sqlx::query_as(select!(
                "WHERE p.district = $1 AND p.reference = ANY($2::TEXT[]) ORDER BY p.receipt"
            ))
            .bind(district)
            .bind(references)
            .fetch_all(&mut **tx)
            .await?
        }
    };
    found.into_iter().map(row).collect()
}

fn receipt_of(value: i64) -> Result<ReceiptNo, StoreError> {
    let receipt = number("payment", "receipt", value).ok().and_then(ReceiptNo::new);
    receipt.ok_or_else(|| StoreError::corrupt("payment", "receipt", &value.to_string()))
}

fn row(fields: Fields) -> Result<PaymentRow, StoreError> {
    let by = parsed_option("payment_reversal", "reversed_by", fields.reversed_by.as_deref())?;
    let at = instant_option("payment_reversal", "reversed_at", fields.reversed_at)?;
    let reversal = match (fields.reason, by, at) {
        (Some(reason), Some(by), Some(at)) => Some(Reversal { reason, by, at }),
        _ => None,
    };
    Ok(PaymentRow {
        receipt: receipt_of(fields.receipt)?,
        household: parsed("payment", "household", &fields.household)?,
        village: parsed("payment", "village", &fields.village)?,
        amount: Fen(fields.amount_fen),
        way: PaymentWay::from_code(&fields.way)
            .ok_or_else(|| StoreError::corrupt("payment", "way", &fields.way))?,
        paid_at: instant("payment", "paid_at", fields.paid_at)?,
        reference: fields.reference,
        note: fields.note,
        recorded_by: parsed("payment", "recorded_by", &fields.recorded_by)?,
        recorded_at: instant("payment", "recorded_at", fields.recorded_at)?,
        reversal,
    })
}
