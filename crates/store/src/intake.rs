//! The bulk path of reports: a batch's rows go in with as few statements as the engine allows.
//!
//! The only hot path of the store. SQLite takes multi-row `VALUES` of three fixed lengths (a
//! statement's text must be stable to stay prepared), PostgreSQL takes arrays.

use std::collections::{HashMap, HashSet};

use domain::Timestamp;
use sqlx::{Postgres, Sqlite, Transaction};

use crate::StoreError;
use crate::bulk::{self, hundred, json_rows, ten};
use crate::pool::Tx;

/// One report on its way into the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) meter: i64,
    pub(crate) seq: i64,
    pub(crate) first_at: i64,
    pub(crate) last_at: i64,
    pub(crate) bytes: &'a [u8],
    /// Where it stands in the caller's batch.
    pub(crate) position: usize,
}

/// What the table holds under a meter and sequence number that was given more than once.
#[derive(Debug)]
pub(crate) struct Held {
    /// This batch brought it: the first row with the number is new, the others repeat it.
    pub(crate) fresh: bool,
    pub(crate) bytes: Vec<u8>,
}

/// Rows by meter and sequence number that were not all new.
pub(crate) type Repeats = HashMap<(i64, i64), Held>;

/// Rows of one PostgreSQL statement.
const POSTGRES_CHUNK_ROWS: usize = 4096;

/// Stores the rows that are new; returns what is held under the numbers of a chunk in which some were not.
pub(crate) async fn insert(
    tx: &mut Tx,
    district: i64,
    received_at: Timestamp,
    rows: &[Row<'_>],
) -> Result<Repeats, StoreError> {
    match tx {
        Tx::Sqlite(tx) => insert_sqlite(tx, district, received_at, rows).await,
        Tx::Postgres(tx) => {
            let mut repeats = Repeats::new();
            for chunk in rows.chunks(POSTGRES_CHUNK_ROWS) {
                insert_postgres(tx, district, received_at, chunk, &mut repeats).await?;
            }
            Ok(repeats)
        }
    }
}

macro_rules! insert_text {
    ($rows:expr) => {
        concat!(
            "INSERT INTO report (district, meter, seq, first_at, last_at, received_at, bytes) VALUES ",
            $rows,
            " ON CONFLICT (meter, seq) DO NOTHING"
        )
    };
}

const INSERTS: bulk::Texts = [
    (100, insert_text!(hundred!("(?,?,?,?,?,?,?)"))),
    (10, insert_text!(ten!("(?,?,?,?,?,?,?)"))),
    (1, insert_text!("(?,?,?,?,?,?,?)")),
];

async fn insert_sqlite(
    tx: &mut Transaction<'static, Sqlite>,
    district: i64,
    received_at: Timestamp,
    rows: &[Row<'_>],
) -> Result<Repeats, StoreError> {
    // Row ids only grow, so whatever lies above this one came with this batch.
    let before: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(rowid), 0) FROM report")
        .fetch_one(&mut **tx)
        .await?;
    let mut repeats = Repeats::new();
    let mut left = rows;
    while !left.is_empty() {
        let (count, text) = bulk::longest(left.len(), &INSERTS);
        let (chunk, rest) = left.split_at(count);
        left = rest;
        let mut insert = sqlx::query(text);
        for row in chunk {
            insert = insert
                .bind(district)
                .bind(row.meter)
                .bind(row.seq)
                .bind(row.first_at)
                .bind(row.last_at)
                .bind(received_at.millis())
                .bind(row.bytes);
        }
        let stored = insert.execute(&mut **tx).await?.rows_affected();
        if stored < chunk.len() as u64 {
            look_up_sqlite(tx, before, chunk, &mut repeats).await?;
        }
    }
    Ok(repeats)
}

async fn look_up_sqlite(
    tx: &mut Transaction<'static, Sqlite>,
    before: i64,
    chunk: &[Row<'_>],
    repeats: &mut Repeats,
) -> Result<(), StoreError> {
    let keys: Vec<(i64, i64)> = chunk.iter().map(|row| (row.meter, row.seq)).collect();
    let held: Vec<(i64, i64, i64, Vec<u8>)> = sqlx::query_as(
        "SELECT r.meter, r.seq, r.rowid, r.bytes FROM json_each($1) AS v
         CROSS JOIN report AS r ON r.meter = v.value ->> 0 AND r.seq = v.value ->> 1",
    )
    .bind(json_rows(&keys)?)
    .fetch_all(&mut **tx)
    .await?;
    for (meter, seq, row_id, bytes) in held {
        let fresh = row_id > before;
        repeats.entry((meter, seq)).or_insert(Held { fresh, bytes });
    }
    Ok(())
}

async fn insert_postgres(
    tx: &mut Transaction<'static, Postgres>,
    district: i64,
    received_at: Timestamp,
    chunk: &[Row<'_>],
    repeats: &mut Repeats,
) -> Result<(), StoreError> {
    let meters: Vec<i64> = chunk.iter().map(|row| row.meter).collect();
    let seqs: Vec<i64> = chunk.iter().map(|row| row.seq).collect();
    let stored: Vec<(i64, i64)> = sqlx::query_as(
        "INSERT INTO report (district, meter, seq, first_at, last_at, received_at, bytes)
         SELECT $1, v.meter, v.seq, v.first_at, v.last_at, $2, v.bytes
         FROM UNNEST($3::BIGINT[], $4::BIGINT[], $5::BIGINT[], $6::BIGINT[], $7::BYTEA[])
              AS v(meter, seq, first_at, last_at, bytes)
         ON CONFLICT (meter, seq) DO NOTHING
         RETURNING meter, seq",
    )
    .bind(district)
    .bind(received_at.millis())
    .bind(&meters)
    .bind(&seqs)
    .bind(chunk.iter().map(|row| row.first_at).collect::<Vec<_>>())
    .bind(chunk.iter().map(|row| row.last_at).collect::<Vec<_>>())
    .bind(chunk.iter().map(|row| row.bytes).collect::<Vec<_>>())
    .fetch_all(&mut **tx)
    .await?;
    if stored.len() == chunk.len() {
        return Ok(());
    }
    let stored: HashSet<(i64, i64)> = stored.into_iter().collect();
    let held: Vec<(i64, i64, Vec<u8>)> = sqlx::query_as(
        "SELECT r.meter, r.seq, r.bytes FROM UNNEST($1::BIGINT[], $2::BIGINT[]) AS v(meter, seq)
         JOIN report AS r ON r.meter = v.meter AND r.seq = v.seq",
    )
    .bind(&meters)
    .bind(&seqs)
    .fetch_all(&mut **tx)
    .await?;
    for (meter, seq, bytes) in held {
        let fresh = stored.contains(&(meter, seq));
        repeats.entry((meter, seq)).or_insert(Held { fresh, bytes });
    }
    Ok(())
}
