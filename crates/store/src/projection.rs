//! What pages read of a posted entry, written in the transaction that posts it.

mod waterings;

use std::collections::BTreeMap;

use domain::progress::Progress;
use domain::{Area, Fen, HouseholdNo, Litres, OutletId, RoundId, Timestamp, VillageId};

use crate::StoreError;
use crate::bulk::json_rows;
use crate::column::stored;
use crate::log::NewEntry;
use crate::pool::{Tx, changed, within};
use waterings::Waterings;

/// What pages read of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Projection {
    /// Nothing beyond the entry itself.
    None,
    /// A watering, or its correction; the entry must name its village and round.
    Watering {
        /// Where.
        outlet: OutletId,
        /// From when.
        start_at: Timestamp,
        /// To when.
        end_at: Timestamp,
        /// How much.
        volume: Litres,
        /// Whether part of the volume is estimated.
        estimated: bool,
        /// The households' parts.
        shares: Vec<NewShare>,
        /// What it corrects.
        supersedes: Option<Superseded>,
    },
    /// Bills of a settlement; the entry must name its village, and its round unless it is the year's.
    BillRun {
        /// The year settled.
        year: i32,
        /// The bills, one a household.
        bills: Vec<NewBill>,
    },
}

/// A watering that a correction supersedes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superseded {
    /// Its index.
    pub index: u64,
    /// The turn as it was, by the correction, as JSON; the store does not look inside.
    pub plan: String,
}

/// One household's part of a watering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewShare {
    /// The household.
    pub household: HouseholdNo,
    /// Its watered area.
    pub area: Area,
    /// Its water.
    pub litres: Litres,
}

/// One household's bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBill {
    /// The household.
    pub household: HouseholdNo,
    /// What it owes.
    pub total: Fen,
    /// The bill with every step of the sum, as JSON; the store does not look inside.
    pub body: String,
}

/// Rows of one bulk statement.
const CHUNK_ROWS: usize = 4096;

impl Projection {
    /// Writes what pages read of an entry and adds it to the totals.
    pub(crate) async fn write(
        &self,
        tx: &mut Tx,
        district: i64,
        entry: &NewEntry,
        gathered: &mut Gathered,
    ) -> Result<(), StoreError> {
        match self {
            Self::None => Ok(()),
            Self::Watering { supersedes, volume, .. } => {
                let (village, round) = place(entry)?;
                if let Some(former) = supersedes {
                    // It may stand in the same posting.
                    gathered.waterings.write(tx, district).await?;
                    supersede(tx, district, former.index, entry.index, &mut gathered.totals)
                        .await?;
                    self.correct_turn(tx, district, former, entry.statement).await?;
                }
                gathered.waterings.add(entry, village, round)?;
                let sums = Sums::watering(1, volume.get());
                gathered.totals.add(village.as_str(), round.as_str(), sums);
                Ok(())
            }
            Self::BillRun { year, bills } => {
                let village = entry.village.as_ref().ok_or_else(|| unplaced(entry))?;
                let total: Fen = bills.iter().map(|bill| bill.total).sum();
                write_bill_run(tx, district, entry, village, *year, bills.len(), total).await?;
                write_bills(tx, district, entry.index, *year, bills).await?;
                let round = entry.round.as_ref().map_or("", RoundId::as_str);
                gathered.totals.add(village.as_str(), round, Sums::billed(total.get()));
                Ok(())
            }
        }
    }

    /// From now on the turn is what the correction says of it, and its statement is the correction.
    async fn correct_turn(
        &self,
        tx: &mut Tx,
        district: i64,
        former: &Superseded,
        statement: Option<i64>,
    ) -> Result<(), StoreError> {
        let Self::Watering { start_at, end_at, .. } = self else { return Ok(()) };
        changed!(
            tx,
            sqlx::query(
                "UPDATE turn SET statement = $3, plan = $4, opened_at = $5, closed_at = $6
                 WHERE district = $1 AND statement IN (
                     SELECT id FROM statement WHERE district = $1 AND posted_index = $2)",
            )
            .bind(district)
            .bind(stored("log index", former.index)?)
            .bind(statement)
            .bind(former.plan.as_str())
            .bind(start_at.millis())
            .bind(end_at.millis())
        )?;
        Ok(())
    }
}

/// What is written once a posting, whatever number of entries it has: each statement costs more than its rows.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    waterings: Waterings,
    totals: Totals,
}

impl Gathered {
    /// Writes what is left.
    pub(crate) async fn write(mut self, tx: &mut Tx, district: i64) -> Result<(), StoreError> {
        self.waterings.write(tx, district).await?;
        self.totals.write(tx, district).await
    }
}

/// Sums of one village and round.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    waterings: i64,
    volume_l: i64,
    billed_fen: i64,
}

impl Sums {
    fn watering(waterings: i64, volume_l: i64) -> Self {
        Self { waterings, volume_l, billed_fen: 0 }
    }

    fn billed(billed_fen: i64) -> Self {
        Self { billed_fen, ..Self::default() }
    }
}

/// By how much a posting changes the sums of villages and rounds.
#[derive(Debug, Default)]
struct Totals(BTreeMap<(String, String), Sums>);

impl Totals {
    fn add(&mut self, village: &str, round: &str, change: Sums) {
        let sums = self.0.entry((village.into(), round.into())).or_default();
        sums.waterings = sums.waterings.saturating_add(change.waterings);
        sums.volume_l = sums.volume_l.saturating_add(change.volume_l);
        sums.billed_fen = sums.billed_fen.saturating_add(change.billed_fen);
    }

    /// Adds the changes to what is stored.
    async fn write(self, tx: &mut Tx, district: i64) -> Result<(), StoreError> {
        for ((village, round), sums) in self.0 {
            changed!(
                tx,
                sqlx::query(
                    "INSERT INTO round_total (district, village, round, waterings, volume_l, billed_fen)
                     VALUES ($1, $2, $3, $4, $5, $6)
                     ON CONFLICT (district, village, round) DO UPDATE SET
                         waterings = round_total.waterings + excluded.waterings,
                         volume_l = round_total.volume_l + excluded.volume_l,
                         billed_fen = round_total.billed_fen + excluded.billed_fen",
                )
                .bind(district)
                .bind(village)
                .bind(round)
                .bind(sums.waterings)
                .bind(sums.volume_l)
                .bind(sums.billed_fen)
            )?;
        }
        Ok(())
    }
}

fn place(entry: &NewEntry) -> Result<(&VillageId, &RoundId), StoreError> {
    entry.village.as_ref().zip(entry.round.as_ref()).ok_or_else(|| unplaced(entry))
}

fn unplaced(entry: &NewEntry) -> StoreError {
    StoreError::conflict(
        "entry",
        &entry.index,
        "a watering names its village and round, a bill run its village",
    )
}

/// Marks the corrected watering and its statement, and takes it out of the totals.
async fn supersede(
    tx: &mut Tx,
    district: i64,
    former: u64,
    by: u64,
    totals: &mut Totals,
) -> Result<(), StoreError> {
    let index = stored("log index", former)?;
    let marked: Option<(String, String, i64)> = within!(tx, c => sqlx::query_as(
        "UPDATE watering SET superseded_by = $3
         WHERE district = $1 AND idx = $2 AND superseded_by IS NULL
         RETURNING village, round, volume_l",
    )
    .bind(district)
    .bind(index)
    .bind(stored("log index", by)?)
    .fetch_optional(c))?;
    let Some((village, round, volume_l)) = marked else {
        return Err(StoreError::conflict(
            "correction of entry",
            &former,
            "it is no watering, or it was corrected before: correct the correction",
        ));
    };
    totals.add(&village, &round, Sums::watering(-1, volume_l.saturating_neg()));
    changed!(
        tx,
        sqlx::query(
            "UPDATE statement SET state = $3 WHERE district = $1 AND posted_index = $2 AND state = $4",
        )
        .bind(district)
        .bind(index)
        .bind(Progress::Corrected.code())
        .bind(Progress::Posted.code())
    )?;
    Ok(())
}

async fn write_bill_run(
    tx: &mut Tx,
    district: i64,
    entry: &NewEntry,
    village: &VillageId,
    year: i32,
    bills: usize,
    total: Fen,
) -> Result<(), StoreError> {
    changed!(
        tx,
        sqlx::query(
            "INSERT INTO bill_run (district, run_idx, village, round, year, bills, total_fen)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(district)
        .bind(stored("log index", entry.index)?)
        .bind(village.as_str())
        .bind(entry.round.as_ref().map(RoundId::as_str))
        .bind(i64::from(year))
        .bind(i64::try_from(bills).unwrap_or(i64::MAX))
        .bind(total.get())
    )?;
    Ok(())
}

async fn write_bills(
    tx: &mut Tx,
    district: i64,
    index: u64,
    year: i32,
    bills: &[NewBill],
) -> Result<(), StoreError> {
    let index = stored("log index", index)?;
    for chunk in bills.chunks(CHUNK_ROWS) {
        match tx {
            Tx::Sqlite(tx) => {
                let rows: Vec<_> = chunk
                    .iter()
                    .map(|bill| (bill.household.as_str(), bill.total.get(), bill.body.as_str()))
                    .collect();
                sqlx::query(
                    "INSERT INTO bill (district, run_idx, year, household, total_fen, body)
                     SELECT $1, $2, $3, v.value ->> 0, v.value ->> 1, v.value ->> 2 FROM json_each($4) AS v",
                )
                .bind(district)
                .bind(index)
                .bind(i64::from(year))
                .bind(json_rows(&rows)?)
                .execute(&mut **tx)
                .await?;
            }
            Tx::Postgres(tx) => {
                sqlx::query(
                    "INSERT INTO bill (district, run_idx, year, household, total_fen, body)
                     SELECT $1, $2, $3, v.household, v.total_fen, v.body
                     FROM UNNEST($4::TEXT[], $5::BIGINT[], $6::TEXT[]) AS v(household, total_fen, body)",
                )
                .bind(district)
                .bind(index)
                .bind(i64::from(year))
                .bind(chunk.iter().map(|bill| bill.household.as_str()).collect::<Vec<_>>())
                .bind(chunk.iter().map(|bill| bill.total.get()).collect::<Vec<_>>())
                .bind(chunk.iter().map(|bill| bill.body.as_str()).collect::<Vec<_>>())
                .execute(&mut **tx)
                .await?;
            }
        }
    }
    Ok(())
}
