//! Messages that were refused: the newest are kept with their reason, all are counted.

use std::collections::BTreeMap;

use domain::Timestamp;

use crate::column::{bound, instant, limit, number};
use crate::pool::{Tx, changed, on};
use crate::{Store, StoreError};

/// Refused messages kept; older ones give way.
pub const MAX_QUARANTINE_ROWS: i64 = 10_000;
/// How much of a refused message is kept.
pub const MAX_QUARANTINE_PAYLOAD_BYTES: usize = 4096;
/// The longest topic, meter, reason and detail that are kept.
pub const MAX_QUARANTINE_TEXT_CHARS: usize = 256;
/// Rows of one page.
pub const MAX_QUARANTINE_ROWS_PER_READ: u32 = 1000;

/// A message to be kept apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewQuarantine {
    /// The topic it came on; empty when that is not known any more.
    pub topic: String,
    /// The meter it claims to be from; not believed.
    pub meter: String,
    /// Why, as a short code in kebab-case.
    pub reason: String,
    /// Why, for a person.
    pub detail: String,
    /// The message, or as much of it as came; its beginning is kept.
    pub payload: Vec<u8>,
    /// The length of the whole message.
    pub payload_bytes: u64,
}

/// A message that was kept apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineRow {
    /// Grows with each row; for paging.
    pub id: i64,
    /// When it was refused.
    pub received_at: Timestamp,
    /// The topic it came on.
    pub topic: String,
    /// The meter it claims to be from.
    pub meter: String,
    /// Why, as a code.
    pub reason: String,
    /// Why, for a person.
    pub detail: String,
    /// The first [`MAX_QUARANTINE_PAYLOAD_BYTES`] of the message.
    pub payload: Vec<u8>,
    /// The length of the whole message.
    pub payload_bytes: u64,
}

type Fields = (i64, i64, String, String, String, String, Vec<u8>, i64);

impl Store {
    /// Refused messages, newest first; `before_id` is the last id of the page before.
    pub async fn quarantine(
        &self,
        before_id: Option<i64>,
        rows: u32,
    ) -> Result<Vec<QuarantineRow>, StoreError> {
        let rows: Vec<Fields> = on!(self.pool, p => sqlx::query_as(
            "SELECT id, received_at, topic, meter, reason, detail, payload, payload_bytes FROM quarantine
             WHERE district = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        )
        .bind(self.district)
        .bind(before_id.unwrap_or(i64::MAX))
        .bind(limit(rows, MAX_QUARANTINE_ROWS_PER_READ))
        .fetch_all(p))?;
        rows.into_iter().map(row).collect()
    }

    /// How many messages were ever refused, by reason; not limited to those still kept.
    pub async fn quarantine_counts(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let rows: Vec<(String, i64)> = on!(self.pool, p => sqlx::query_as(
            "SELECT reason, count FROM quarantine_count WHERE district = $1 ORDER BY reason",
        )
        .bind(self.district)
        .fetch_all(p))?;
        rows.into_iter()
            .map(|(reason, count)| Ok((reason, number("quarantine_count", "count", count)?)))
            .collect()
    }
}

fn row(fields: Fields) -> Result<QuarantineRow, StoreError> {
    let (id, received_at, topic, meter, reason, detail, payload, payload_bytes) = fields;
    Ok(QuarantineRow {
        id,
        received_at: instant("quarantine", "received_at", received_at)?,
        topic,
        meter,
        reason,
        detail,
        payload,
        payload_bytes: number("quarantine", "payload_bytes", payload_bytes)?,
    })
}

/// Keeps messages apart, counts them, and lets the oldest rows go.
pub(crate) async fn insert(
    tx: &mut Tx,
    district: i64,
    received_at: Timestamp,
    refused: &[&NewQuarantine],
) -> Result<(), StoreError> {
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    for message in refused {
        let kept = message.payload.len().min(MAX_QUARANTINE_PAYLOAD_BYTES);
        let payload = message.payload.get(..kept).unwrap_or_default();
        let reason = printable(&message.reason);
        changed!(
            tx,
            sqlx::query(
                "INSERT INTO quarantine (district, received_at, topic, meter, reason, detail, payload, payload_bytes)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(district)
            .bind(received_at.millis())
            .bind(printable(&message.topic))
            .bind(printable(&message.meter))
            .bind(reason.as_str())
            .bind(printable(&message.detail))
            .bind(payload)
            .bind(bound(message.payload_bytes))
        )?;
        *counts.entry(reason).or_default() += 1;
    }
    if counts.is_empty() {
        return Ok(());
    }
    for (reason, count) in counts {
        changed!(
            tx,
            sqlx::query(
                "INSERT INTO quarantine_count (district, reason, count) VALUES ($1, $2, $3)
                 ON CONFLICT (district, reason) DO UPDATE SET count = quarantine_count.count + excluded.count",
            )
            .bind(district)
            .bind(reason)
            .bind(count)
        )?;
    }
    changed!(
        tx,
        sqlx::query(
            "DELETE FROM quarantine WHERE district = $1 AND id <= (
                 SELECT id FROM quarantine WHERE district = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)",
        )
        .bind(district)
        .bind(MAX_QUARANTINE_ROWS)
    )?;
    Ok(())
}

/// Outside text made fit for a database: shortened, and without NUL, which PostgreSQL refuses in texts.
fn printable(text: &str) -> String {
    text.chars()
        .take(MAX_QUARANTINE_TEXT_CHARS)
        .map(|c| if c == '\0' { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_text_is_shortened_and_loses_nul() {
        assert_eq!(printable("a\0b"), "a\u{fffd}b");
        assert_eq!(printable(&"田".repeat(1000)).chars().count(), MAX_QUARANTINE_TEXT_CHARS);
    }
}
