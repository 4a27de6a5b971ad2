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
    /// The first is the one that starts last before or at `from`, or the first of all. The last is the
    /// one that starts last before or at `to`; if it does not reach `to`, the next to start, if there is
    /// one. None when nothing starts before or at `to`.
    pub async fn evidence_span(
        &self,
        meter: &MeterCode,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Option<(u64, u64)>, StoreError> {
        let mut tx = self.pool.read().await?;
        let found: Option<(i64, i64, i64)> = within!(&mut tx, c => sqlx::query_as(
            "SELECT id, highest_seq, disordered FROM meter WHERE district = $1 AND code = $2",
        )
        .bind(self.district)
        .bind(meter.as_str())
        .fetch_optional(c))?;
        let Some((meter, highest_seq, disordered)) = found else {
            return Ok(None);
        };
        let span = if disordered == 0 {
            let mut search = Ordered { tx: &mut tx, meter, highest_seq };
            search.span(from.millis(), to.millis()).await?
        } else {
            span_by_time(&mut tx, meter, from.millis(), to.millis()).await?
        };
        tx.commit().await?;
        span.map(|(first, last)| {
            Ok((number("report", "seq", first)?, number("report", "seq", last)?))
        })
        .transpose()
    }
}

/// A report's place: its number, its first and its last reading.
type Place = (i64, i64, i64);

/// Search by halving, for a meter whose reports' times rise with their numbers.
struct Ordered<'a> {
    tx: &'a mut Tx,
    meter: i64,
    highest_seq: i64,
}

impl Ordered<'_> {
    async fn span(&mut self, from: i64, to: i64) -> Result<Option<(i64, i64)>, StoreError> {
        let Some((seq, _, last_at)) = self.starting_by(to).await? else {
            return Ok(None);
        };
        let first = match self.starting_by(from).await? {
            Some((first, ..)) => first,
            None => within!(&mut *self.tx, c => sqlx::query_scalar(
                "SELECT seq FROM report WHERE meter = $1 ORDER BY seq LIMIT 1",
            )
            .bind(self.meter)
            .fetch_one(c))?,
        };
        if last_at >= to {
            return Ok(Some((first, seq)));
        }
        let next: Option<i64> = within!(&mut *self.tx, c => sqlx::query_scalar(
            "SELECT seq FROM report WHERE meter = $1 AND seq > $2 ORDER BY seq LIMIT 1",
        )
        .bind(self.meter)
        .bind(seq)
        .fetch_optional(c))?;
        Ok(Some((first, next.unwrap_or(seq))))
    }

    /// The report that starts last before or at an instant.
    async fn starting_by(&mut self, at: i64) -> Result<Option<Place>, StoreError> {
        let mut found = None;
        // What is sought lies after `low`, or is what was found, and before `high`.
        let (mut low, mut high) = (0, self.highest_seq.saturating_add(1));
        while low < high - 1 {
            let middle = low + (high - low) / 2;
            match self.last_between(low, middle).await? {
                Some(place) if place.1 > at => high = place.0,
                Some(place) => {
                    found = Some(place);
                    low = middle;
                }
                None => low = middle,
            }
        }
        Ok(found)
    }

    async fn last_between(&mut self, after: i64, upto: i64) -> Result<Option<Place>, StoreError> {
        Ok(within!(&mut *self.tx, c => sqlx::query_as(
            "SELECT seq, first_at, last_at FROM report WHERE meter = $1 AND seq > $2 AND seq <= $3
             ORDER BY seq DESC LIMIT 1",
        )
        .bind(self.meter)
        .bind(after)
        .bind(upto)
        .fetch_optional(c))?)
    }
}

/// The same for a meter whose clock has jumped back: all its reports are looked at.
async fn span_by_time(
    tx: &mut Tx,
    meter: i64,
    from: i64,
    to: i64,
) -> Result<Option<(i64, i64)>, StoreError> {
    const STARTING_BY: &str = "SELECT seq, first_at, last_at FROM report
         WHERE meter = $1 AND first_at <= $2 ORDER BY first_at DESC, seq DESC LIMIT 1";
    let first: Option<Place> = within!(&mut *tx, c => sqlx::query_as(STARTING_BY)
        .bind(meter)
        .bind(from)
        .fetch_optional(c))?;
    let last: Option<Place> = within!(&mut *tx, c => sqlx::query_as(STARTING_BY)
        .bind(meter)
        .bind(to)
        .fetch_optional(c))?;
    let Some((last, _, last_at)) = last else {
        return Ok(None);
    };
    let first = match first {
        Some((first, ..)) => first,
        None => within!(&mut *tx, c => sqlx::query_scalar(
            "SELECT seq FROM report WHERE meter = $1 ORDER BY first_at, seq LIMIT 1",
        )
        .bind(meter)
        .fetch_one(c))?,
    };
    let next: Option<i64> = if last_at >= to {
        None
    } else {
        within!(&mut *tx, c => sqlx::query_scalar(
            "SELECT seq FROM report WHERE meter = $1 AND first_at > $2 ORDER BY first_at, seq LIMIT 1",
        )
        .bind(meter)
        .bind(to)
        .fetch_optional(c))?
    };
    let last = next.unwrap_or(last);
    // A clock that was set back can make the later report the one with the lower number.
    Ok(Some((first.min(last), first.max(last))))
}
