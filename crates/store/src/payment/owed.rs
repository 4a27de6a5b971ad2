//! What is owed: bills less payments that count.
//!
//! Sums are made when they are asked for: a village has some hundred households with a few bills a year each, and a sum that
//! is not kept cannot go wrong.

use domain::{Fen, HouseholdNo, Timestamp, VillageId};

use crate::column::{instant, limit, number, parsed};
use crate::pool::on;
use crate::{Store, StoreError};

/// Households that owe something, in one read.
pub const MAX_OWED_PER_READ: u32 = 1000;
/// Years of one read.
const MAX_YEARS_PER_READ: i64 = 200;

/// A household's bills by year, and what it paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HouseholdSums {
    /// Years with a bill and what their bills come to, the oldest first.
    pub billed: Vec<(i32, Fen)>,
    /// What it paid, without what was reversed.
    pub paid: Fen,
}

/// A household that owes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwedRow {
    /// The household.
    pub household: HouseholdNo,
    /// What its bills come to.
    pub billed: Fen,
    /// What it paid.
    pub paid: Fen,
    /// When the bill was posted with which its bills first came to more than it has paid.
    pub since: Timestamp,
}

impl OwedRow {
    /// What it owes.
    pub fn owed(&self) -> Fen {
        self.billed - self.paid
    }
}

/// Where a page of what is owed begins: by which order, and after which household.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwedAfter {
    /// By household number; after this one.
    Number(Option<HouseholdNo>),
    /// The largest debt first, then by number; after the household with this debt.
    Balance(Option<(Fen, HouseholdNo)>),
}

/// What a village owes together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OwedSum {
    /// How many households owe something.
    pub households: u64,
    /// What they owe.
    pub owed: Fen,
}

/// A village's money of one year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VillageYear {
    /// The year.
    pub year: i32,
    /// What the year's bills come to.
    pub billed: Fen,
    /// What was paid in the year, for whatever year's bills, without what was reversed.
    pub received: Fen,
}

/// What households owe whose last bill is of village `$2`: household, billed, paid, and the index of the bill since which.
macro_rules! owed {
    ($rest:literal) => {
        concat!(
            "WITH here AS (
                 SELECT b.household, MAX(b.run_idx) AS last_idx
                 FROM bill_run AS r JOIN bill AS b ON b.district = r.district AND b.run_idx = r.run_idx
                 WHERE r.district = $1 AND r.village = $2 GROUP BY b.household),
             line AS (
                 SELECT b.household, b.run_idx, h.last_idx,
                     MAX(b.run_idx) OVER (PARTITION BY b.household) AS newest_idx,
                     SUM(b.total_fen) OVER (PARTITION BY b.household) AS billed,
                     SUM(b.total_fen) OVER (PARTITION BY b.household ORDER BY b.run_idx) AS so_far
                 FROM here AS h JOIN bill AS b ON b.district = $1 AND b.household = h.household),
             paid AS (
                 SELECT p.household, SUM(p.amount_fen) AS paid
                 FROM here AS h JOIN payment AS p ON p.district = $1 AND p.household = h.household
                 WHERE NOT EXISTS (SELECT 1 FROM payment_reversal AS v WHERE v.district = $1 AND v.receipt = p.receipt)
                 GROUP BY p.household),
             owed AS (
                 SELECT l.household, CAST(l.billed AS BIGINT) AS billed, CAST(COALESCE(p.paid, 0) AS BIGINT) AS paid,
                     CAST(l.billed - COALESCE(p.paid, 0) AS BIGINT) AS owed,
                     MIN(CASE WHEN l.so_far > COALESCE(p.paid, 0) THEN l.run_idx END) AS since_idx
                 FROM line AS l LEFT JOIN paid AS p ON p.household = l.household
                 WHERE l.newest_idx = l.last_idx AND l.billed > COALESCE(p.paid, 0)
                 GROUP BY l.household, l.billed, p.paid) ",
            $rest
        )
    };
}

type OwedFields = (String, i64, i64, i64);

impl Store {
    /// A household's bills by year and what it paid.
    pub async fn household_sums(
        &self,
        household: &HouseholdNo,
    ) -> Result<HouseholdSums, StoreError> {
        let billed: Vec<(i64, i64)> = on!(self.pool, p => sqlx::query_as(
            "SELECT year, CAST(SUM(total_fen) AS BIGINT) FROM bill
             WHERE district = $1 AND household = $2 GROUP BY year ORDER BY year LIMIT $3",
        )
        .bind(self.district)
        .bind(household.as_str())
        .bind(MAX_YEARS_PER_READ)
        .fetch_all(p))?;
        let paid: i64 = on!(self.pool, p => sqlx::query_scalar(
            "SELECT CAST(COALESCE(SUM(p.amount_fen), 0) AS BIGINT) FROM payment AS p
             WHERE p.district = $1 AND p.household = $2 AND NOT EXISTS (
                 SELECT 1 FROM payment_reversal AS v WHERE v.district = $1 AND v.receipt = p.receipt)",
        )
        .bind(self.district)
        .bind(household.as_str())
        .fetch_one(p))?;
        let billed = billed
            .into_iter()
            .map(|(year, fen)| Ok((number("bill", "year", year)?, Fen(fen))))
            .collect::<Result<_, StoreError>>()?;
        Ok(HouseholdSums { billed, paid: Fen(paid) })
    }

    /// The village of the household's last bill; none where it has no bill.
    pub async fn billed_village(
        &self,
        household: &HouseholdNo,
    ) -> Result<Option<VillageId>, StoreError> {
        let found: Option<String> = on!(self.pool, p => sqlx::query_scalar(
            "SELECT r.village FROM bill AS b JOIN bill_run AS r ON r.district = b.district AND r.run_idx = b.run_idx
             WHERE b.district = $1 AND b.household = $2 ORDER BY b.run_idx DESC LIMIT 1",
        )
        .bind(self.district)
        .bind(household.as_str())
        .fetch_optional(p))?;
        found.map(|village| parsed("bill_run", "village", &village)).transpose()
    }

    /// Households of a village that owe something: those whose last bill is of this village, with all their bills and
    /// payments.
    pub async fn owed(
        &self,
        village: &VillageId,
        after: &OwedAfter,
        rows: u32,
    ) -> Result<Vec<OwedRow>, StoreError> {
        let found: Vec<OwedFields> = match after {
            OwedAfter::Number(after) => on!(self.pool, p => sqlx::query_as(owed!(
                "SELECT o.household, o.billed, o.paid, e.posted_at
                 FROM owed AS o JOIN log_entry AS e ON e.district = $1 AND e.idx = o.since_idx
                 WHERE o.household > $3 ORDER BY o.household LIMIT $4"
            ))
            .bind(self.district)
            .bind(village.as_str())
            .bind(after.as_ref().map_or("", HouseholdNo::as_str))
            .bind(limit(rows, MAX_OWED_PER_READ))
            .fetch_all(p)),
            OwedAfter::Balance(after) => on!(self.pool, p => sqlx::query_as(owed!(
                "SELECT o.household, o.billed, o.paid, e.posted_at
                 FROM owed AS o JOIN log_entry AS e ON e.district = $1 AND e.idx = o.since_idx
                 WHERE o.owed < $3 OR (o.owed = $3 AND o.household > $4)
                 ORDER BY o.owed DESC, o.household LIMIT $5"
            ))
            .bind(self.district)
            .bind(village.as_str())
            .bind(after.as_ref().map_or(i64::MAX, |(owed, _)| owed.get()))
            .bind(after.as_ref().map_or("", |(_, household)| household.as_str()))
            .bind(limit(rows, MAX_OWED_PER_READ))
            .fetch_all(p)),
        }?;
        found.into_iter().map(row).collect()
    }

    /// What the households of [`Store::owed`] owe together.
    pub async fn owed_sum(&self, village: &VillageId) -> Result<OwedSum, StoreError> {
        let (households, fen): (i64, i64) = on!(self.pool, p => sqlx::query_as(owed!(
            "SELECT COUNT(*), CAST(COALESCE(SUM(o.owed), 0) AS BIGINT) FROM owed AS o"
        ))
        .bind(self.district)
        .bind(village.as_str())
        .fetch_one(p))?;
        Ok(OwedSum { households: number("bill", "household", households)?, owed: Fen(fen) })
    }

    /// What was billed for each year and received in it, of a village, the newest first.
    pub async fn village_years(&self, village: &VillageId) -> Result<Vec<VillageYear>, StoreError> {
        let rows: Vec<(i64, i64, i64)> = on!(self.pool, p => sqlx::query_as(
            "SELECT s.year, CAST(SUM(s.billed) AS BIGINT), CAST(SUM(s.received) AS BIGINT) FROM (
                 SELECT year, total_fen AS billed, 0 AS received FROM bill_run WHERE district = $1 AND village = $2
                 UNION ALL
                 SELECT p.year, 0, p.amount_fen FROM payment AS p WHERE p.district = $1 AND p.village = $2
                     AND NOT EXISTS (SELECT 1 FROM payment_reversal AS v WHERE v.district = $1 AND v.receipt = p.receipt)
             ) AS s GROUP BY s.year ORDER BY s.year DESC LIMIT $3",
        )
        .bind(self.district)
        .bind(village.as_str())
        .bind(MAX_YEARS_PER_READ)
        .fetch_all(p))?;
        rows.into_iter()
            .map(|(year, billed, received)| {
                let year = number("payment", "year", year)?;
                Ok(VillageYear { year, billed: Fen(billed), received: Fen(received) })
            })
            .collect()
    }
}

fn row((household, billed, paid, since): OwedFields) -> Result<OwedRow, StoreError> {
    Ok(OwedRow {
        household: parsed("bill", "household", &household)?,
        billed: Fen(billed),
        paid: Fen(paid),
        since: instant("log_entry", "posted_at", since)?,
    })
}
