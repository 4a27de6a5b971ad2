//! Messages that were refused: why, how many, and the newest of them.

use domain::Timestamp;

use crate::{Service, ServiceError};

/// Messages of one page, each with up to 4,096 bytes in hexadecimal digits.
const MAX_MESSAGES_PER_PAGE: u32 = 25;
/// How much of a message is its beginning.
const BEGINNING_BYTES: usize = 48;

/// What the quarantine's page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineView {
    /// Every reason with the number of messages ever refused for it.
    pub counts: Vec<(String, u64)>,
    /// Refused messages, newest first.
    pub rows: Vec<RefusedMessage>,
    /// Whether this is not the first page.
    pub paged: bool,
    /// The `before` of the next page; none on the last.
    pub older: Option<i64>,
}

/// A refused message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedMessage {
    /// When it came.
    pub received_at: Timestamp,
    /// The topic it came on.
    pub topic: String,
    /// The meter it claims to be from; not believed.
    pub meter: String,
    /// Why, as a code.
    pub reason: String,
    /// Why, for a person.
    pub detail: String,
    /// What is kept of the message, in hexadecimal digits: up to 4,096 bytes from its first.
    pub payload_hex: String,
    /// The length of the whole message.
    pub payload_bytes: u64,
}

impl RefusedMessage {
    /// The beginning of the message in hexadecimal digits.
    pub fn beginning(&self) -> &str {
        self.payload_hex.get(..2 * BEGINNING_BYTES).unwrap_or(&self.payload_hex)
    }

    /// Whether the message is longer than its beginning.
    pub fn is_longer(&self) -> bool {
        self.payload_hex.len() > 2 * BEGINNING_BYTES
    }

    /// How many bytes of the message are kept.
    pub fn kept_bytes(&self) -> u64 {
        u64::try_from(self.payload_hex.len() / 2).unwrap_or(u64::MAX)
    }

    /// Whether all of the message is kept.
    pub fn is_whole(&self) -> bool {
        self.kept_bytes() == self.payload_bytes
    }
}

/// A page of refused messages with the counts of all.
pub async fn quarantine(
    service: &Service,
    before: Option<i64>,
) -> Result<QuarantineView, ServiceError> {
    let counts = service.store().quarantine_counts().await?;
    let rows = service.store().quarantine(before, MAX_MESSAGES_PER_PAGE).await?;
    let full = u32::try_from(rows.len()) == Ok(MAX_MESSAGES_PER_PAGE);
    let older = rows.last().map(|row| row.id).filter(|_| full);
    let rows = rows
        .into_iter()
        .map(|row| RefusedMessage {
            received_at: row.received_at,
            topic: row.topic,
            meter: row.meter,
            reason: row.reason,
            detail: row.detail,
            payload_hex: hex::encode(row.payload),
            payload_bytes: row.payload_bytes,
        })
        .collect();
    Ok(QuarantineView { counts, rows, paged: before.is_some(), older })
}
