//! PostgreSQL's table of reports, a partition for each month in which a report starts.
//!
//! A partition is made before a report needs it: those of this month and the next ones ahead of
//! time, any other when a batch brings a report of it, for reports can be years old. It is cleared
//! away when its month is archived. Who stores reports of a month that may be cleared away holds the
//! month's advisory lock, shared; who makes or clears it holds the lock alone. The lock is taken
//! before any row or table is, and months in ascending order, so that nobody waits in a circle.
//!
//! SQLite has one table and needs none of this.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use domain::Timestamp;
use sqlx::{AssertSqlSafe, PgPool, Postgres, Transaction};

use crate::pool::{Pool, Tx};
use crate::{Month, Store, StoreError};

/// Months made ahead of time, beside the present one.
pub const MONTHS_AHEAD: i32 = 2;
/// Months that are never archived, so that their partitions stay once they are there: the present one and this many before.
pub(crate) const LASTING_MONTHS: i32 = 2;
/// The first of the two numbers of our advisory locks; the second is the month.
const LOCK_CLASS: i32 = 0x6d71;
/// How often a month's partition is made anew when it is cleared away just as a report of it comes.
const MAX_TRIES: usize = 3;

impl Store {
    /// Makes the tables that reports of this month and the next [`MONTHS_AHEAD`] go into.
    pub async fn make_months(&self, now: Timestamp) -> Result<(), StoreError> {
        let this = Month::of(now);
        let wanted: BTreeSet<Month> = (0..=MONTHS_AHEAD).map(|ahead| this.plus(ahead)).collect();
        match &self.pool {
            Pool::Sqlite { .. } => Ok(()),
            Pool::Postgres(pool) => self.make_unknown(pool, &wanted).await,
        }
    }

    /// Begins a transaction that stores reports which start at these instants.
    pub(crate) async fn write_reports(
        &self,
        received_at: Timestamp,
        starts: impl IntoIterator<Item = Timestamp>,
    ) -> Result<Tx, StoreError> {
        let Pool::Postgres(pool) = &self.pool else {
            return self.pool.write().await;
        };
        let first_lasting = Month::of(received_at).plus(-LASTING_MONTHS);
        let months: BTreeSet<Month> = starts.into_iter().map(Month::of).collect();
        let (fleeting, lasting) = months.into_iter().partition(|month| *month < first_lasting);
        self.make_unknown(pool, &lasting).await?;
        for _ in 0..MAX_TRIES {
            let mut tx = pool.begin().await?;
            let missing = hold(&mut tx, &fleeting).await?;
            if missing.is_empty() {
                return Ok(Tx::Postgres(tx));
            }
            tx.rollback().await?;
            make(pool, &missing).await?;
        }
        let why = "a month that it reaches into is just being archived: try again";
        Err(StoreError::conflict("batch of reports of district", &self.code, why))
    }

    /// Makes those partitions of lasting months that this store has not seen yet.
    async fn make_unknown(
        &self,
        pool: &PgPool,
        months: &BTreeSet<Month>,
    ) -> Result<(), StoreError> {
        let unknown: BTreeSet<Month> = {
            let known = self.months.lock().unwrap_or_else(PoisonError::into_inner);
            months.difference(&known).copied().collect()
        };
        if unknown.is_empty() {
            return Ok(());
        }
        make(pool, &unknown).await?;
        self.months.lock().unwrap_or_else(PoisonError::into_inner).extend(unknown);
        Ok(())
    }
}

/// The name of a month's partition.
pub(crate) fn name(month: Month) -> String {
    format!("report_{}", month.to_string().replace('-', "_"))
}

/// Locks a month alone, until the transaction ends.
pub(crate) async fn lock_alone(
    tx: &mut Transaction<'static, Postgres>,
    month: Month,
) -> Result<(), StoreError> {
    sqlx::query("SELECT pg_advisory_xact_lock($1, $2)")
        .bind(LOCK_CLASS)
        .bind(month.number())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Locks the clearing away of months, until the transaction ends: one at a time.
pub(crate) async fn lock_clearing(
    tx: &mut Transaction<'static, Postgres>,
) -> Result<(), StoreError> {
    sqlx::query("SELECT pg_advisory_xact_lock($1, 0)").bind(LOCK_CLASS).execute(&mut **tx).await?;
    Ok(())
}

/// Whether a month has its partition.
pub(crate) async fn exists(
    tx: &mut Transaction<'static, Postgres>,
    month: Month,
) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(name(month))
        .fetch_one(&mut **tx)
        .await?)
}

/// Makes a table of the shape of a partition: `report` with its one index.
pub(crate) async fn create(
    tx: &mut Transaction<'static, Postgres>,
    table: &str,
) -> Result<(), StoreError> {
    define(tx, format!("CREATE TABLE {table} (LIKE report INCLUDING ALL, UNIQUE (meter, seq))"))
        .await
}

/// Makes the table with a month's name its partition. One that is made as a partition at once would
/// lock all reports against readers; one that is attached does not.
pub(crate) async fn attach(
    tx: &mut Transaction<'static, Postgres>,
    month: Month,
) -> Result<(), StoreError> {
    let (table, from, to) = (name(month), month.start_millis(), month.end_millis());
    let text = "ALTER TABLE report ATTACH PARTITION";
    define(tx, format!("{text} {table} FOR VALUES FROM ({from}) TO ({to})")).await
}

/// Gives a table another name.
pub(crate) async fn rename(
    tx: &mut Transaction<'static, Postgres>,
    table: &str,
    to: &str,
) -> Result<(), StoreError> {
    define(tx, format!("ALTER TABLE {table} RENAME TO {to}")).await
}

/// Drops a table.
pub(crate) async fn drop_table(
    tx: &mut Transaction<'static, Postgres>,
    table: &str,
) -> Result<(), StoreError> {
    define(tx, format!("DROP TABLE {table}")).await
}

/// The one place with a text that is put together: names of tables and bounds of partitions cannot be
/// parameters. They follow from a month alone.
async fn define(tx: &mut Transaction<'static, Postgres>, text: String) -> Result<(), StoreError> {
    sqlx::query(AssertSqlSafe(text)).persistent(false).execute(&mut **tx).await?;
    Ok(())
}

/// Makes partitions that may be missing, in one transaction.
async fn make(pool: &PgPool, months: &BTreeSet<Month>) -> Result<(), StoreError> {
    let mut tx = pool.begin().await?;
    for month in months {
        lock_alone(&mut tx, *month).await?;
    }
    for month in months {
        if !exists(&mut tx, *month).await? {
            create(&mut tx, &name(*month)).await?;
            attach(&mut tx, *month).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

/// Keeps months from being cleared away until the transaction ends; returns those without a partition.
async fn hold(
    tx: &mut Transaction<'static, Postgres>,
    months: &BTreeSet<Month>,
) -> Result<BTreeSet<Month>, StoreError> {
    let mut missing = BTreeSet::new();
    for month in months {
        sqlx::query("SELECT pg_advisory_xact_lock_shared($1, $2)")
            .bind(LOCK_CLASS)
            .bind(month.number())
            .execute(&mut **tx)
            .await?;
        if !exists(tx, *month).await? {
            missing.insert(*month);
        }
    }
    Ok(missing)
}
