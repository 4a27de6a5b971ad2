//! The bulk path of reports: a batch's rows go in with as few statements as the engine allows.
//!
//! The only hot path of the store. SQLite takes multi-row `VALUES` of four fixed lengths (a
//! statement's text must be stable to stay prepared), PostgreSQL takes arrays.

use std::collections::HashMap;
use std::sync::Arc;

use crate::StoreError;
use crate::bulk::{self, hundred, json_rows, ten, thousand};
use crate::packed::{Head, Times, pack, unpack};
use crate::pool::Tx;

/// A meter's row and a sequence number.
pub(crate) type Key = (i64, i64);

/// One report on its way into the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) meter: i64,
    pub(crate) seq: i64,
    pub(crate) times: Times,
    pub(crate) head: Head,
    pub(crate) packed: Vec<u8>,
    /// Where it stands in the caller's batch.
    pub(crate) position: usize,
}

impl Row {
    /// Packs a report for its stream.
    pub(crate) fn new(
        (meter, seq): Key,
        head: &Head,
        times: Times,
        report: &[u8],
        position: usize,
    ) -> Self {
        let packed = pack(head, times, report);
        Self { meter, seq, times, head: Arc::clone(head), packed, position }
    }

    /// Whether a packed report of its stream that starts at an instant has the same bytes.
    pub(crate) fn has_bytes_of(&self, first_at: i64, packed: &[u8]) -> Result<bool, StoreError> {
        let (_, ours) = unpack(&self.head, self.times.first_at, &self.packed)?;
        let (_, theirs) = unpack(&self.head, first_at, packed)?;
        Ok(ours == theirs)
    }

    pub(crate) fn key(&self) -> Key {
        (self.meter, self.seq)
    }
}

/// Rows of one PostgreSQL statement.
const POSTGRES_CHUNK_ROWS: usize = 4096;

macro_rules! insert_text {
    ($rows:expr) => {
        concat!("INSERT INTO report (meter, seq, first_at, packed) VALUES ", $rows)
    };
}

const INSERTS: bulk::Texts = [
    (1000, insert_text!(thousand!("(?,?,?,?)"))),
    (100, insert_text!(hundred!("(?,?,?,?)"))),
    (10, insert_text!(ten!("(?,?,?,?)"))),
    (1, insert_text!("(?,?,?,?)")),
];

/// Stores rows whose numbers are free; the meters are locked, so they stay free.
pub(crate) async fn insert(tx: &mut Tx, rows: &[Row]) -> Result<(), StoreError> {
    match tx {
        Tx::Sqlite(tx) => {
            let mut left = rows;
            while !left.is_empty() {
                let (count, text) = bulk::longest(left.len(), &INSERTS);
                let (chunk, rest) = left.split_at(count);
                left = rest;
                let mut insert = sqlx::query(text);
                for row in chunk {
                    insert = insert
                        .bind(row.meter)
                        .bind(row.seq)
                        .bind(row.times.first_at)
                        .bind(row.packed.as_slice());
                }
                insert.execute(&mut **tx).await?;
            }
        }
        Tx::Postgres(tx) => {
            for chunk in rows.chunks(POSTGRES_CHUNK_ROWS) {
                let column = |field: fn(&Row) -> i64| chunk.iter().map(field).collect::<Vec<_>>();
                sqlx::query(
                    "INSERT INTO report (meter, seq, first_at, packed)
                     SELECT * FROM UNNEST($1::BIGINT[], $2::BIGINT[], $3::BIGINT[], $4::BYTEA[])",
                )
                .bind(column(|row| row.meter))
                .bind(column(|row| row.seq))
                .bind(column(|row| row.times.first_at))
                .bind(chunk.iter().map(|row| row.packed.as_slice()).collect::<Vec<_>>())
                .execute(&mut **tx)
                .await?;
            }
        }
    }
    Ok(())
}

/// The packed reports that the table holds under these numbers, and when they start.
pub(crate) async fn held(
    tx: &mut Tx,
    keys: &[Key],
) -> Result<HashMap<Key, (i64, Vec<u8>)>, StoreError> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(i64, i64, i64, Vec<u8>)> = match tx {
        Tx::Sqlite(tx) => {
            sqlx::query_as(
                "SELECT r.meter, r.seq, r.first_at, r.packed FROM json_each($1) AS v
                 CROSS JOIN report AS r ON r.seq >> 4 = (v.value ->> 1) >> 4
                     AND r.meter = v.value ->> 0 AND r.seq = v.value ->> 1",
            )
            .bind(json_rows(keys)?)
            .fetch_all(&mut **tx)
            .await?
        }
        Tx::Postgres(tx) => {
            sqlx::query_as(
                "SELECT r.meter, r.seq, r.first_at, r.packed
                 FROM UNNEST($1::BIGINT[], $2::BIGINT[]) AS v(meter, seq)
                 JOIN report AS r ON r.meter = v.meter AND r.seq = v.seq",
            )
            .bind(keys.iter().map(|key| key.0).collect::<Vec<_>>())
            .bind(keys.iter().map(|key| key.1).collect::<Vec<_>>())
            .fetch_all(&mut **tx)
            .await?
        }
    };
    let held = |(meter, seq, first_at, packed)| ((meter, seq), (first_at, packed));
    Ok(rows.into_iter().map(held).collect())
}
