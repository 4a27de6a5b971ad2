//! Meters as the store knows them: what they have reported, and up to where without a gap.

use std::collections::{BTreeMap, HashMap};
use std::sync::PoisonError;

use domain::{MeterCode, Timestamp};
use sqlx::FromRow;

use crate::bulk::{self, hundred, json_rows, ten};
use crate::column::{instant_option, number, parsed};
use crate::pool::{Tx, changed, on, within};
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
    /// Number and start of those that are new, ascending.
    pub(crate) fresh: Vec<(i64, i64)>,
    /// The latest reading's time among the new ones.
    pub(crate) last_at: Option<i64>,
}

/// A meter's row, as far as reports change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
struct Standing {
    id: i64,
    stored_seq: i64,
    highest_seq: i64,
    highest_first_at: Option<i64>,
    disordered: i64,
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
            "INSERT INTO meter (district, code, stored_seq, highest_seq, disordered, catching_up, reports)
             VALUES ($1, $2, 0, 0, 0, 0, 0) ON CONFLICT (district, code) DO NOTHING",
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
        }
        book(tx, &mut after, batch, received_at).await?;
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

/// Books a batch's new reports on their meter's row, and whether their times still rise with their numbers.
async fn book(
    tx: &mut Tx,
    meter: &mut Standing,
    batch: &Arrived,
    received_at: Timestamp,
) -> Result<(), StoreError> {
    for &(seq, first_at) in &batch.fresh {
        meter.reports += 1;
        meter.last_received_at = meter.last_received_at.max(Some(received_at.millis()));
        let in_order = if seq > meter.highest_seq {
            let in_order = meter.highest_first_at <= Some(first_at);
            meter.highest_seq = seq;
            meter.highest_first_at = Some(first_at);
            in_order
        } else {
            meter.disordered != 0 || lies_between(tx, meter.id, seq, first_at).await?
        };
        if !in_order {
            meter.disordered = 1;
        }
    }
    meter.last_at = meter.last_at.max(batch.last_at);
    Ok(())
}

/// Whether a report that came late starts no earlier than the one before it and no later than the one after it.
async fn lies_between(
    tx: &mut Tx,
    meter: i64,
    seq: i64,
    first_at: i64,
) -> Result<bool, StoreError> {
    let before: Option<i64> = within!(tx, c => sqlx::query_scalar(
        "SELECT first_at FROM report WHERE meter = $1 AND seq < $2 ORDER BY seq DESC LIMIT 1",
    )
    .bind(meter)
    .bind(seq)
    .fetch_optional(c))?;
    let after: Option<i64> = within!(tx, c => sqlx::query_scalar(
        "SELECT first_at FROM report WHERE meter = $1 AND seq > $2 ORDER BY seq LIMIT 1",
    )
    .bind(meter)
    .bind(seq)
    .fetch_optional(c))?;
    Ok(before.is_none_or(|before| before <= first_at)
        && after.is_none_or(|after| first_at <= after))
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
    Ok(match tx {
        Tx::Sqlite(tx) => {
            sqlx::query_as(
                "SELECT m.id, m.stored_seq, m.highest_seq, m.highest_first_at, m.disordered,
                        m.catching_up, m.reports, m.last_at, m.last_received_at
                 FROM json_each($1) AS v CROSS JOIN meter AS m ON m.id = v.value",
            )
            .bind(json_rows(ids)?)
            .fetch_all(&mut **tx)
            .await?
        }
        Tx::Postgres(tx) => {
            sqlx::query_as(
                "SELECT id, stored_seq, highest_seq, highest_first_at, disordered,
                        catching_up, reports, last_at, last_received_at
                 FROM meter WHERE id = ANY($1) ORDER BY id FOR UPDATE",
            )
            .bind(ids)
            .fetch_all(&mut **tx)
            .await?
        }
    })
}

/// Writes the meters' rows. On SQLite with fixed texts of 100, 10 and 1 rows, as reports go in:
/// JSON costs three times as much here.
async fn save(tx: &mut Tx, meters: &[Standing]) -> Result<(), StoreError> {
    match tx {
        Tx::Sqlite(tx) => {
            let mut left = meters;
            while !left.is_empty() {
                let (count, text) = bulk::longest(left.len(), &UPDATES);
                let (chunk, rest) = left.split_at(count);
                left = rest;
                let mut update = sqlx::query(text);
                for meter in chunk {
                    update = update
                        .bind(meter.id)
                        .bind(meter.stored_seq)
                        .bind(meter.highest_seq)
                        .bind(meter.highest_first_at)
                        .bind(meter.disordered)
                        .bind(meter.catching_up)
                        .bind(meter.reports)
                        .bind(meter.last_at)
                        .bind(meter.last_received_at);
                }
                update.execute(&mut **tx).await?;
            }
        }
        Tx::Postgres(tx) => {
            let column = |field: fn(&Standing) -> i64| meters.iter().map(field).collect::<Vec<_>>();
            let nullable =
                |field: fn(&Standing) -> Option<i64>| meters.iter().map(field).collect::<Vec<_>>();
            sqlx::query(
                "UPDATE meter SET stored_seq = v.stored_seq, highest_seq = v.highest_seq,
                        highest_first_at = v.highest_first_at, disordered = v.disordered,
                        catching_up = v.catching_up, reports = v.reports,
                        last_at = v.last_at, last_received_at = v.last_received_at
                 FROM UNNEST($1::BIGINT[], $2::BIGINT[], $3::BIGINT[], $4::BIGINT[], $5::BIGINT[],
                             $6::BIGINT[], $7::BIGINT[], $8::BIGINT[], $9::BIGINT[])
                      AS v(id, stored_seq, highest_seq, highest_first_at, disordered, catching_up,
                           reports, last_at, last_received_at)
                 WHERE meter.id = v.id",
            )
            .bind(column(|m| m.id))
            .bind(column(|m| m.stored_seq))
            .bind(column(|m| m.highest_seq))
            .bind(nullable(|m| m.highest_first_at))
            .bind(column(|m| m.disordered))
            .bind(column(|m| m.catching_up))
            .bind(column(|m| m.reports))
            .bind(nullable(|m| m.last_at))
            .bind(nullable(|m| m.last_received_at))
            .execute(&mut **tx)
            .await?;
        }
    }
    Ok(())
}

macro_rules! update_text {
    ($rows:expr) => {
        concat!(
            "WITH v(id, stored_seq, highest_seq, highest_first_at, disordered, catching_up,
                    reports, last_at, last_received_at) AS (VALUES ",
            $rows,
            ") UPDATE meter SET stored_seq = v.stored_seq, highest_seq = v.highest_seq,
                      highest_first_at = v.highest_first_at, disordered = v.disordered,
                      catching_up = v.catching_up, reports = v.reports,
                      last_at = v.last_at, last_received_at = v.last_received_at
               FROM v WHERE meter.id = v.id"
        )
    };
}

const UPDATES: bulk::Texts = [
    (100, update_text!(hundred!("(?,?,?,?,?,?,?,?,?)"))),
    (10, update_text!(ten!("(?,?,?,?,?,?,?,?,?)"))),
    (1, update_text!("(?,?,?,?,?,?,?,?,?)")),
];
