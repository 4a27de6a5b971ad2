//! A meter's streams of reports, and how the database knows them.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::PoisonError;

use domain::MeterCode;

use crate::bulk::json_rows;
use crate::packed::{self, Head};
use crate::pool::{Tx, changed, on, within};
use crate::{Store, StoreError};

/// Meters kept in memory; more than any district has.
const MAX_METERS_REMEMBERED: usize = 1_000_000;

/// Which of a meter's two streams of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// What the meter, or the gateway in front of it, signed.
    Primary,
    /// Readings that a person entered and signed.
    Manual,
}

impl Stream {
    /// Every stream.
    pub const ALL: [Self; 2] = [Self::Primary, Self::Manual];

    /// The word that stands in the database and in archive files.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Manual => "manual",
        }
    }

    /// Reads [`Stream::code`].
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stream| stream.code() == code)
    }
}

/// One stream of reports: its numbers run from 1, each report once. A meter alone names its primary stream.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// The meter.
    pub meter: MeterCode,
    /// Which of its streams.
    pub stream: Stream,
}

impl StreamId {
    /// The stream of readings entered by hand.
    pub fn manual(meter: &MeterCode) -> Self {
        Self { meter: meter.clone(), stream: Stream::Manual }
    }
}

impl From<MeterCode> for StreamId {
    fn from(meter: MeterCode) -> Self {
        Self { meter, stream: Stream::Primary }
    }
}

impl From<&MeterCode> for StreamId {
    fn from(meter: &MeterCode) -> Self {
        meter.clone().into()
    }
}

impl From<&StreamId> for StreamId {
    fn from(stream: &StreamId) -> Self {
        stream.clone()
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.meter, self.stream.code())
    }
}

/// A stream as the database knows it; neither ever changes.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// Its row.
    pub(crate) id: i64,
    /// The beginning that its reports share.
    pub(crate) head: Head,
}

/// A stream's row, and its head once it has a report.
type Found = (i64, Option<Vec<u8>>);

const FIND: &str =
    "SELECT m.id, h.bytes FROM meter AS m LEFT JOIN report_head AS h ON h.meter = m.id
     WHERE m.district = $1 AND m.code = $2 AND m.stream = $3";

impl Store {
    /// A stream that has reports, from memory if it was seen before.
    pub(crate) async fn known(&self, stream: &StreamId) -> Result<Option<Known>, StoreError> {
        if let Some(known) = self.remembered(stream) {
            return Ok(Some(known));
        }
        let found: Option<Found> = on!(self.pool, p => sqlx::query_as(FIND)
            .bind(self.district)
            .bind(stream.meter.as_str())
            .bind(stream.stream.code())
            .fetch_optional(p))?;
        let Some((id, head)) = found else {
            return Ok(None);
        };
        let known = Known { id, head: head.as_deref().unwrap_or_default().into() };
        // A stream whose reports are older than heads are gets one with its next report.
        if head.is_some() && stream.stream == Stream::Primary {
            self.remember([(&stream.meter, &known)]);
        }
        Ok(Some(known))
    }

    /// The primary streams of meters whose reports are about to be stored, each with its first report
    /// of the batch; those that are new are entered. They must be remembered only after the commit.
    pub(crate) async fn enter_meters<'a>(
        &self,
        tx: &mut Tx,
        reports: impl IntoIterator<Item = (&'a MeterCode, &'a [u8])>,
    ) -> Result<HashMap<&'a MeterCode, Known>, StoreError> {
        let mut known = HashMap::new();
        // In one order everywhere: two servers that meet the same new meters must not wait for each other.
        let mut unknown = BTreeMap::new();
        {
            let remembered = self.meters.lock().unwrap_or_else(PoisonError::into_inner);
            for (meter, report) in reports {
                match remembered.get(meter) {
                    Some(found) => {
                        known.entry(meter).or_insert_with(|| found.clone());
                    }
                    None => {
                        unknown.entry(meter).or_insert(report);
                    }
                }
            }
        }
        let mut found = find_primary(tx, self.district, unknown.keys().copied()).await?;
        for (meter, first_report) in unknown {
            let (id, head) = match found.remove(meter.as_str()) {
                Some(found) => found,
                None => find_or_enter(tx, self.district, &meter.into()).await?,
            };
            let head = match head {
                Some(head) => head,
                None => enter_head(tx, id, packed::head_of(first_report)).await?,
            };
            known.insert(meter, Known { id, head: head.into() });
        }
        Ok(known)
    }

    fn remembered(&self, stream: &StreamId) -> Option<Known> {
        match stream.stream {
            Stream::Primary => {
                let meters = self.meters.lock().unwrap_or_else(PoisonError::into_inner);
                meters.get(&stream.meter).cloned()
            }
            Stream::Manual => None,
        }
    }

    /// Keeps the primary streams of meters that are committed.
    pub(crate) fn remember<'a>(
        &self,
        meters: impl IntoIterator<Item = (&'a MeterCode, &'a Known)>,
    ) {
        let mut remembered = self.meters.lock().unwrap_or_else(PoisonError::into_inner);
        for (meter, known) in meters {
            if remembered.len() >= MAX_METERS_REMEMBERED {
                return;
            }
            if !remembered.contains_key(meter) {
                remembered.insert(meter.clone(), known.clone());
            }
        }
    }
}

/// A stream's row, entered if it has none.
pub(crate) async fn find_or_enter(
    tx: &mut Tx,
    district: i64,
    stream: &StreamId,
) -> Result<Found, StoreError> {
    if let Some(found) = find(tx, district, stream).await? {
        return Ok(found);
    }
    changed!(
        tx,
        sqlx::query(
            "INSERT INTO meter (district, code, stream, stored_seq, highest_seq, disordered, reports, archived, archived_seq)
             VALUES ($1, $2, $3, 0, 0, 0, 0, 0, 0) ON CONFLICT (district, code, stream) DO NOTHING",
        )
        .bind(district)
        .bind(stream.meter.as_str())
        .bind(stream.stream.code())
    )?;
    // Another server may have entered it and its head in between.
    find(tx, district, stream).await?.ok_or_else(|| {
        StoreError::conflict("stream", stream, "it was removed while a report of it was stored")
    })
}

/// The primary streams of those meters that have one, by code: after a start all meters come at once.
async fn find_primary(
    tx: &mut Tx,
    district: i64,
    meters: impl Iterator<Item = &MeterCode>,
) -> Result<HashMap<String, Found>, StoreError> {
    let codes: Vec<&str> = meters.map(MeterCode::as_str).collect();
    if codes.is_empty() {
        return Ok(HashMap::new());
    }
    let primary = Stream::Primary.code();
    let rows: Vec<(String, i64, Option<Vec<u8>>)> = match tx {
        Tx::Sqlite(tx) => {
            sqlx::query_as(
                "SELECT m.code, m.id, h.bytes FROM json_each($3) AS v
                 CROSS JOIN meter AS m ON m.district = $1 AND m.code = v.value AND m.stream = $2
                 LEFT JOIN report_head AS h ON h.meter = m.id",
            )
            .bind(district)
            .bind(primary)
            .bind(json_rows(&codes)?)
            .fetch_all(&mut **tx)
            .await?
        }
        Tx::Postgres(tx) => {
            sqlx::query_as(
                "SELECT m.code, m.id, h.bytes FROM meter AS m
                 LEFT JOIN report_head AS h ON h.meter = m.id
                 WHERE m.district = $1 AND m.code = ANY($3) AND m.stream = $2",
            )
            .bind(district)
            .bind(primary)
            .bind(codes)
            .fetch_all(&mut **tx)
            .await?
        }
    };
    Ok(rows.into_iter().map(|(code, id, head)| (code, (id, head))).collect())
}

async fn find(tx: &mut Tx, district: i64, stream: &StreamId) -> Result<Option<Found>, StoreError> {
    Ok(within!(tx, c => sqlx::query_as(FIND)
        .bind(district)
        .bind(stream.meter.as_str())
        .bind(stream.stream.code())
        .fetch_optional(c))?)
}

/// Gives a stream its head; returns the one it has, which may be another server's.
pub(crate) async fn enter_head(tx: &mut Tx, id: i64, head: &[u8]) -> Result<Vec<u8>, StoreError> {
    changed!(
        tx,
        sqlx::query(
            "INSERT INTO report_head (meter, bytes) VALUES ($1, $2) ON CONFLICT (meter) DO NOTHING"
        )
        .bind(id)
        .bind(head)
    )?;
    let entered = self::head(tx, id).await?;
    entered.ok_or_else(|| StoreError::corrupt("report_head", "meter", &id.to_string()))
}

/// A stream's head, if it has one.
pub(crate) async fn head(tx: &mut Tx, id: i64) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(within!(tx, c => sqlx::query_scalar("SELECT bytes FROM report_head WHERE meter = $1")
        .bind(id)
        .fetch_optional(c))?)
}
