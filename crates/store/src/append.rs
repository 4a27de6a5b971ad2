//! Reports that are made here: the next of a stream, by the server's own hand or by a person's.
//!
//! A device numbers and chains its reports itself. What a gateway vouches for and what a person enters
//! comes without a number: it becomes the next report of its stream, made while the stream is locked,
//! so that of two servers none can give a number twice or fork the chain.

use std::collections::{BTreeSet, HashMap};

use domain::{MeterCode, Timestamp};
use sha2::{Digest, Sha256};

use crate::column::number;
use crate::gap::Gaps;
use crate::intake::{self, Key, Row};
use crate::meter::{self, Standings};
use crate::packed::{self, Head, Times, unpack};
use crate::pool::{Tx, changed, within};
use crate::stream::{enter_head, find_or_enter, head};
use crate::{MAX_REPORTS_PER_BATCH, Store, StoreError, StreamId};

/// Something that is to become the next report of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAppend {
    /// The stream.
    pub stream: StreamId,
    /// SHA-256 of what came in: the same again is the same report, not another.
    pub source: [u8; 32],
    /// The time of its first reading.
    pub first_at: Timestamp,
    /// The time of its last reading.
    pub last_at: Timestamp,
}

/// Where the next report of a stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next<'a> {
    /// Its sequence number.
    pub seq: u64,
    /// The exact bytes of the report before it; none for number 1.
    pub previous: Option<&'a [u8]>,
}

impl Store {
    /// Makes reports and stores them, in one transaction; returns their sequence numbers.
    ///
    /// `make` is handed the position in `items` and the place of the next report of that item's
    /// stream, and returns the report's bytes, or none to leave the item out. It is not called for an
    /// item whose source was appended before: that has its number. It runs while the streams are
    /// locked: let it do no more than encode and sign.
    pub async fn append(
        &self,
        received_at: Timestamp,
        items: &[NewAppend],
        mut make: impl FnMut(usize, Next<'_>) -> Option<Vec<u8>> + Send,
    ) -> Result<Vec<Option<u64>>, StoreError> {
        let (what, count, most) = ("reports", items.len(), MAX_REPORTS_PER_BATCH);
        if count > most {
            return Err(StoreError::TooMany { what, count, most });
        }
        let mut tx =
            self.write_reports(received_at, items.iter().map(|item| item.first_at)).await?;
        let (mut ends, mut standings) = self.lock_ends(&mut tx, items).await?;
        let (mut rows, mut seqs) = (Vec::new(), Vec::with_capacity(items.len()));
        for (position, item) in items.iter().enumerate() {
            let Some(end) = ends.get_mut(&item.stream) else {
                continue;
            };
            let mut seq = appended(&mut tx, end.id, &item.source).await?;
            if seq.is_none()
                && let Some(bytes) = make(position, end.next()?)
            {
                rows.push(end.push(&mut tx, received_at, position, item, bytes).await?);
                seq = Some(end.seq);
            }
            seqs.push(seq.map(|seq| number("report", "seq", seq)).transpose()?);
        }
        rows.sort_by_key(Row::key);
        intake::insert(&mut tx, &rows).await?;
        meter::advance(&mut tx, &mut standings, Gaps::default(), &rows).await?;
        tx.commit().await?;
        Ok(seqs)
    }

    /// Stores an envelope of readings entered by hand as the next report of the meter's manual stream;
    /// returns its number. The same bytes again keep the number they have.
    pub async fn append_manual(
        &self,
        received_at: Timestamp,
        meter: &MeterCode,
        first_at: Timestamp,
        last_at: Timestamp,
        envelope: &[u8],
    ) -> Result<u64, StoreError> {
        let source = Sha256::digest(envelope).into();
        let stream = StreamId::manual(meter);
        let item = NewAppend { stream, source, first_at, last_at };
        let seqs = self.append(received_at, &[item], |_, _| Some(envelope.to_vec())).await?;
        seqs.into_iter().flatten().next().ok_or_else(|| {
            StoreError::conflict("envelope of meter", meter, "it was given no number: try again")
        })
    }

    /// Enters and locks the items' streams, and reads where each ends.
    async fn lock_ends<'a>(
        &self,
        tx: &mut Tx,
        items: &'a [NewAppend],
    ) -> Result<(HashMap<&'a StreamId, End>, Standings), StoreError> {
        // In one order everywhere, as in `enter_meters`.
        let streams: BTreeSet<&StreamId> = items.iter().map(|item| &item.stream).collect();
        let mut ends = HashMap::with_capacity(streams.len());
        for stream in streams {
            let (id, head) = find_or_enter(tx, self.district, stream).await?;
            ends.insert(stream, End { id, head: head.map(Into::into), seq: 0, last: None });
        }
        let mut ids: Vec<i64> = ends.values().map(|end| end.id).collect();
        ids.sort_unstable();
        let standings = meter::lock(tx, &ids).await?;
        let started = standings.values().filter(|meter| meter.highest_seq > 0);
        let lasts: Vec<Key> = started.map(|meter| (meter.id, meter.highest_seq)).collect();
        let last = intake::held(tx, &lasts).await?;
        for end in ends.values_mut() {
            end.seq = standings.get(&end.id).map_or(0, |meter| meter.highest_seq);
            if end.head.is_none() {
                // Another server may have given it one before the lock.
                end.head = head(tx, end.id).await?.map(Into::into);
            }
            if end.seq > 0 {
                let (first_at, packed) = last.get(&(end.id, end.seq)).ok_or_else(|| {
                    StoreError::corrupt("report", "seq", &format!("no report {}", end.seq))
                })?;
                let head = end.head.as_deref().unwrap_or_default();
                end.last = Some(unpack(head, *first_at, packed)?.1);
            }
        }
        Ok((ends, standings))
    }
}

/// Where a locked stream ends, while reports are appended.
struct End {
    id: i64,
    head: Option<Head>,
    /// The number of its last report; 0 when it has none.
    seq: i64,
    last: Option<Vec<u8>>,
}

impl End {
    fn next(&self) -> Result<Next<'_>, StoreError> {
        let seq = self.seq.checked_add(1).and_then(|seq| u64::try_from(seq).ok());
        let range = StoreError::Range { what: "report", value: u64::MAX };
        Ok(Next { seq: seq.ok_or(range)?, previous: self.last.as_deref() })
    }

    /// Takes a report as the stream's next, and remembers its source.
    async fn push(
        &mut self,
        tx: &mut Tx,
        received_at: Timestamp,
        position: usize,
        item: &NewAppend,
        bytes: Vec<u8>,
    ) -> Result<Row, StoreError> {
        let head = match self.head.take() {
            Some(head) => head,
            None => enter_head(tx, self.id, packed::head_of(&bytes)).await?.into(),
        };
        self.seq += 1;
        let times = Times {
            first_at: item.first_at.millis(),
            last_at: item.last_at.millis(),
            received_at: received_at.millis(),
        };
        let row = Row::new((self.id, self.seq), &head, times, &bytes, position);
        (self.head, self.last) = (Some(head), Some(bytes));
        changed!(
            tx,
            sqlx::query("INSERT INTO appended (meter, sha256, seq) VALUES ($1, $2, $3)")
                .bind(self.id)
                .bind(item.source.as_slice())
                .bind(self.seq)
        )?;
        Ok(row)
    }
}

/// The number under which a source was appended before.
async fn appended(tx: &mut Tx, meter: i64, source: &[u8; 32]) -> Result<Option<i64>, StoreError> {
    Ok(within!(tx, c => sqlx::query_scalar(
        "SELECT seq FROM appended WHERE meter = $1 AND sha256 = $2",
    )
    .bind(meter)
    .bind(source.as_slice())
    .fetch_optional(c))?)
}
