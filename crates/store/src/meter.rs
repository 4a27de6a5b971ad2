//! Meters as the store knows them: what they have reported, and up to where without a gap.

use std::collections::{BTreeMap, HashMap};
use std::sync::PoisonError;

use domain::{MeterCode, Timestamp};

use crate::column::{instant_option, number, parsed};
use crate::pool::{Tx, changed, json_rows, on, within};
use crate::{Store, StoreError};

/// What a meter has reported so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeterActivity {
    /// The meter.
    pub meter: MeterCode,
    /// Reports 1 to this are stored without a gap.
    pub stored_seq: u64,
    /// How many reports are stored.
    pub reports: u64,
    /// The latest reading's time, by the meter's clock.
    pub last_at: Option<Timestamp>,
    /// When the last new report came in.
    pub last_received_at: Option<Timestamp>,
}

/// How far one batch looks past a filled gap for reports that came earlier, in reports of one meter.
const MAX_ADVANCE_REPORTS: i64 = 10_000;

/// Ids kept in memory; more than any district has meters.
const MAX_METERS_REMEMBERED: usize = 1_000_000;

/// What one batch brought of one meter.
#[derive(Debug, Default)]
pub(crate) struct Arrived {
    /// Every sequence number in the batch that is now stored, ascending.
    pub(crate) seqs: Vec<i64>,
    /// How many of them are new.
    pub(crate) fresh: i64,
    /// The latest reading's time among the new ones.
    pub(crate) last_at: Option<i64>,
}

/// A meter's row, as far as reports change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    id: i64,
    stored_seq: i64,
    highest_seq: i64,
    catching_up: i64,
    reports: i64,
    last_at: Option<i64>,
    last_received_at: Option<i64>,
}

impl Store {
    /// Every meter that has reported, by code.
    pub async fn meter_activity(&self) -> Result<Vec<MeterActivity>, StoreError> {
        type Fields = (String, i64, i64, Option<i64>, Option<i64>);
        let rows: Vec<Fields> = on!(self.pool, p => sqlx::query_as(
            "SELECT code, stored_seq, reports, last_at, last_received_at FROM meter
             WHERE district = $1 ORDER BY code",
        )
        .bind(self.district)
        .fetch_all(p))?;
        rows.into_iter()
            .map(|(code, stored_seq, reports, last_at, last_received_at)| {
                Ok(MeterActivity {
                    meter: parsed("meter", "code", &code)?,
                    stored_seq: number("meter", "stored_seq", stored_seq)?,
                    reports: number("meter", "reports", reports)?,
                    last_at: instant_option("meter", "last_at", last_at)?,
                    last_received_at: instant_option(
                        "meter",
                        "last_received_at",
                        last_received_at,
                    )?,
                })
            })
            .collect()
    }

    /// How many reports are stored, of all meters.
    pub async fn report_count(&self) -> Result<u64, StoreError> {
        let count: i64 = on!(self.pool, p => sqlx::query_scalar(
            "SELECT CAST(COALESCE(SUM(reports), 0) AS BIGINT) FROM meter WHERE district = $1",
        )
        .bind(self.district)
        .fetch_one(p))?;
        number("meter", "reports", count)
    }

    /// The row ids of meters, made on first use. What is new must be remembered only after the commit.
    pub(crate) async fn meter_ids<'a>(
        &self,
        tx: &mut Tx,
        codes: impl IntoIterator<Item = &'a MeterCode>,
    ) -> Result<HashMap<&'a MeterCode, i64>, StoreError> {
        let mut ids = HashMap::new();
        let mut unknown = Vec::new();
        {
            let remembered = self.meters.lock().unwrap_or_else(PoisonError::into_inner);
            for code in codes {
                match remembered.get(code) {
                    Some(id) => {
                        ids.insert(code, *id);
                    }
                    None => unknown.push(code),
                }
            }
        }
        // In one order everywhere: two servers that meet the same new meters must not wait for each other.
        unknown.sort_unstable();
        unknown.dedup();
        for code in unknown {
            ids.insert(code, meter_id(tx, self.district, code).await?);
        }
        Ok(ids)
    }

    /// Keeps ids that are committed.
    pub(crate) fn remember_meters(&self, ids: &HashMap<&MeterCode, i64>) {
        let mut remembered = self.meters.lock().unwrap_or_else(PoisonError::into_inner);
        for (code, id) in ids {
            if remembered.len() >= MAX_METERS_REMEMBERED {
                return;
            }
            if !remembered.contains_key(*code) {
                remembered.insert((*code).clone(), *id);
            }
        }
    }
}

async fn meter_id(tx: &mut Tx, district: i64, code: &MeterCode) -> Result<i64, StoreError> {
    const FIND: &str = "SELECT id FROM meter WHERE district = $1 AND code = $2";
    let found: Option<i64> = within!(tx, c => sqlx::query_scalar(FIND)
        .bind(district)
        .bind(code.as_str())
        .fetch_optional(c))?;
    if let Some(id) = found {
        return Ok(id);
    }
    changed!(
        tx,
        sqlx::query(
            "INSERT INTO meter (district, code, stored_seq, highest_seq, catching_up, reports)
             VALUES ($1, $2, 0, 0, 0, 0) ON CONFLICT (district, code) DO NOTHING",
        )
        .bind(district)
        .bind(code.as_str())
    )?;
    Ok(within!(tx, c => sqlx::query_scalar(FIND)
        .bind(district)
        .bind(code.as_str())
        .fetch_one(c))?)
}

/// Books a batch on its meters; returns each meter's highest sequence number stored without a gap.
pub(crate) async fn advance(
    tx: &mut Tx,
    received_at: Timestamp,
    arrived: &BTreeMap<i64, Arrived>,
) -> Result<HashMap<i64, i64>, StoreError> {
    let ids: Vec<i64> = arrived.keys().copied().collect();
    let mut stored = HashMap::with_capacity(ids.len());
    let mut moved = Vec::new();
    for before in lock(tx, &ids).await? {
        let Some(batch) = arrived.get(&before.id) else {
            continue;
        };
        let mut after = before;
        for seq in &batch.seqs {
            if *seq == after.stored_seq + 1 {
                after.stored_seq = *seq;
            }
            after.highest_seq = after.highest_seq.max(*seq);
        }
        after.reports += batch.fresh;
        after.last_at = after.last_at.max(batch.last_at);
        if batch.fresh > 0 {
            after.last_received_at = after.last_received_at.max(Some(received_at.millis()));
        }
        // Whoever stores the first missing report looks further, so nobody else has to.
        let filled = after.stored_seq > before.stored_seq || before.catching_up != 0;
        after.catching_up = 0;
        if filled && after.stored_seq < after.highest_seq {
            run_on(tx, &mut after).await?;
        }
        stored.insert(after.id, after.stored_seq);
        if after != before {
            moved.push(after);
        }
    }
    save(tx, &moved).await?;
    Ok(stored)
}

/// Moves `stored_seq` to the end of the run of reports it stands in, or as far as one batch may look.
async fn run_on(tx: &mut Tx, meter: &mut Standing) -> Result<(), StoreError> {
    let farthest = meter.stored_seq.saturating_add(MAX_ADVANCE_REPORTS);
    let end: Option<i64> = within!(tx, c => sqlx::query_scalar(
        "SELECT r.seq FROM report AS r
         WHERE r.meter = $1 AND r.seq >= $2 AND r.seq < $3
           AND NOT EXISTS (SELECT 1 FROM report AS n
                           WHERE n.meter = $1 AND n.seq = r.seq + 1 AND n.seq <= $3)
         ORDER BY r.seq LIMIT 1",
    )
    .bind(meter.id)
    .bind(meter.stored_seq)
    .bind(farthest)
    .fetch_optional(c))?;
    meter.stored_seq = end.unwrap_or(farthest);
    meter.catching_up = i64::from(end.is_none());
    Ok(())
}

/// Reads the meters' rows; PostgreSQL also locks them, in one order, until the commit, so that two
/// servers that store reports of one meter see each other's.
async fn lock(tx: &mut Tx, ids: &[i64]) -> Result<Vec<Standing>, StoreError> {
    type Fields = (i64, i64, i64, i64, i64, Option<i64>, Option<i64>);
    let rows: Vec<Fields> = match tx {
        Tx::Sqlite(tx) => {
            sqlx::query_as(
                "SELECT m.id, m.stored_seq, m.highest_seq, m.catching_up, m.reports, m.last_at, m.last_received_at
                 FROM json_each($1) AS v CROSS JOIN meter AS m ON m.id = v.value",
            )
            .bind(json_rows(ids)?)
            .fetch_all(&mut **tx)
            .await?
        }
        Tx::Postgres(tx) => {
            sqlx::query_as(
                "SELECT id, stored_seq, highest_seq, catching_up, reports, last_at, last_received_at
                 FROM meter WHERE id = ANY($1) ORDER BY id FOR UPDATE",
            )
            .bind(ids)
            .fetch_all(&mut **tx)
            .await?
        }
    };
    let standing =
        |(id, stored_seq, highest_seq, catching_up, reports, last_at, last_received_at)| Standing {
            id,
            stored_seq,
            highest_seq,
            catching_up,
            reports,
            last_at,
            last_received_at,
        };
    Ok(rows.into_iter().map(standing).collect())
}

async fn save(tx: &mut Tx, meters: &[Standing]) -> Result<(), StoreError> {
    if meters.is_empty() {
        return Ok(());
    }
    match tx {
        Tx::Sqlite(tx) => {
            let rows: Vec<_> = meters
                .iter()
                .map(|m| {
                    (
                        m.id,
                        m.stored_seq,
                        m.highest_seq,
                        m.catching_up,
                        m.reports,
                        m.last_at,
                        m.last_received_at,
                    )
                })
                .collect();
            sqlx::query(
                "UPDATE meter SET stored_seq = v.value ->> 1, highest_seq = v.value ->> 2,
                        catching_up = v.value ->> 3, reports = v.value ->> 4,
                        last_at = v.value ->> 5, last_received_at = v.value ->> 6
                 FROM json_each($1) AS v WHERE meter.id = v.value ->> 0",
            )
            .bind(json_rows(&rows)?)
            .execute(&mut **tx)
            .await?;
        }
        Tx::Postgres(tx) => {
            let column = |field: fn(&Standing) -> i64| meters.iter().map(field).collect::<Vec<_>>();
            sqlx::query(
                "UPDATE meter SET stored_seq = v.stored_seq, highest_seq = v.highest_seq,
                        catching_up = v.catching_up, reports = v.reports,
                        last_at = v.last_at, last_received_at = v.last_received_at
                 FROM UNNEST($1::BIGINT[], $2::BIGINT[], $3::BIGINT[], $4::BIGINT[], $5::BIGINT[],
                             $6::BIGINT[], $7::BIGINT[])
                      AS v(id, stored_seq, highest_seq, catching_up, reports, last_at, last_received_at)
                 WHERE meter.id = v.id",
            )
            .bind(column(|m| m.id))
            .bind(column(|m| m.stored_seq))
            .bind(column(|m| m.highest_seq))
            .bind(column(|m| m.catching_up))
            .bind(column(|m| m.reports))
            .bind(meters.iter().map(|m| m.last_at).collect::<Vec<_>>())
            .bind(meters.iter().map(|m| m.last_received_at).collect::<Vec<_>>())
            .execute(&mut **tx)
            .await?;
        }
    }
    Ok(())
}
