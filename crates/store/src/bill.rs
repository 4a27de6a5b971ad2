//! Posted bills, as pages read them.

use domain::{Fen, HouseholdNo, RoundId, VillageId};

use crate::column::{bound, limit, number, parsed, parsed_option};
use crate::pool::on;
use crate::{Store, StoreError};

/// Bills, or bill runs, of one read.
pub const MAX_BILLS_PER_READ: u32 = 1000;

/// A household's bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillRow {
    /// The index of the settlement in the log.
    pub run_index: u64,
    /// The household.
    pub household: HouseholdNo,
    /// The year settled.
    pub year: i32,
    /// What it owes.
    pub total: Fen,
    /// The bill with every step of the sum, as JSON.
    pub body: String,
}

/// A settlement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillRunRow {
    /// Its index in the log.
    pub run_index: u64,
    /// The village.
    pub village: VillageId,
    /// The round; none for the year's.
    pub round: Option<RoundId>,
    /// The year settled.
    pub year: i32,
    /// How many bills it has.
    pub bills: u64,
    /// Their sum.
    pub total: Fen,
}

type Fields = (i64, String, i64, i64, String);
type RunFields = (i64, String, Option<String>, i64, i64, i64);

impl Store {
    /// A household's bills, newest first: the first [`MAX_BILLS_PER_READ`].
    pub async fn bills(&self, household: &HouseholdNo) -> Result<Vec<BillRow>, StoreError> {
        let rows: Vec<Fields> = on!(self.pool, p => sqlx::query_as(
            "SELECT run_idx, household, year, total_fen, body FROM bill
             WHERE district = $1 AND household = $2 ORDER BY run_idx DESC LIMIT $3",
        )
        .bind(self.district)
        .bind(household.as_str())
        .bind(i64::from(MAX_BILLS_PER_READ))
        .fetch_all(p))?;
        rows.into_iter().map(row).collect()
    }

    /// The bills of the settlement posted at an index, by household number; `after` is the last
    /// household of the page before.
    pub async fn bills_of_run(
        &self,
        run_index: u64,
        after: Option<&HouseholdNo>,
        rows: u32,
    ) -> Result<Vec<BillRow>, StoreError> {
        let rows: Vec<Fields> = on!(self.pool, p => sqlx::query_as(
            "SELECT run_idx, household, year, total_fen, body FROM bill
             WHERE district = $1 AND run_idx = $2 AND household > $3 ORDER BY household LIMIT $4",
        )
        .bind(self.district)
        .bind(bound(run_index))
        .bind(after.map_or("", HouseholdNo::as_str))
        .bind(limit(rows, MAX_BILLS_PER_READ))
        .fetch_all(p))?;
        rows.into_iter().map(row).collect()
    }

    /// The settlements of a village for a round, or for the year when none is given, newest first.
    pub async fn bill_runs(
        &self,
        village: &VillageId,
        round: Option<&RoundId>,
    ) -> Result<Vec<BillRunRow>, StoreError> {
        let rows: Vec<RunFields> = on!(self.pool, p => sqlx::query_as(
            "SELECT run_idx, village, round, year, bills, total_fen FROM bill_run
             WHERE district = $1 AND village = $2 AND COALESCE(round, '') = $3
             ORDER BY run_idx DESC LIMIT $4",
        )
        .bind(self.district)
        .bind(village.as_str())
        .bind(round.map_or("", RoundId::as_str))
        .bind(i64::from(MAX_BILLS_PER_READ))
        .fetch_all(p))?;
        rows.into_iter().map(run).collect()
    }
}

fn row((run_index, household, year, total_fen, body): Fields) -> Result<BillRow, StoreError> {
    Ok(BillRow {
        run_index: number("bill", "run_idx", run_index)?,
        household: parsed("bill", "household", &household)?,
        year: number("bill", "year", year)?,
        total: Fen(total_fen),
        body,
    })
}

fn run(
    (run_index, village, round, year, bills, total_fen): RunFields,
) -> Result<BillRunRow, StoreError> {
    Ok(BillRunRow {
        run_index: number("bill_run", "run_idx", run_index)?,
        village: parsed("bill_run", "village", &village)?,
        round: parsed_option("bill_run", "round", round.as_deref())?,
        year: number("bill_run", "year", year)?,
        bills: number("bill_run", "bills", bills)?,
        total: Fen(total_fen),
    })
}
