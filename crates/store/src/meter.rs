//! Meters as the store knows them: what their streams have reported, and up to where without a gap.

use std::collections::BTreeMap;

use domain::{MeterCode, Timestamp};
use serde::Deserialize;
use sqlx::FromRow;

use crate::bulk::{self, hundred, json_rows, ten, thousand};
use crate::column::{instant_option, number, parsed};
use crate::gap::Gaps;
use crate::intake::Row;
use crate::numbered::Wanted;
use crate::packed;
use crate::pool::{Tx, on};
use crate::{Store, StoreError, Stream, StreamId};

/// What came in one stream so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeterActivity {
    /// The meter.
    pub meter: MeterCode,
    /// Which of its streams.
    pub stream: Stream,
    /// Reports 1 to this were stored without a gap.
    pub stored_seq: u64,
    /// The highest number that came.
    pub highest_seq: u64,
    /// How many reports were stored.
    pub reports: u64,
    /// How many of them lie in archive files and no longer in the database.
    pub archived: u64,
    /// The highest number among those in archive files; 0 when there are none.
    pub archived_seq: u64,
    /// How many gaps there are below the highest number.
    pub gaps: u64,
    /// The latest reading's time, by the meter's clock.
    pub last_at: Option<Timestamp>,
    /// When the last new report came in.
    pub last_received_at: Option<Timestamp>,
}

impl MeterActivity {
    /// How many numbers below the highest no report came under.
    pub fn missing(&self) -> u64 {
        self.highest_seq.saturating_sub(self.reports)
    }
}

/// A stream's row, as far as reports change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow, Deserialize)]
pub(crate) struct Standing {
    pub(crate) id: i64,
    pub(crate) stored_seq: i64,
    pub(crate) highest_seq: i64,
    pub(crate) disordered: i64,
    pub(crate) reports: i64,
    pub(crate) last_at: Option<i64>,
    pub(crate) last_received_at: Option<i64>,
}

/// The rows of locked streams by id.
pub(crate) type Standings = BTreeMap<i64, Standing>;

#[derive(FromRow)]
struct Activity {
    code: String,
    stream: String,
    stored_seq: i64,
    highest_seq: i64,
    reports: i64,
    archived: i64,
    archived_seq: i64,
    gaps: i64,
    last_at: Option<i64>,
    last_received_at: Option<i64>,
}

impl Store {
    /// Every stream in which something came, by meter and stream.
    pub async fn meter_activity(&self) -> Result<Vec<MeterActivity>, StoreError> {
        let rows: Vec<Activity> = on!(self.pool, p => sqlx::query_as(
            "SELECT m.code, m.stream, m.stored_seq, m.highest_seq, m.reports, m.archived, m.archived_seq,
                    COALESCE(g.gaps, 0) AS gaps, m.last_at, m.last_received_at
             FROM meter AS m
             LEFT JOIN (SELECT meter, COUNT(*) AS gaps FROM gap GROUP BY meter) AS g ON g.meter = m.id
             WHERE m.district = $1 ORDER BY m.code, m.stream DESC",
        )
        .bind(self.district)
        .fetch_all(p))?;
        rows.iter().map(activity).collect()
    }

    /// What came in one stream; none when nothing did.
    pub async fn meter_activity_of(
        &self,
        stream: impl Into<StreamId>,
    ) -> Result<Option<MeterActivity>, StoreError> {
        let stream = stream.into();
        let found: Option<Activity> = on!(self.pool, p => sqlx::query_as(
            "SELECT m.code, m.stream, m.stored_seq, m.highest_seq, m.reports, m.archived, m.archived_seq,
                    (SELECT COUNT(*) FROM gap WHERE gap.meter = m.id) AS gaps, m.last_at, m.last_received_at
             FROM meter AS m WHERE m.district = $1 AND m.code = $2 AND m.stream = $3",
        )
        .bind(self.district)
        .bind(stream.meter.as_str())
        .bind(stream.stream.code())
        .fetch_optional(p))?;
        found.as_ref().map(activity).transpose()
    }

    /// How many reports were stored, in all streams.
    pub async fn report_count(&self) -> Result<u64, StoreError> {
        let count: i64 = on!(self.pool, p => sqlx::query_scalar(
            "SELECT CAST(COALESCE(SUM(reports), 0) AS BIGINT) FROM meter WHERE district = $1",
        )
        .bind(self.district)
        .fetch_one(p))?;
        number("meter", "reports", count)
    }
}

fn activity(row: &Activity) -> Result<MeterActivity, StoreError> {
    Ok(MeterActivity {
        meter: parsed("meter", "code", &row.code)?,
        stream: Stream::from_code(&row.stream)
            .ok_or_else(|| StoreError::corrupt("meter", "stream", &row.stream))?,
        stored_seq: number("meter", "stored_seq", row.stored_seq)?,
        highest_seq: number("meter", "highest_seq", row.highest_seq)?,
        reports: number("meter", "reports", row.reports)?,
        archived: number("meter", "archived", row.archived)?,
        archived_seq: number("meter", "archived_seq", row.archived_seq)?,
        gaps: number("gap", "count", row.gaps)?,
        last_at: instant_option("meter", "last_at", row.last_at)?,
        last_received_at: instant_option("meter", "last_received_at", row.last_received_at)?,
    })
}

/// Books rows that were just stored under free numbers, ascending by stream and number, on their
/// streams, and writes what has changed of these and of their gaps.
pub(crate) async fn advance(
    tx: &mut Tx,
    standings: &mut Standings,
    mut gaps: Gaps,
    fresh: &[Row],
) -> Result<(), StoreError> {
    let before = standings.clone();
    for row in fresh {
        let Some(meter) = standings.get_mut(&row.meter) else {
            continue;
        };
        meter.reports += 1;
        let ended_before = meter.last_at.is_none_or(|last| last <= row.times.first_at);
        meter.last_at = meter.last_at.max(Some(row.times.last_at));
        meter.last_received_at = meter.last_received_at.max(Some(row.times.received_at));
        let in_order = if row.seq > meter.highest_seq {
            gaps.open(meter.id, meter.highest_seq + 1, row.seq - 1);
            meter.highest_seq = row.seq;
            ended_before
        } else {
            gaps.fill(row.key());
            meter.disordered != 0 || lies_between(tx, row).await?
        };
        if !in_order {
            meter.disordered = 1;
        }
    }
    let fronts = gaps.save(tx).await?;
    let mut moved = Vec::new();
    for (meter, before) in standings.values_mut().zip(before.values()) {
        meter.stored_seq = match fronts.get(&meter.id) {
            Some(Some(first_missing)) => first_missing - 1,
            Some(None) => meter.highest_seq,
            // No gap has changed: one there was still ends the run, or there is still none.
            None if before.stored_seq == before.highest_seq => meter.highest_seq,
            None => meter.stored_seq,
        };
        if meter != before {
            moved.push(*meter);
        }
    }
    save(tx, &moved).await
}

/// Whether a report that came late starts no earlier than the one before it ends, and ends no later than the one after
/// it starts, of those that are in the database.
pub(crate) async fn lies_between(tx: &mut Tx, row: &Row) -> Result<bool, StoreError> {
    let before = Wanted::between(row.meter, 1, row.seq - 1).last(tx).await?;
    let after = Wanted::between(row.meter, row.seq.saturating_add(1), i64::MAX);
    let after = after.first(tx).await?.filter(|(seq, ..)| *seq != row.seq);
    let end = before.map(|(_, first_at, packed)| packed::last_at(first_at, &packed)).transpose()?;
    Ok(end.is_none_or(|end| end <= row.times.first_at)
        && after.is_none_or(|(_, start, _)| row.times.last_at <= start))
}

/// Reads the streams' rows; PostgreSQL also locks them, in one order, until the commit, so that of
/// two servers that store reports of one meter the second sees what the first has stored.
pub(crate) async fn lock(tx: &mut Tx, ids: &[i64]) -> Result<Standings, StoreError> {
    let rows: Vec<Standing> = match tx {
        Tx::Sqlite(tx) => {
            // As one row: each one that is handed over from SQLite's thread wakes ours.
            let rows: String = sqlx::query_scalar(
                "SELECT json_group_array(json_array(
                            m.id, m.stored_seq, m.highest_seq, m.disordered,
                            m.reports, m.last_at, m.last_received_at))
                 FROM json_each($1) AS v CROSS JOIN meter AS m ON m.id = v.value",
            )
            .bind(json_rows(ids)?)
            .fetch_one(&mut **tx)
            .await?;
            serde_json::from_str(&rows)
                .map_err(|error| StoreError::Database(sqlx::Error::Decode(Box::new(error))))?
        }
        Tx::Postgres(tx) => {
            sqlx::query_as(
                "SELECT id, stored_seq, highest_seq, disordered,
                        reports, last_at, last_received_at
                 FROM meter WHERE id = ANY($1) ORDER BY id FOR UPDATE",
            )
            .bind(ids)
            .fetch_all(&mut **tx)
            .await?
        }
    };
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// Writes the streams' rows. On SQLite with the fixed texts, as reports go in:
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
                        .bind(meter.disordered)
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
                        disordered = v.disordered,
                        reports = v.reports,
                        last_at = v.last_at, last_received_at = v.last_received_at
                 FROM UNNEST($1::BIGINT[], $2::BIGINT[], $3::BIGINT[], $4::BIGINT[], $5::BIGINT[],
                             $6::BIGINT[], $7::BIGINT[])
                      AS v(id, stored_seq, highest_seq, disordered,
                           reports, last_at, last_received_at)
                 WHERE meter.id = v.id",
            )
            .bind(column(|m| m.id))
            .bind(column(|m| m.stored_seq))
            .bind(column(|m| m.highest_seq))
            .bind(column(|m| m.disordered))
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
            "WITH v(id, stored_seq, highest_seq, disordered,
                    reports, last_at, last_received_at) AS (VALUES ",
            $rows,
            ") UPDATE meter SET stored_seq = v.stored_seq, highest_seq = v.highest_seq,
                      disordered = v.disordered,
                      reports = v.reports,
                      last_at = v.last_at, last_received_at = v.last_received_at
               FROM v WHERE meter.id = v.id"
        )
    };
}

const UPDATES: bulk::Texts = [
    (1000, update_text!(thousand!("(?,?,?,?,?,?,?)"))),
    (100, update_text!(hundred!("(?,?,?,?,?,?,?)"))),
    (10, update_text!(ten!("(?,?,?,?,?,?,?)"))),
    (1, update_text!("(?,?,?,?,?,?,?)")),
];
