//! Payments go in: all of a request or none, each once.

use std::collections::{BTreeMap, BTreeSet};

use domain::payment::{PaymentWay, ReceiptNo};
use domain::{Fen, HouseholdNo, PersonId, Timestamp, VillageId};
use serde::Serialize;

use super::{MAX_PAYMENTS_PER_CALL, PaymentRow, Reversal, by_reference, receipt_of};
use crate::bulk::json_rows;
use crate::column::{bound, stored};
use crate::pool::{Tx, changed, within};
use crate::{Store, StoreError};

/// A payment about to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPayment {
    /// The household.
    pub household: HouseholdNo,
    /// Its village.
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
}

/// The payments of one signed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPayments {
    /// SHA-256 of what was signed.
    pub request: [u8; 32],
    /// Who signed it.
    pub recorded_by: PersonId,
    /// When it came in.
    pub recorded_at: Timestamp,
    /// The payments, at most [`MAX_PAYMENTS_PER_CALL`], no reference twice.
    pub payments: Vec<NewPayment>,
}

/// A payment and its receipt number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Receipted {
    /// The number.
    pub receipt: ReceiptNo,
    /// Whether another request recorded it.
    pub known: bool,
}

/// A reference that stands for another payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenReference {
    /// The place of the payment in the request, from 0.
    pub place: usize,
    /// The payment that has its reference.
    pub by: PaymentRow,
}

/// What came of recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentsOutcome {
    /// All are recorded, now or before, in the order of the request.
    Recorded(Vec<Receipted>),
    /// Nothing was recorded: these references stand for other payments.
    Taken(Vec<TakenReference>),
}

/// What a payment's reference is to payments that are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceStanding<'a> {
    /// No payment that counts has it.
    Free,
    /// The same payment has it: of this household and amount, reversed or not.
    Known(ReceiptNo),
    /// Another payment that counts has it.
    Taken(&'a PaymentRow),
}

impl<'a> ReferenceStanding<'a> {
    /// What it is to the payments that are recorded under it.
    pub fn of(household: &HouseholdNo, amount: Fen, recorded: &[&'a PaymentRow]) -> Self {
        let same = |row: &&&PaymentRow| row.household == *household && row.amount == amount;
        if let Some(row) = recorded.iter().find(same) {
            return Self::Known(row.receipt);
        }
        let counts = recorded.iter().find(|row| row.reversal.is_none());
        counts.map_or(Self::Free, |row| Self::Taken(row))
    }
}

impl Store {
    /// Records payments under the next receipt numbers. Those that this request recorded before keep their numbers, and so
    /// does a payment whose reference, household and amount are known, reversed or not; a reference that another payment
    /// which counts has is taken, and then nothing is recorded.
    pub async fn record_payments(&self, new: &NewPayments) -> Result<PaymentsOutcome, StoreError> {
        if new.payments.len() > MAX_PAYMENTS_PER_CALL {
            let (count, most) = (new.payments.len(), MAX_PAYMENTS_PER_CALL);
            return Err(StoreError::TooMany { what: "payments", count, most });
        }
        let mut tx = self.pool.write().await?;
        let last = hold_book(&mut tx, self.district).await?;
        let before = of_request(&mut tx, self.district, &new.request).await?;
        let (receipts, taken) = self.numbered(&mut tx, new, &before, last).await?;
        if !taken.is_empty() {
            tx.rollback().await?;
            return Ok(PaymentsOutcome::Taken(taken));
        }
        let rows: Vec<Row<'_>> = new
            .payments
            .iter()
            .zip(&receipts)
            .enumerate()
            .filter(|(_, (_, receipted))| !receipted.known && receipted.receipt.get() > last)
            .map(|(place, (payment, receipted))| Row::of(payment, receipted.receipt, place))
            .collect::<Result<_, _>>()?;
        if !rows.is_empty() {
            write(&mut tx, self.district, new, &rows).await?;
            let rows = u64::try_from(rows.len()).unwrap_or(u64::MAX);
            turn_page(&mut tx, self.district, last.saturating_add(rows)).await?;
        }
        tx.commit().await?;
        Ok(PaymentsOutcome::Recorded(receipts))
    }

    /// The receipt number of each payment, those after `last` for new ones; and what is taken.
    async fn numbered(
        &self,
        tx: &mut Tx,
        new: &NewPayments,
        before: &BTreeMap<usize, ReceiptNo>,
        last: u64,
    ) -> Result<(Vec<Receipted>, Vec<TakenReference>), StoreError> {
        let references: Vec<&str> =
            new.payments.iter().filter_map(|one| one.reference.as_deref()).collect();
        if references.iter().collect::<BTreeSet<_>>().len() < references.len() {
            let why = "a reference stands twice in one request";
            return Err(StoreError::conflict("payments", &references.len(), why));
        }
        let rows = by_reference(tx, self.district, &references).await?;
        let mut by_text: BTreeMap<&str, Vec<&PaymentRow>> = BTreeMap::new();
        for row in &rows {
            by_text.entry(row.reference.as_deref().unwrap_or_default()).or_default().push(row);
        }
        let (mut receipts, mut taken, mut next) = (Vec::new(), Vec::new(), last);
        for (place, payment) in new.payments.iter().enumerate() {
            if let Some(receipt) = before.get(&place) {
                receipts.push(Receipted { receipt: *receipt, known: false });
                continue;
            }
            let reference = payment.reference.as_deref();
            let known = reference.and_then(|text| by_text.get(text)).map_or(&[][..], Vec::as_slice);
            match ReferenceStanding::of(&payment.household, payment.amount, known) {
                ReferenceStanding::Known(receipt) => {
                    receipts.push(Receipted { receipt, known: true });
                }
                ReferenceStanding::Taken(by) => {
                    taken.push(TakenReference { place, by: by.clone() });
                }
                ReferenceStanding::Free => {
                    next = next.saturating_add(1);
                    let receipt = receipt_of(stored("receipt number", next)?)?;
                    receipts.push(Receipted { receipt, known: false });
                }
            }
        }
        Ok((receipts, taken))
    }
}

/// Holds the district's book until the transaction ends; the last receipt number.
pub(super) async fn hold_book(tx: &mut Tx, district: i64) -> Result<u64, StoreError> {
    let last: i64 = within!(tx, c => sqlx::query_scalar(
        "INSERT INTO payment_book (district, last_receipt) VALUES ($1, 0)
         ON CONFLICT (district) DO UPDATE SET last_receipt = payment_book.last_receipt
         RETURNING last_receipt",
    )
    .bind(district)
    .fetch_one(c))?;
    crate::column::number("payment_book", "last_receipt", last)
}

async fn turn_page(tx: &mut Tx, district: i64, last: u64) -> Result<(), StoreError> {
    changed!(
        tx,
        sqlx::query("UPDATE payment_book SET last_receipt = $2 WHERE district = $1")
            .bind(district)
            .bind(stored("receipt number", last)?)
    )?;
    Ok(())
}

/// What the same request recorded before, by place.
async fn of_request(
    tx: &mut Tx,
    district: i64,
    request: &[u8; 32],
) -> Result<BTreeMap<usize, ReceiptNo>, StoreError> {
    let rows: Vec<(i64, i64)> = within!(tx, c => sqlx::query_as(
        "SELECT place, receipt FROM payment WHERE district = $1 AND request = $2",
    )
    .bind(district)
    .bind(request.as_slice())
    .fetch_all(c))?;
    rows.into_iter()
        .map(|(place, receipt)| {
            Ok((crate::column::number("payment", "place", place)?, receipt_of(receipt)?))
        })
        .collect()
}

/// Enters a reversal; false when there is one.
pub(super) async fn reverse(
    tx: &mut Tx,
    district: i64,
    receipt: ReceiptNo,
    reversal: &Reversal,
) -> Result<bool, StoreError> {
    let done = changed!(
        tx,
        sqlx::query(
            "INSERT INTO payment_reversal (district, receipt, reason, reversed_by, reversed_at)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (district, receipt) DO NOTHING",
        )
        .bind(district)
        .bind(bound(receipt.get()))
        .bind(reversal.reason.as_str())
        .bind(reversal.by.as_str())
        .bind(reversal.at.millis())
    )?;
    Ok(done == 1)
}

/// Receipt, household, village, fen, way, paid at, year, reference, note, place.
#[derive(Debug, Serialize)]
struct Row<'a>(
    i64,
    &'a str,
    &'a str,
    i64,
    &'static str,
    i64,
    i64,
    Option<&'a str>,
    Option<&'a str>,
    i64,
);

impl<'a> Row<'a> {
    fn of(payment: &'a NewPayment, receipt: ReceiptNo, place: usize) -> Result<Self, StoreError> {
        Ok(Self(
            stored("receipt number", receipt.get())?,
            payment.household.as_str(),
            payment.village.as_str(),
            payment.amount.get(),
            payment.way.code(),
            payment.paid_at.millis(),
            i64::from(payment.paid_at.year()),
            payment.reference.as_deref(),
            payment.note.as_deref(),
            i64::try_from(place).unwrap_or(i64::MAX),
        ))
    }
}

async fn write(
    tx: &mut Tx,
    district: i64,
    new: &NewPayments,
    rows: &[Row<'_>],
) -> Result<(), StoreError> {
    match tx {
        Tx::Sqlite(tx) => {
            sqlx::query(
                "INSERT INTO payment (district, recorded_by, recorded_at, request, receipt, household, village,
                     amount_fen, way, paid_at, year, reference, note, place)
                 SELECT $1, $2, $3, $4, v.value ->> 0, v.value ->> 1, v.value ->> 2, v.value ->> 3, v.value ->> 4,
                     v.value ->> 5, v.value ->> 6, v.value ->> 7, v.value ->> 8, v.value ->> 9 FROM json_each($5) AS v",
            )
            .bind(district)
            .bind(new.recorded_by.as_str())
            .bind(new.recorded_at.millis())
            .bind(new.request.as_slice())
            .bind(json_rows(rows)?)
            .execute(&mut **tx)
            .await?;
        }
        Tx::Postgres(tx) => {
            sqlx::query(
                "INSERT INTO payment (district, recorded_by, recorded_at, request, receipt, household, village,
                     amount_fen, way, paid_at, year, reference, note, place)
                 SELECT $1, $2, $3, $4, v.* FROM UNNEST($5::BIGINT[], $6::TEXT[], $7::TEXT[], $8::BIGINT[],
                     $9::TEXT[], $10::BIGINT[], $11::BIGINT[], $12::TEXT[], $13::TEXT[], $14::BIGINT[]) AS v",
            )
            .bind(district)
            .bind(new.recorded_by.as_str())
            .bind(new.recorded_at.millis())
            .bind(new.request.as_slice())
            .bind(rows.iter().map(|row| row.0).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.1).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.2).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.3).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.4).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.5).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.6).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.7).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.8).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.9).collect::<Vec<_>>())
            .execute(&mut **tx)
            .await?;
        }
    }
    Ok(())
}
