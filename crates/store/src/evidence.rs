//! Reading reports back: the evidence under a watering.

use domain::{MeterCode, Timestamp};

use crate::column::{bound, number};
use crate::pool::{Tx, on, within};
use crate::{Store, StoreError};

/// Reports of one read; a watering with more evidence is read in pieces.
pub const MAX_REPORTS_PER_READ: i64 = 10_000;

/// A report as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReport {
    /// Its sequence number.
    pub seq: u64,
    /// The exact bytes that the meter signed.
    pub bytes: Vec<u8>,
}

impl Store {
    /// A meter's reports with these sequence numbers, both included, in order: the first
    /// [`MAX_REPORTS_PER_READ`] of them.
    pub async fn reports(
        &self,
        meter: &MeterCode,
        first_seq: u64,
        last_seq: u64,
    ) -> Result<Vec<StoredReport>, StoreError> {
        let rows: Vec<(i64, Vec<u8>)> = on!(self.pool, p => sqlx::query_as(
            "SELECT seq, bytes FROM report
             WHERE meter = (SELECT id FROM meter WHERE district = $1 AND code = $2)
               AND seq >= $3 AND seq <= $4
             ORDER BY seq LIMIT $5",
        )
        .bind(self.district)
        .bind(meter.as_str())
        .bind(bound(first_seq))
        .bind(bound(last_seq))
        .bind(MAX_REPORTS_PER_READ)
        .fetch_all(p))?;
        rows.into_iter()
            .map(|(seq, bytes)| Ok(StoredReport { seq: number("report", "seq", seq)?, bytes }))
            .collect()
    }

    /// The sequence numbers of the first and last report that bear on the time from `from` to `to`.
    ///
    /// The first is the one that starts last before or at `from`. The last is the one that starts
    /// last before or at `to` if it reaches `to`, otherwise the next to start. None when the meter
    /// has nothing on either side.
    pub async fn evidence_span(
        &self,
        meter: &MeterCode,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Option<(u64, u64)>, StoreError> {
        let mut tx = self.pool.read().await?;
        let id: Option<i64> = within!(&mut tx, c => sqlx::query_scalar(
            "SELECT id FROM meter WHERE district = $1 AND code = $2",
        )
        .bind(self.district)
        .bind(meter.as_str())
        .fetch_optional(c))?;
        let Some(id) = id else {
            return Ok(None);
        };
        let first = starting_by(&mut tx, id, from).await?;
        let last = match starting_by(&mut tx, id, to).await? {
            Some((seq, last_at)) if last_at >= to.millis() => Some(seq),
            _ => starting_after(&mut tx, id, to).await?,
        };
        tx.commit().await?;
        match (first, last) {
            (Some((first, _)), Some(last)) => {
                Ok(Some((number("report", "seq", first)?, number("report", "seq", last)?)))
            }
            _ => Ok(None),
        }
    }
}

async fn starting_by(
    tx: &mut Tx,
    meter: i64,
    at: Timestamp,
) -> Result<Option<(i64, i64)>, StoreError> {
    Ok(within!(tx, c => sqlx::query_as(
        "SELECT seq, last_at FROM report WHERE meter = $1 AND first_at <= $2
         ORDER BY first_at DESC, seq DESC LIMIT 1",
    )
    .bind(meter)
    .bind(at.millis())
    .fetch_optional(c))?)
}

async fn starting_after(tx: &mut Tx, meter: i64, at: Timestamp) -> Result<Option<i64>, StoreError> {
    Ok(within!(tx, c => sqlx::query_scalar(
        "SELECT seq FROM report WHERE meter = $1 AND first_at > $2
         ORDER BY first_at, seq LIMIT 1",
    )
    .bind(meter)
    .bind(at.millis())
    .fetch_optional(c))?)
}
