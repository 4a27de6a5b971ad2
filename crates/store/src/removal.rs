//! Removing reports that lie in archive files.
//!
//! What is removed is named by runs of numbers that were all there when the file was written. Numbers
//! are never used twice, so what was stored since lies in no such run.

use crate::clearing;
use crate::column::stored;
use crate::pool::{Pool, Tx, changed};
use crate::{Month, Store, StoreError, Stream, StreamId};

/// Reports that one call of [`Store::remove_archived`] removes, so that others can write in between.
pub const MAX_REPORTS_PER_REMOVAL: u64 = 5_000;

/// Reports of one stream, all numbers from first to last, that lie in an archive file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedRun {
    /// The stream.
    pub stream: StreamId,
    /// The first number.
    pub first_seq: u64,
    /// The last number.
    pub last_seq: u64,
}

impl ArchivedRun {
    /// How many numbers it has.
    pub fn numbers(&self) -> u64 {
        self.last_seq.saturating_sub(self.first_seq).saturating_add(1)
    }
}

/// A run by its stream's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Run {
    pub(crate) meter: i64,
    pub(crate) first: i64,
    pub(crate) last: i64,
    /// Whether the sources of its reports are forgotten with them. An envelope that a person entered
    /// is known for ever; what comes through a gateway is not repeated after so long a time.
    pub(crate) forgets_sources: bool,
}

impl Store {
    /// Removes reports of a month, at most [`MAX_REPORTS_PER_REMOVAL`], and remembers them as
    /// archived; returns how many were still there.
    pub async fn remove_archived(
        &self,
        month: Month,
        runs: &[ArchivedRun],
    ) -> Result<u64, StoreError> {
        let numbers: u64 = runs.iter().map(ArchivedRun::numbers).sum();
        if numbers > MAX_REPORTS_PER_REMOVAL {
            let count = usize::try_from(numbers).unwrap_or(usize::MAX);
            let most = usize::try_from(MAX_REPORTS_PER_REMOVAL).unwrap_or(usize::MAX);
            return Err(StoreError::TooMany { what: "reports to remove", count, most });
        }
        let runs = self.runs(runs).await?;
        let mut tx = self.pool.write().await?;
        let mut removed = 0;
        for run in runs {
            removed += remove(&mut tx, month, run).await?;
        }
        tx.commit().await?;
        Ok(removed)
    }

    /// Removes all these reports of a month at once by making its partition anew without them, or by
    /// dropping it when nothing else is in it. False when that cannot be: on SQLite, when too much
    /// else is in it, and when others use the table; then [`Store::remove_archived`] does it in pieces.
    pub async fn clear_month(
        &self,
        month: Month,
        runs: &[ArchivedRun],
    ) -> Result<bool, StoreError> {
        let Pool::Postgres(pool) = &self.pool else {
            return Ok(false);
        };
        let runs = self.runs(runs).await?;
        match clearing::clear(pool, month, &runs).await {
            Err(StoreError::Busy(_)) => Ok(false),
            done => done,
        }
    }

    /// The runs by row, ascending: the order in which everyone locks rows.
    async fn runs(&self, runs: &[ArchivedRun]) -> Result<Vec<Run>, StoreError> {
        let mut found = Vec::with_capacity(runs.len());
        for run in runs {
            if let Some(known) = self.known(&run.stream).await? {
                found.push(Run {
                    meter: known.id,
                    first: stored("report", run.first_seq)?,
                    last: stored("report", run.last_seq)?,
                    forgets_sources: run.stream.stream == Stream::Primary,
                });
            }
        }
        found.sort_unstable();
        Ok(found)
    }
}

async fn remove(tx: &mut Tx, month: Month, run: Run) -> Result<u64, StoreError> {
    // The blocks are what SQLite's index goes by, see `numbered`; on PostgreSQL they say nothing new.
    let removed = changed!(
        &mut *tx,
        sqlx::query(
            "WITH RECURSIVE block(n) AS (SELECT $2 >> 4 UNION ALL SELECT n + 1 FROM block WHERE n < $3 >> 4)
             DELETE FROM report WHERE seq >> 4 IN (SELECT n FROM block) AND meter = $1 AND seq >= $2 AND seq <= $3
               AND first_at >= $4 AND first_at < $5",
        )
        .bind(run.meter)
        .bind(run.first)
        .bind(run.last)
        .bind(month.start_millis())
        .bind(month.end_millis())
    )?;
    if removed == 0 {
        return Ok(0);
    }
    changed!(
        &mut *tx,
        sqlx::query(
            "UPDATE meter SET archived = archived + $2,
                    archived_seq = CASE WHEN archived_seq < $3 THEN $3 ELSE archived_seq END
             WHERE id = $1",
        )
        .bind(run.meter)
        .bind(stored("reports", removed)?)
        .bind(run.last)
    )?;
    if run.forgets_sources {
        changed!(
            &mut *tx,
            sqlx::query("DELETE FROM appended WHERE meter = $1 AND seq >= $2 AND seq <= $3")
                .bind(run.meter)
                .bind(run.first)
                .bind(run.last)
        )?;
    }
    Ok(removed)
}
