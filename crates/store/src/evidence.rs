//! Reading reports back: the evidence under a watering.

use domain::Timestamp;

use crate::column::{bound, number};
use crate::numbered::{Place, Wanted};
use crate::packed::{last_at, unpack};
use crate::pool::{Tx, within};
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
        let mut tx = self.pool.read().await?;
        let wanted = Wanted::between(known.id, bound(first_seq), bound(last_seq));
        let rows = wanted.read(&mut tx, MAX_REPORTS_PER_READ).await?;
        tx.commit().await?;
        rows.into_iter()
            .map(|(seq, first_at, packed)| {
                let (_, bytes) = unpack(&known.head, first_at, &packed)?;
                Ok(StoredReport { seq: number("report", "seq", seq)?, bytes })
            })
            .collect()
    }

    /// The sequence numbers of the first and last report that bear on the time from `from` to `to`.
    ///
    /// Whatever the order in which they came and the times that they tell: between the two stands every reading of that time,
    /// the nearest before it and the nearest after it, as far as there are any. None when nothing starts before or
    /// at `to`.
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
            span_by_time(&mut tx, (meter, highest_seq), from.millis(), to.millis()).await?
        };
        tx.commit().await?;
        span.map(|(first, last)| {
            Ok((number("report", "seq", first)?, number("report", "seq", last)?))
        })
        .transpose()
    }
}

/// Search by halving, for a stream whose reports' times rise with their numbers and do not overlap.
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
            Some(place) => Some(place),
            None => self.from(1).first(self.tx).await?,
        };
        let first = first.map_or(seq, |(first, ..)| first);
        if last_at(first_at, &packed)? >= to {
            return Ok(Some((first, seq)));
        }
        let next = self.from(seq.saturating_add(1)).first(self.tx).await?;
        Ok(Some((first, next.map_or(seq, |(next, ..)| next))))
    }

    /// The report that starts last before or at an instant.
    pub(crate) async fn starting_by(&mut self, at: i64) -> Result<Option<Place>, StoreError> {
        self.from(1).last_that(self.tx, |(_, first_at, _)| *first_at <= at).await
    }

    fn from(&self, seq: i64) -> Wanted {
        Wanted::between(self.meter, seq, self.highest_seq)
    }
}

/// The numbers of the first and last report that bear on a time, for a stream whose reports lie in no order, or overlap: all
/// of them are looked at.
pub(crate) async fn span_by_time(
    tx: &mut Tx,
    (meter, highest_seq): (i64, i64),
    from: i64,
    to: i64,
) -> Result<Option<(i64, i64)>, StoreError> {
    let mut bearing = Bearing::on(from, to);
    let mut wanted = Wanted::between(meter, 1, highest_seq);
    loop {
        let rows = wanted.take(tx, MAX_REPORTS_PER_READ).await?;
        if rows.is_empty() {
            return Ok(bearing.span());
        }
        for (seq, first_at, packed) in &rows {
            bearing.look_at(*seq, *first_at, last_at(*first_at, packed)?);
        }
    }
}

/// What bears on a time: all reports that reach into it; and where no reading of theirs is the nearest, the one that ends
/// last before it and the one that starts first after it.
struct Bearing {
    from: i64,
    to: i64,
    /// Lowest and highest number of those that reach into it.
    within: Option<(i64, i64)>,
    /// Of those, the latest start up to `from` and the earliest end from `to` on.
    latest_start: Option<i64>,
    earliest_end: Option<i64>,
    /// The end and number of the one that ends last by `from`.
    before: Option<(i64, i64)>,
    /// The start and number of the one that starts first from `to` on; of those that start at `to`, the last.
    after: Option<(i64, i64)>,
}

impl Bearing {
    fn on(from: i64, to: i64) -> Self {
        Self {
            from,
            to,
            within: None,
            latest_start: None,
            earliest_end: None,
            before: None,
            after: None,
        }
    }

    fn look_at(&mut self, seq: i64, first_at: i64, last_at: i64) {
        if last_at <= self.from {
            self.before = self.before.max(Some((last_at, seq)));
        } else if first_at >= self.to {
            let nearer = self.after.is_none_or(|(start, number)| {
                first_at < start || first_at == start && (number < seq) == (start == self.to)
            });
            if nearer {
                self.after = Some((first_at, seq));
            }
        } else {
            let (low, high) = self.within.unwrap_or((seq, seq));
            self.within = Some((low.min(seq), high.max(seq)));
            if first_at <= self.from {
                self.latest_start = self.latest_start.max(Some(first_at));
            }
            if last_at >= self.to {
                self.earliest_end = Some(self.earliest_end.map_or(last_at, |end| end.min(last_at)));
            }
        }
    }

    fn span(self) -> Option<(i64, i64)> {
        let starts_by_from = self.after.map(|(start, _)| start).filter(|start| *start <= self.from);
        let latest_start = self.latest_start.max(starts_by_from);
        let before = self.before.filter(|(end, _)| latest_start.is_none_or(|start| start < *end));
        let ends_from_to = self.before.map(|(end, _)| end).filter(|end| *end >= self.to);
        let earliest_end = [self.earliest_end, ends_from_to].into_iter().flatten().min();
        let after = self
            .after
            .filter(|(start, _)| *start == self.to || earliest_end.is_none_or(|end| *start < end));
        if self.within.is_none() && before.is_none() && after.is_none_or(|(s, _)| s > self.to) {
            return None;
        }
        let numbers = self.within.map(|(low, high)| [low, high]).into_iter().flatten();
        let numbers: Vec<i64> =
            numbers.chain(before.map(|(_, seq)| seq)).chain(after.map(|(_, seq)| seq)).collect();
        numbers.iter().copied().min().zip(numbers.iter().copied().max())
    }
}
