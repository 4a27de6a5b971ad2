//! Reading the log's entries.

use domain::{OutletId, RoundId, Timestamp, VillageId};

use crate::column::{bound, instant, limit, number, parsed_option};
use crate::pool::on;
use crate::{Store, StoreError};

/// Entries of one read: one bundle of the tiled log. Each may have 64 KiB.
pub const MAX_ENTRIES_PER_READ: u32 = 256;
/// Kinds asked for in one read.
pub const MAX_KINDS_PER_READ: usize = 8;

/// An entry of the public log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRow {
    /// Its index.
    pub index: u64,
    /// Its kind.
    pub kind: String,
    /// The village it concerns.
    pub village: Option<VillageId>,
    /// The round it concerns.
    pub round: Option<RoundId>,
    /// The outlet it concerns.
    pub outlet: Option<OutletId>,
    /// The statement it posts.
    pub statement: Option<i64>,
    /// When it was posted.
    pub posted_at: Timestamp,
    /// Its exact bytes.
    pub envelope: Vec<u8>,
}

type Fields =
    (i64, String, Option<String>, Option<String>, Option<String>, Option<i64>, i64, Vec<u8>);

/// The columns in the order of [`Fields`].
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT idx, kind, village, round, outlet, statement, posted_at, envelope FROM log_entry ",
            $rest
        )
    };
}

impl Store {
    /// Entries from index `from` up to but without `to`, in order: the first [`MAX_ENTRIES_PER_READ`].
    pub async fn entries(&self, from: u64, to: u64) -> Result<Vec<EntryRow>, StoreError> {
        let rows: Vec<Fields> = on!(self.pool, p => sqlx::query_as(
            select!("WHERE district = $1 AND idx >= $2 AND idx < $3 ORDER BY idx LIMIT $4"),
        )
        .bind(self.district)
        .bind(bound(from))
        .bind(bound(to))
        .bind(i64::from(MAX_ENTRIES_PER_READ))
        .fetch_all(p))?;
        rows.into_iter().map(row).collect()
    }

    /// Entries of some kinds from an index on, in order. At most [`MAX_KINDS_PER_READ`] kinds.
    pub async fn entries_of_kinds(
        &self,
        kinds: &[&str],
        from_index: u64,
        rows: u32,
    ) -> Result<Vec<EntryRow>, StoreError> {
        let Some(slots) = slots(kinds)? else {
            return Ok(Vec::new());
        };
        let rows: Vec<Fields> = on!(self.pool, p => {
            let mut query = sqlx::query_as(select!(
                "WHERE district = $1 AND idx >= $2 AND kind IN ($4, $5, $6, $7, $8, $9, $10, $11)
                 ORDER BY idx LIMIT $3"
            ))
            .bind(self.district)
            .bind(bound(from_index))
            .bind(limit(rows, MAX_ENTRIES_PER_READ));
            for kind in slots {
                query = query.bind(kind);
            }
            query.fetch_all(p)
        })?;
        rows.into_iter().map(row).collect()
    }

    /// One entry.
    pub async fn entry(&self, index: u64) -> Result<Option<EntryRow>, StoreError> {
        let found: Option<Fields> = on!(self.pool, p => sqlx::query_as(
            select!("WHERE district = $1 AND idx = $2"),
        )
        .bind(self.district)
        .bind(bound(index))
        .fetch_optional(p))?;
        found.map(row).transpose()
    }

    /// The newest entries, newest first; `before_index` is the last index of the page before.
    pub async fn latest_entries(
        &self,
        before_index: Option<u64>,
        rows: u32,
    ) -> Result<Vec<EntryRow>, StoreError> {
        let rows: Vec<Fields> = on!(self.pool, p => sqlx::query_as(
            select!("WHERE district = $1 AND idx < $2 ORDER BY idx DESC LIMIT $3"),
        )
        .bind(self.district)
        .bind(before_index.map_or(i64::MAX, bound))
        .bind(limit(rows, MAX_ENTRIES_PER_READ))
        .fetch_all(p))?;
        rows.into_iter().map(row).collect()
    }
}

/// The kinds in as many places as the text has, the last one repeated; none when there is none.
fn slots<'a>(kinds: &[&'a str]) -> Result<Option<[&'a str; MAX_KINDS_PER_READ]>, StoreError> {
    let (count, most) = (kinds.len(), MAX_KINDS_PER_READ);
    if count > most {
        let what = "kinds of entries";
        return Err(StoreError::TooMany { what, count, most });
    }
    let Some(last) = kinds.last() else {
        return Ok(None);
    };
    let mut slots = [*last; MAX_KINDS_PER_READ];
    for (slot, kind) in slots.iter_mut().zip(kinds) {
        *slot = kind;
    }
    Ok(Some(slots))
}

fn row(fields: Fields) -> Result<EntryRow, StoreError> {
    let (index, kind, village, round, outlet, statement, posted_at, envelope) = fields;
    Ok(EntryRow {
        index: number("log_entry", "idx", index)?,
        kind,
        village: parsed_option("log_entry", "village", village.as_deref())?,
        round: parsed_option("log_entry", "round", round.as_deref())?,
        outlet: parsed_option("log_entry", "outlet", outlet.as_deref())?,
        statement,
        posted_at: instant("log_entry", "posted_at", posted_at)?,
        envelope,
    })
}
