//! The public log: its head, its tiles, its checkpoint, and the one way in which it grows.

use domain::progress::Progress;
use domain::{OutletId, RoundId, Timestamp, VillageId};

use crate::bulk::json_rows;
use crate::column::{bound, fixed, number, stored};
use crate::pool::{Tx, changed, on, within};
use crate::projection::{Gathered, Projection};
use crate::{Store, StoreError};

/// Entries of one posting.
pub const MAX_ENTRIES_PER_POSTING: usize = 10_000;

/// The root of a log without entries: SHA-256 of nothing (RFC 6962 §2.1).
pub const EMPTY_ROOT: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// Length of one hash in a tile.
const HASH_BYTES: u64 = 32;
/// Hashes of a full tile, as a power of two (C2SP tlog-tiles).
const TILE_HEIGHT: u32 = 8;
/// Levels of tiles that a log of 2^64 entries has.
const MAX_TILE_LEVELS: u8 = 8;

/// How large the log is and what it hashes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Entries.
    pub size: u64,
    /// The root of the Merkle tree over them.
    pub root: [u8; 32],
}

/// A tile of the Merkle tree: hashes of level 8·`level`, 256 when it is full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// The tile's level.
    pub level: u8,
    /// Its index within the level.
    pub index: u64,
    /// Its hashes, 32 bytes each, from the left.
    pub hashes: Vec<u8>,
}

/// An entry about to be posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// Its index: the log's size before it.
    pub index: u64,
    /// Its kind: `watering`, `correction`, `bill-run`, …
    pub kind: String,
    /// The village it concerns.
    pub village: Option<VillageId>,
    /// The round it concerns.
    pub round: Option<RoundId>,
    /// The outlet it concerns.
    pub outlet: Option<OutletId>,
    /// The statement it posts, which must be co-signed; none for what nobody has to sign here.
    pub statement: Option<i64>,
    /// The exact bytes of the entry.
    pub envelope: Vec<u8>,
    /// What pages read of it.
    pub projection: Projection,
}

/// Entries, and the tree that they lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// The head that the new one was computed from.
    pub expected: Head,
    /// The head with the entries.
    pub new: Head,
    /// When.
    pub posted_at: Timestamp,
    /// The entries, with indices from `expected.size` to `new.size`.
    pub entries: Vec<NewEntry>,
    /// Every tile that changed or is new, with all its hashes.
    pub tiles: Vec<Tile>,
}

/// Whether a posting went in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostOutcome {
    /// All of it is in the log.
    Posted,
    /// Another posting came first; nothing was stored. Compute again from the new head.
    HeadMoved,
}

impl Store {
    /// The log's head.
    pub async fn head(&self) -> Result<Head, StoreError> {
        let (size, root): (i64, Vec<u8>) = on!(self.pool, p => sqlx::query_as(
            "SELECT size, root FROM log_head WHERE district = $1",
        )
        .bind(self.district)
        .fetch_one(p))?;
        Ok(Head { size: number("log_head", "size", size)?, root: fixed("log_head", "root", root)? })
    }

    /// The partial tiles at the right edge of the tree of so many entries, lowest level first, each
    /// with exactly the hashes that such a tree has in it. A level that ends with a full tile has none.
    pub async fn right_edge(&self, size: u64) -> Result<Vec<Tile>, StoreError> {
        let mut tx = self.pool.read().await?;
        let mut edge = Vec::new();
        for level in 0..MAX_TILE_LEVELS {
            let hashes = size >> (TILE_HEIGHT * u32::from(level));
            let (index, width) = (hashes >> TILE_HEIGHT, hashes % (1 << TILE_HEIGHT));
            if width == 0 {
                continue;
            }
            let held = tile(&mut tx, self.district, level, index).await?;
            // A later posting may have made the tile longer; what stands at its left stays.
            let needed = number("log_tile", "hashes", bound(width * HASH_BYTES))?;
            let hashes = held.as_deref().and_then(|held| held.get(..needed));
            let hashes = hashes.ok_or_else(|| {
                let value = format!("tile {level}/{index} without its {width} hashes");
                StoreError::corrupt("log_tile", "hashes", &value)
            })?;
            edge.push(Tile { level, index, hashes: hashes.to_vec() });
        }
        tx.commit().await?;
        Ok(edge)
    }

    /// One tile's hashes, as many as there are.
    pub async fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(on!(self.pool, p => sqlx::query_scalar(TILE)
            .bind(self.district)
            .bind(i64::from(level))
            .bind(bound(index))
            .fetch_optional(p))?)
    }

    /// Posts entries: entries, tiles, what pages read, statements' states and the head in one
    /// transaction, if the head is the one expected.
    pub async fn post(&self, posting: &Posting) -> Result<PostOutcome, StoreError> {
        check(posting)?;
        let mut tx = self.pool.write().await?;
        // First, because PostgreSQL then makes a second poster wait here and see the moved head.
        if !swap_head(&mut tx, self.district, posting.expected, posting.new).await? {
            tx.rollback().await?;
            return Ok(PostOutcome::HeadMoved);
        }
        for tile in &posting.tiles {
            put_tile(&mut tx, self.district, tile).await?;
        }
        let mut gathered = Gathered::default();
        for entry in &posting.entries {
            put_entry(&mut tx, self.district, posting.posted_at, entry).await?;
            entry.projection.write(&mut tx, self.district, entry, &mut gathered).await?;
        }
        gathered.write(&mut tx, self.district).await?;
        mark_posted(&mut tx, self.district, &posting.entries).await?;
        tx.commit().await?;
        Ok(PostOutcome::Posted)
    }

    /// Publishes a checkpoint; false when one of a larger log is published already. A checkpoint of
    /// more entries than are stored is a conflict.
    pub async fn publish_checkpoint(&self, size: u64, note: &[u8]) -> Result<bool, StoreError> {
        let size = stored("checkpoint size", size)?;
        let mut tx = self.pool.write().await?;
        let head: i64 = within!(&mut tx, c => sqlx::query_scalar(
            "SELECT size FROM log_head WHERE district = $1",
        )
        .bind(self.district)
        .fetch_one(c))?;
        if size > head {
            return Err(StoreError::conflict(
                "checkpoint of size",
                &size,
                "the log is smaller: it was restored from an old backup, or the checkpoint is another log's",
            ));
        }
        let published = changed!(
            &mut tx,
            sqlx::query(
                "INSERT INTO log_checkpoint (district, size, note) VALUES ($1, $2, $3)
                 ON CONFLICT (district) DO UPDATE SET size = excluded.size, note = excluded.note
                 WHERE log_checkpoint.size <= excluded.size",
            )
            .bind(self.district)
            .bind(size)
            .bind(note)
        )?;
        tx.commit().await?;
        Ok(published == 1)
    }

    /// The published checkpoint: its size and its signed note.
    pub async fn checkpoint(&self) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        let found: Option<(i64, Vec<u8>)> = on!(self.pool, p => sqlx::query_as(
            "SELECT size, note FROM log_checkpoint WHERE district = $1",
        )
        .bind(self.district)
        .fetch_optional(p))?;
        found.map(|(size, note)| Ok((number("log_checkpoint", "size", size)?, note))).transpose()
    }
}

/// Gives a new district its empty log.
pub(crate) async fn enter_head(tx: &mut Tx, district: i64) -> Result<(), StoreError> {
    changed!(
        tx,
        sqlx::query(
            "INSERT INTO log_head (district, size, root) VALUES ($1, 0, $2)
             ON CONFLICT (district) DO NOTHING",
        )
        .bind(district)
        .bind(EMPTY_ROOT.as_slice())
    )?;
    Ok(())
}

fn check(posting: &Posting) -> Result<(), StoreError> {
    let (count, most) = (posting.entries.len(), MAX_ENTRIES_PER_POSTING);
    if count > most {
        let what = "entries";
        return Err(StoreError::TooMany { what, count, most });
    }
    let indices = posting.expected.size..posting.new.size;
    if count > 0 && indices.eq(posting.entries.iter().map(|entry| entry.index)) {
        return Ok(());
    }
    Err(StoreError::conflict(
        "posting at index",
        &posting.expected.size,
        "its entries do not lead from the expected size to the new one",
    ))
}

async fn swap_head(
    tx: &mut Tx,
    district: i64,
    expected: Head,
    new: Head,
) -> Result<bool, StoreError> {
    let swapped = changed!(
        tx,
        sqlx::query(
            "UPDATE log_head SET size = $4, root = $5 WHERE district = $1 AND size = $2 AND root = $3",
        )
        .bind(district)
        .bind(bound(expected.size))
        .bind(expected.root.as_slice())
        .bind(stored("log size", new.size)?)
        .bind(new.root.as_slice())
    )?;
    Ok(swapped == 1)
}

const TILE: &str = "SELECT hashes FROM log_tile WHERE district = $1 AND level = $2 AND idx = $3";

async fn tile(
    tx: &mut Tx,
    district: i64,
    level: u8,
    index: u64,
) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(within!(tx, c => sqlx::query_scalar(TILE)
        .bind(district)
        .bind(i64::from(level))
        .bind(bound(index))
        .fetch_optional(c))?)
}

async fn put_tile(tx: &mut Tx, district: i64, tile: &Tile) -> Result<(), StoreError> {
    changed!(
        tx,
        sqlx::query(
            "INSERT INTO log_tile (district, level, idx, hashes) VALUES ($1, $2, $3, $4)
             ON CONFLICT (district, level, idx) DO UPDATE SET hashes = excluded.hashes",
        )
        .bind(district)
        .bind(i64::from(tile.level))
        .bind(stored("tile index", tile.index)?)
        .bind(tile.hashes.as_slice())
    )?;
    Ok(())
}

async fn put_entry(
    tx: &mut Tx,
    district: i64,
    posted_at: Timestamp,
    entry: &NewEntry,
) -> Result<(), StoreError> {
    let index = stored("log index", entry.index)?;
    changed!(
        tx,
        sqlx::query(
            "INSERT INTO log_entry (district, idx, kind, village, round, outlet, statement, posted_at, envelope)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(district)
        .bind(index)
        .bind(entry.kind.as_str())
        .bind(entry.village.as_ref().map(VillageId::as_str))
        .bind(entry.round.as_ref().map(RoundId::as_str))
        .bind(entry.outlet.as_ref().map(OutletId::as_str))
        .bind(entry.statement)
        .bind(posted_at.millis())
        .bind(entry.envelope.as_slice())
    )?;
    Ok(())
}

/// Says of the statements that they are posted; a conflict unless every one of them was co-signed.
async fn mark_posted(tx: &mut Tx, district: i64, entries: &[NewEntry]) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        if let Some(statement) = entry.statement {
            rows.push((statement, stored("log index", entry.index)?));
        }
    }
    let marked = match tx {
        // The signs keep the planner from looking through all of the state for each row.
        Tx::Sqlite(tx) => sqlx::query(
            "UPDATE statement SET state = $2, posted_index = v.value ->> 1 FROM json_each($4) AS v
             WHERE +statement.district = $1 AND statement.id = v.value ->> 0 AND +statement.state = $3",
        )
        .bind(district)
        .bind(Progress::Posted.code())
        .bind(Progress::CoSigned.code())
        .bind(json_rows(&rows)?)
        .execute(&mut **tx)
        .await?
        .rows_affected(),
        Tx::Postgres(tx) => sqlx::query(
            "UPDATE statement SET state = $2, posted_index = v.idx
             FROM UNNEST($4::BIGINT[], $5::BIGINT[]) AS v(id, idx)
             WHERE statement.district = $1 AND statement.id = v.id AND statement.state = $3",
        )
        .bind(district)
        .bind(Progress::Posted.code())
        .bind(Progress::CoSigned.code())
        .bind(rows.iter().map(|row| row.0).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.1).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await?
        .rows_affected(),
    };
    if usize::try_from(marked).is_ok_and(|marked| marked == rows.len()) {
        return Ok(());
    }
    let statements: Vec<String> = rows.iter().map(|(statement, _)| statement.to_string()).collect();
    Err(StoreError::conflict(
        "posting of statement",
        &statements.join(", "),
        "it is not co-signed, or it is posted already",
    ))
}
