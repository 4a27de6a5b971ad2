//! Reading a stream's reports by their numbers.
//!
//! PostgreSQL's partitions have an index by stream and number. On SQLite such an index would have a place of its own for each
//! stream, and storing a report of each of ten thousand meters would change ten thousand pages. There the index goes by
//! blocks of numbers first, so that what streams report at one time lies together; reading goes from block to block.

use std::ops::Range;

use sqlx::{Sqlite, Transaction};

use crate::StoreError;
use crate::pool::Tx;

/// How many bits of a number say where in its block it lies; stands in the index and in the texts here.
const BLOCK_BITS: u32 = 4;
/// Numbers of one block.
const BLOCK_NUMBERS: i64 = 1 << BLOCK_BITS;
/// The most blocks that one statement looks into.
const MAX_BLOCKS_PER_STATEMENT: i64 = 1_024;

/// A report's number, its start, and itself, packed.
pub(crate) type Place = (i64, i64, Vec<u8>);

/// Reports of a stream.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// The stream's row.
    pub(crate) meter: i64,
    /// The first number.
    pub(crate) first: i64,
    /// The last number.
    pub(crate) last: i64,
    /// When they start, in milliseconds.
    pub(crate) starts: Range<i64>,
}

impl Wanted {
    /// All with numbers from one to another, both included.
    pub(crate) fn between(meter: i64, first: i64, last: i64) -> Self {
        Self { meter, first, last, starts: i64::MIN..i64::MAX }
    }

    /// Those that are in the database, ascending; the first so many of them.
    pub(crate) async fn read(&self, tx: &mut Tx, rows: i64) -> Result<Vec<Place>, StoreError> {
        match tx {
            Tx::Sqlite(tx) => self.read_blocks(tx, rows).await,
            Tx::Postgres(tx) => Ok(sqlx::query_as(
                "SELECT seq, first_at, packed FROM report
                 WHERE meter = $1 AND seq >= $2 AND seq <= $3 AND first_at >= $4 AND first_at < $5
                 ORDER BY seq LIMIT $6",
            )
            .bind(self.meter)
            .bind(self.first)
            .bind(self.last)
            .bind(self.starts.start)
            .bind(self.starts.end)
            .bind(rows)
            .fetch_all(&mut **tx)
            .await?),
        }
    }

    /// The first so many of them, which are then wanted no more.
    pub(crate) async fn take(&mut self, tx: &mut Tx, rows: i64) -> Result<Vec<Place>, StoreError> {
        let taken = self.read(tx, rows).await?;
        if let Some((last, ..)) = taken.last() {
            match last.checked_add(1) {
                Some(next) => self.first = next,
                None => self.last = 0,
            }
        }
        Ok(taken)
    }

    /// The first of them.
    pub(crate) async fn first(&self, tx: &mut Tx) -> Result<Option<Place>, StoreError> {
        Ok(self.read(tx, 1).await?.pop())
    }

    /// The last of them for which something holds that holds for all before it, found by halving.
    pub(crate) async fn last_that(
        mut self,
        tx: &mut Tx,
        holds: impl Fn(&Place) -> bool,
    ) -> Result<Option<Place>, StoreError> {
        let mut found = None;
        while self.first <= self.last {
            let middle = self.first + (self.last - self.first) / 2;
            match (Self { first: middle, ..self.clone() }).first(tx).await? {
                Some(place) if holds(&place) => {
                    let next = place.0.checked_add(1);
                    found = Some(place);
                    let Some(next) = next else { break };
                    self.first = next;
                }
                // There is none between the middle and this one.
                Some(_) | None => self.last = middle - 1,
            }
        }
        Ok(found)
    }

    /// The last of them.
    pub(crate) async fn last(self, tx: &mut Tx) -> Result<Option<Place>, StoreError> {
        // Nearly always it is one of the last numbers.
        let near = Self { first: self.first.max(self.last - BLOCK_NUMBERS + 1), ..self.clone() };
        match near.read(tx, BLOCK_NUMBERS).await?.pop() {
            Some(place) => Ok(Some(place)),
            None => self.last_that(tx, |_| true).await,
        }
    }

    async fn read_blocks(
        &self,
        tx: &mut Transaction<'static, Sqlite>,
        rows: i64,
    ) -> Result<Vec<Place>, StoreError> {
        let most = usize::try_from(rows).unwrap_or_default();
        let (mut block, mut last) = (block_of(self.first.max(1)), block_of(self.last));
        let mut blocks = (rows / BLOCK_NUMBERS + 1).min(MAX_BLOCKS_PER_STATEMENT);
        let mut found = Vec::new();
        while block <= last && found.len() < most {
            let upto = last.min(block + blocks - 1);
            let mut more: Vec<Place> = sqlx::query_as(
                "WITH RECURSIVE block(n) AS (SELECT $2 UNION ALL SELECT n + 1 FROM block WHERE n < $3)
                 SELECT r.seq, r.first_at, r.packed FROM block
                 CROSS JOIN report AS r ON r.seq >> 4 = block.n AND r.meter = $1
                 WHERE r.seq >= $4 AND r.seq <= $5 AND r.first_at >= $6 AND r.first_at < $7",
            )
            .bind(self.meter)
            .bind(block)
            .bind(upto)
            .bind(self.first)
            .bind(self.last)
            .bind(self.starts.start)
            .bind(self.starts.end)
            .fetch_all(&mut **tx)
            .await?;
            more.sort_unstable_by_key(|place| place.0);
            found.append(&mut more);
            if upto == last {
                break;
            }
            // A meter may pass over more numbers than could be looked through, and a caller may ask for more than there are.
            let ahead: Option<(i64, Option<i64>)> = sqlx::query_as(
                "SELECT highest_seq, (SELECT last_seq FROM gap WHERE meter = $1 AND last_seq >= $2 AND first_seq = (
                     SELECT MAX(first_seq) FROM gap WHERE meter = $1 AND first_seq <= $2))
                 FROM meter WHERE id = $1",
            )
            .bind(self.meter)
            .bind((upto + 1) << BLOCK_BITS)
            .fetch_optional(&mut **tx)
            .await?;
            let Some((highest, gap_end)) = ahead else { break };
            last = last.min(block_of(highest));
            block = gap_end.map_or(upto + 1, |end| block_of(end + 1));
            blocks = (blocks * 4).min(MAX_BLOCKS_PER_STATEMENT);
        }
        found.truncate(most);
        Ok(found)
    }
}

/// The block that a number lies in.
fn block_of(seq: i64) -> i64 {
    seq >> BLOCK_BITS
}
