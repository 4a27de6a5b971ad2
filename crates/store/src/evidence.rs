//! Reading reports back: the evidence under a watering.

use domain::Timestamp;

use crate::column::{bound, number};
use crate::packed::{last_at, unpack};
use crate::pool::{Tx, on, within};
use crate::{Store, StoreError, StreamId};

/// Reports of one read; a watering with more evidence is read in pieces.
pub const MAX_REPORTS_PER_READ: i64 = 10_000;

/// A report as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReport {
    /// Its sequence number.
    pub seq: u64,
    /// The exact bytes that were signed.
    pub bytes: Vec<u8>,
}

impl Store {
    /// A stream's reports with these sequence numbers, both included, in order: the first
    /// [`MAX_REPORTS_PER_READ`] of them that are in the database.
    pub async fn reports(
        &self,
        stream: impl Into<StreamId>,
        first_seq: u64,
        last_seq: u64,
    ) -> Result<Vec<StoredReport>, StoreError> {
        let Some(known) = self.known(&stream.into()).await? else {
            return Ok(Vec::new());
        };
        let rows: Vec<(i64, i64, Vec<u8>)> = on!(self.pool, p => sqlx::query_as(
            "SELECT seq, first_at, packed FROM report WHERE meter = $1 AND seq >= $2 AND seq <= $3
             ORDER BY seq LIMIT $4",
        )
        .bind(known.id)
        .bind(bound(first_seq))
        .bind(bound(last_seq))
        .bind(MAX_REPORTS_PER_READ)
        .fetch_all(p))?;
        rows.into_iter()
            .map(|(seq, first_at, packed)| {
                let (_, bytes) = unpack(&known.head, first_at, &packed)?;
                Ok(StoredReport { seq: number("report", "seq", seq)?, bytes })
            })
            .collect()
    }

    /// The sequence numbers of the first and last report that bear on the time from `from` to `to`.
    ///
    /// The first is the one that starts last before or at `from`, or the first of all. The last is the
    /// one that starts last before or at `to`; if it does not reach `to`, the next to start, if there is
    /// one. None when nothing starts before or at `to`.
    pub async fn evidence_span(
        &self,
        stream: impl Into<StreamId>,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Option<(u64, u64)>, StoreError> {
        let stream = stream.into();
        let mut tx = self.pool.read().await?;
        let found: Option<(i64, i64, i64)> = within!(&mut tx, c => sqlx::query_as(
            "SELECT id, highest_seq, disordered FROM meter
             WHERE district = $1 AND code = $2 AND stream = $3",
        )
        .bind(self.district)
        .bind(stream.meter.as_str())
        .bind(stream.stream.code())
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

/// A report's number, its start, and itself, packed.
pub(crate) type Place = (i64, i64, Vec<u8>);

/// Search by halving, for a stream whose reports' times rise with their numbers.
pub(crate) struct Ordered<'a> {
    pub(crate) tx: &'a mut Tx,
    pub(crate) meter: i64,
    pub(crate) highest_seq: i64,
}

impl Ordered<'_> {
    async fn span(&mut self, from: i64, to: i64) -> Result<Option<(i64, i64)>, StoreError> {
        let Some((seq, first_at, packed)) = self.starting_by(to).await? else {
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
        if last_at(first_at, &packed)? >= to {
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
    pub(crate) async fn starting_by(&mut self, at: i64) -> Result<Option<Place>, StoreError> {
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
            "SELECT seq, first_at, packed FROM report WHERE meter = $1 AND seq > $2 AND seq <= $3
             ORDER BY seq DESC LIMIT 1",
        )
        .bind(self.meter)
        .bind(after)
        .bind(upto)
        .fetch_optional(c))?)
    }
}

/// The same for a stream whose clock has jumped back: all its reports are looked at.
async fn span_by_time(
    tx: &mut Tx,
    meter: i64,
    from: i64,
    to: i64,
) -> Result<Option<(i64, i64)>, StoreError> {
    const STARTING_BY: &str = "SELECT seq, first_at, packed FROM report
         WHERE meter = $1 AND first_at <= $2 ORDER BY first_at DESC, seq DESC LIMIT 1";
    let first: Option<Place> = within!(&mut *tx, c => sqlx::query_as(STARTING_BY)
        .bind(meter)
        .bind(from)
        .fetch_optional(c))?;
    let last: Option<Place> = within!(&mut *tx, c => sqlx::query_as(STARTING_BY)
        .bind(meter)
        .bind(to)
        .fetch_optional(c))?;
    let Some((last, first_at, packed)) = last else {
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
    let next: Option<i64> = if last_at(first_at, &packed)? >= to {
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
