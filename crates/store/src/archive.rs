//! What of a stream's reports is old and needed no more, for an archive file, and back from one.

use domain::Timestamp;

use crate::column::{bound, instant, instant_option, number, parsed, stored};
use crate::evidence::{Ordered, span_by_time};
use crate::gap::Gaps;
use crate::intake::{self, Row};
use crate::meter;
use crate::numbered::{Place, Wanted};
use crate::packed::{self, Head, Times, unpack};
use crate::pool::{Tx, changed, within};
use crate::sorting::sort_out;
use crate::stream::{enter_head, find_or_enter, head};
use crate::{
    MAX_REPORTS_PER_BATCH, MAX_REPORTS_PER_READ, Month, Store, StoreError, Stream, StreamId,
};

/// A report with all that the database knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedReport {
    /// Its sequence number.
    pub seq: u64,
    /// The time of its first reading.
    pub first_at: Timestamp,
    /// The time of its last reading.
    pub last_at: Timestamp,
    /// When it came in.
    pub received_at: Timestamp,
    /// The exact bytes that were signed.
    pub bytes: Vec<u8>,
}

/// A stream with old reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldStream {
    /// The stream.
    pub stream: StreamId,
    /// The month in which the oldest report starts that is in the database.
    pub oldest: Month,
}

/// What became of reports that were handed back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RestoredBatch {
    /// Reports that are in the database again.
    pub restored: u64,
    /// Reports that were there.
    pub present: u64,
    /// Reports under a number that other bytes have in the database: left out.
    pub contradicted: u64,
}

impl Store {
    /// Streams with a report that starts before an instant, by meter and stream.
    pub async fn streams_with_reports_before(
        &self,
        before: Timestamp,
    ) -> Result<Vec<OldStream>, StoreError> {
        let mut tx = self.pool.read().await?;
        let streams: Vec<(i64, String, String, i64, i64)> = within!(&mut tx, c => sqlx::query_as(
            "SELECT id, code, stream, highest_seq, disordered FROM meter
             WHERE district = $1 ORDER BY code, stream DESC",
        )
        .bind(self.district)
        .fetch_all(c))?;
        let mut old = Vec::new();
        for (meter, code, stream, highest_seq, disordered) in streams {
            let oldest = oldest(&mut tx, meter, highest_seq, disordered != 0).await?;
            let Some(oldest) = oldest.filter(|oldest| *oldest < before.millis()) else { continue };
            let stream = Stream::from_code(&stream)
                .ok_or_else(|| StoreError::corrupt("meter", "stream", &stream))?;
            old.push(OldStream {
                stream: StreamId { meter: parsed("meter", "code", &code)?, stream },
                oldest: Month::of(instant("report", "first_at", oldest)?),
            });
        }
        tx.commit().await?;
        Ok(old)
    }

    /// The number from which on a stream's reports are needed to tell any instant from `from` on; with
    /// none, any instant to come. The last report is always needed: the next one follows it.
    pub async fn needed_from(
        &self,
        stream: impl Into<StreamId>,
        from: Option<Timestamp>,
    ) -> Result<u64, StoreError> {
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
            return Ok(0);
        };
        let at = from.map_or(i64::MAX, Timestamp::millis);
        let needed = if disordered == 0 {
            let mut search = Ordered { tx: &mut tx, meter, highest_seq };
            search.starting_by(at).await?.map(|(seq, ..): Place| seq)
        } else {
            span_by_time(&mut tx, (meter, highest_seq), at, i64::MAX).await?.map(|(first, _)| first)
        };
        tx.commit().await?;
        number("report", "seq", needed.unwrap_or_default().min(highest_seq))
    }

    /// When the oldest report starts that is in the database, if older ones were archived.
    pub async fn archived_until(
        &self,
        stream: impl Into<StreamId>,
    ) -> Result<Option<Timestamp>, StoreError> {
        let stream = stream.into();
        let mut tx = self.pool.read().await?;
        let found: Option<(i64, i64)> = within!(&mut tx, c => sqlx::query_as(
            "SELECT id, highest_seq FROM meter
             WHERE district = $1 AND code = $2 AND stream = $3 AND archived > 0",
        )
        .bind(self.district)
        .bind(stream.meter.as_str())
        .bind(stream.stream.code())
        .fetch_optional(c))?;
        let oldest = match found {
            Some((meter, highest_seq)) => oldest(&mut tx, meter, highest_seq, false).await?,
            None => None,
        };
        tx.commit().await?;
        instant_option("report", "first_at", oldest)
    }

    /// A stream's reports that start in a month, above one number and below another, ascending: the
    /// first [`MAX_REPORTS_PER_READ`] of them.
    pub async fn reports_of_month(
        &self,
        stream: impl Into<StreamId>,
        month: Month,
        after_seq: u64,
        before_seq: u64,
    ) -> Result<Vec<ArchivedReport>, StoreError> {
        let Some(known) = self.known(&stream.into()).await? else {
            return Ok(Vec::new());
        };
        let mut tx = self.pool.read().await?;
        let wanted = Wanted {
            starts: month.start_millis()..month.end_millis(),
            ..Wanted::between(known.id, bound(after_seq.saturating_add(1)), bound(before_seq) - 1)
        };
        let rows = wanted.read(&mut tx, MAX_REPORTS_PER_READ).await?;
        tx.commit().await?;
        rows.into_iter()
            .map(|(seq, first_at, packed)| {
                let (times, bytes) = unpack(&known.head, first_at, &packed)?;
                Ok(ArchivedReport {
                    seq: number("report", "seq", seq)?,
                    first_at: instant("report", "first_at", times.first_at)?,
                    last_at: instant("report", "packed", times.last_at)?,
                    received_at: instant("report", "packed", times.received_at)?,
                    bytes,
                })
            })
            .collect()
    }

    /// Puts reports of one stream from an archive file back, in one transaction. What the database
    /// has is left as it is; what it never had is stored like a new report.
    pub async fn restore_reports(
        &self,
        now: Timestamp,
        stream: impl Into<StreamId>,
        reports: &[ArchivedReport],
    ) -> Result<RestoredBatch, StoreError> {
        let (what, count, most) = ("reports", reports.len(), MAX_REPORTS_PER_BATCH);
        if count > most {
            return Err(StoreError::TooMany { what, count, most });
        }
        let Some(first) = reports.first() else {
            return Ok(RestoredBatch::default());
        };
        let mut tx = self.write_reports(now, reports.iter().map(|report| report.first_at)).await?;
        let (id, _) = find_or_enter(&mut tx, self.district, &stream.into()).await?;
        let mut standings = meter::lock(&mut tx, &[id]).await?;
        let head: Head = match head(&mut tx, id).await? {
            Some(head) => head.into(),
            None => enter_head(&mut tx, id, packed::head_of(&first.bytes)).await?.into(),
        };
        let sorted = sort_out(&mut tx, &standings, rows(id, &head, reports)?).await?;
        put_back(&mut tx, id, &sorted.archived).await?;
        intake::insert(&mut tx, &sorted.fresh).await?;
        let gaps: Gaps = sorted.gaps;
        meter::advance(&mut tx, &mut standings, gaps, &sorted.fresh).await?;
        tx.commit().await?;
        let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
        Ok(RestoredBatch {
            restored: count(sorted.archived.len() + sorted.fresh.len()),
            present: count(sorted.repeated.len()),
            contradicted: count(sorted.reused.len()),
        })
    }
}

/// When the first report starts that is in the database, or the one that starts first where they lie in no order.
async fn oldest(
    tx: &mut Tx,
    meter: i64,
    highest_seq: i64,
    disordered: bool,
) -> Result<Option<i64>, StoreError> {
    let mut wanted = Wanted::between(meter, 1, highest_seq);
    if !disordered {
        return Ok(wanted.first(tx).await?.map(|(_, first_at, _)| first_at));
    }
    let mut oldest: Option<i64> = None;
    loop {
        let rows = wanted.take(tx, MAX_REPORTS_PER_READ).await?;
        if rows.is_empty() {
            return Ok(oldest);
        }
        oldest = rows.iter().map(|(_, first_at, _)| *first_at).chain(oldest).min();
    }
}

/// The rows of reports, ascending by number.
fn rows(meter: i64, head: &Head, reports: &[ArchivedReport]) -> Result<Vec<Row>, StoreError> {
    let row = |(position, report): (usize, &ArchivedReport)| {
        let times = Times {
            first_at: report.first_at.millis(),
            last_at: report.last_at.millis(),
            received_at: report.received_at.millis(),
        };
        if report.seq == 0 {
            return Err(StoreError::conflict("report", &0, "sequence numbers run from 1"));
        }
        let key = (meter, stored("report", report.seq)?);
        Ok(Row::new(key, head, times, &report.bytes, position))
    };
    let mut rows: Vec<Row> =
        reports.iter().enumerate().map(row).collect::<Result<_, StoreError>>()?;
    rows.sort_by_key(Row::key);
    Ok(rows)
}

/// Stores reports again that were archived.
async fn put_back(tx: &mut Tx, meter: i64, archived: &[Row]) -> Result<(), StoreError> {
    intake::insert(tx, archived).await?;
    let mut disordered = false;
    for row in archived {
        disordered = disordered || !meter::lies_between(tx, row).await?;
    }
    changed!(
        tx,
        sqlx::query("UPDATE meter SET archived = archived - $2 WHERE id = $1")
            .bind(meter)
            .bind(i64::try_from(archived.len()).unwrap_or(i64::MAX))
    )?;
    if disordered {
        changed!(tx, sqlx::query("UPDATE meter SET disordered = 1 WHERE id = $1").bind(meter))?;
    }
    Ok(())
}
