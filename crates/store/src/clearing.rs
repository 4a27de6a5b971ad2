//! PostgreSQL's way to remove a month: its partition goes, and what stays in it is carried into a new one.

use sqlx::{PgPool, Postgres, Transaction};

use crate::StoreError;
use crate::month::Month;
use crate::partition::{
    attach, create, drop_table, exists, lock_alone, lock_clearing, name, rename,
};
use crate::removal::Run;

/// Reports that are carried over at most; with more, deleting is less work.
const MAX_REPORTS_CARRIED: u64 = 200_000;
/// How long it waits for others to leave the table of reports, while those who come wait behind it.
const WAIT: &str = "SET LOCAL lock_timeout = '2s'";
/// What a new partition is called until it takes its month's name.
const STAYING_TABLE: &str = "report_staying";

/// How many reports of a stream leave, and the highest number among them.
type Leaving = (i64, i64, i64);

/// Runs as columns, for a statement to join.
struct Columns {
    meters: Vec<i64>,
    firsts: Vec<i64>,
    lasts: Vec<i64>,
}

impl Columns {
    fn of<'a>(runs: impl Iterator<Item = &'a Run> + Clone) -> Self {
        Self {
            meters: runs.clone().map(|run| run.meter).collect(),
            firsts: runs.clone().map(|run| run.first).collect(),
            lasts: runs.map(|run| run.last).collect(),
        }
    }
}

/// Removes the runs' reports of a month; false when too much else is in its partition.
pub(crate) async fn clear(pool: &PgPool, month: Month, runs: &[Run]) -> Result<bool, StoreError> {
    let mut tx = pool.begin().await?;
    lock_clearing(&mut tx).await?;
    // Nobody stores reports of the month from here on, so what is counted stays so.
    lock_alone(&mut tx, month).await?;
    if !exists(&mut tx, month).await? {
        return Ok(true);
    }
    let columns = Columns::of(runs.iter());
    let leaving = leaving(&mut tx, month, &columns).await?;
    let staying = set_aside(&mut tx, month, &columns).await?;
    let left: u64 = leaving.iter().map(|row| u64::try_from(row.1).unwrap_or_default()).sum();
    if staying > left.min(MAX_REPORTS_CARRIED) {
        tx.rollback().await?;
        return Ok(false);
    }
    book(&mut tx, &leaving, runs).await?;
    exchange(&mut tx, month, staying > 0).await?;
    tx.commit().await?;
    Ok(true)
}

async fn leaving(
    tx: &mut Transaction<'static, Postgres>,
    month: Month,
    runs: &Columns,
) -> Result<Vec<Leaving>, StoreError> {
    Ok(sqlx::query_as(
        "SELECT r.meter, COUNT(*), MAX(r.seq) FROM report AS r
         JOIN UNNEST($3::BIGINT[], $4::BIGINT[], $5::BIGINT[]) AS a(meter, first_seq, last_seq)
           ON a.meter = r.meter AND r.seq >= a.first_seq AND r.seq <= a.last_seq
         WHERE r.first_at >= $1 AND r.first_at < $2 GROUP BY r.meter ORDER BY r.meter",
    )
    .bind(month.start_millis())
    .bind(month.end_millis())
    .bind(&runs.meters)
    .bind(&runs.firsts)
    .bind(&runs.lasts)
    .fetch_all(&mut **tx)
    .await?)
}

/// Copies a month's reports that lie in no run into a table of their own; returns how many.
async fn set_aside(
    tx: &mut Transaction<'static, Postgres>,
    month: Month,
    runs: &Columns,
) -> Result<u64, StoreError> {
    create(tx, STAYING_TABLE).await?;
    Ok(sqlx::query(
        "INSERT INTO report_staying (meter, seq, first_at, packed)
         SELECT r.meter, r.seq, r.first_at, r.packed FROM report AS r
         WHERE r.first_at >= $1 AND r.first_at < $2 AND NOT EXISTS (
             SELECT 1 FROM UNNEST($3::BIGINT[], $4::BIGINT[], $5::BIGINT[]) AS a(meter, first_seq, last_seq)
             WHERE a.meter = r.meter AND r.seq >= a.first_seq AND r.seq <= a.last_seq)",
    )
    .persistent(false)
    .bind(month.start_millis())
    .bind(month.end_millis())
    .bind(&runs.meters)
    .bind(&runs.firsts)
    .bind(&runs.lasts)
    .execute(&mut **tx)
    .await?
    .rows_affected())
}

/// Remembers what leaves on its streams, which are locked first, in the order in which everyone does.
async fn book(
    tx: &mut Transaction<'static, Postgres>,
    leaving: &[Leaving],
    runs: &[Run],
) -> Result<(), StoreError> {
    let meters: Vec<i64> = leaving.iter().map(|row| row.0).collect();
    sqlx::query("SELECT id FROM meter WHERE id = ANY($1) ORDER BY id FOR UPDATE")
        .bind(&meters)
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "UPDATE meter SET archived = archived + v.reports,
                archived_seq = GREATEST(archived_seq, v.last_seq)
         FROM UNNEST($1::BIGINT[], $2::BIGINT[], $3::BIGINT[]) AS v(id, reports, last_seq)
         WHERE meter.id = v.id",
    )
    .bind(&meters)
    .bind(leaving.iter().map(|row| row.1).collect::<Vec<_>>())
    .bind(leaving.iter().map(|row| row.2).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    let forgotten = Columns::of(runs.iter().filter(|run| run.forgets_sources));
    sqlx::query(
        "DELETE FROM appended
         USING UNNEST($1::BIGINT[], $2::BIGINT[], $3::BIGINT[]) AS a(meter, first_seq, last_seq)
         WHERE appended.meter = a.meter AND seq >= a.first_seq AND seq <= a.last_seq",
    )
    .bind(&forgotten.meters)
    .bind(&forgotten.firsts)
    .bind(&forgotten.lasts)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Drops a month's partition; what stays takes its place, if there is any.
async fn exchange(
    tx: &mut Transaction<'static, Postgres>,
    month: Month,
    something_stays: bool,
) -> Result<(), StoreError> {
    sqlx::query(WAIT).execute(&mut **tx).await?;
    drop_table(tx, &name(month)).await?;
    if something_stays {
        rename(tx, STAYING_TABLE, &name(month)).await?;
        attach(tx, month).await
    } else {
        drop_table(tx, STAYING_TABLE).await
    }
}
