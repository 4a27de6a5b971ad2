//! Attachments: bytes too large for a log entry, named in a statement by their SHA-256.

use crate::column::{fixed, limit};
use crate::pool::{Tx, changed, on, within};
use crate::{Store, StoreError};

/// Attachments of one read; each may be large.
pub const MAX_ATTACHMENTS_PER_READ: u32 = 100;

/// Bytes under their digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// SHA-256 of the bytes; the caller has computed it.
    pub sha256: [u8; 32],
    /// Their media type.
    pub media_type: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

type Fields = (Vec<u8>, String, Vec<u8>);

impl Store {
    /// One attachment.
    pub async fn attachment(&self, sha256: &[u8; 32]) -> Result<Option<Attachment>, StoreError> {
        let found: Option<Fields> = on!(self.pool, p => sqlx::query_as(
            "SELECT sha256, media_type, bytes FROM attachment WHERE district = $1 AND sha256 = $2",
        )
        .bind(self.district)
        .bind(sha256.as_slice())
        .fetch_optional(p))?;
        found.map(row).transpose()
    }

    /// Attachments that posted statements name, by digest; `after` is the last digest of the page before.
    pub async fn attachments_of_log(
        &self,
        after: Option<&[u8; 32]>,
        rows: u32,
    ) -> Result<Vec<Attachment>, StoreError> {
        let rows: Vec<Fields> = on!(self.pool, p => sqlx::query_as(
            "SELECT a.sha256, a.media_type, a.bytes FROM attachment AS a
             WHERE a.district = $1 AND a.sha256 > $2 AND EXISTS (
                 SELECT 1 FROM statement_attachment AS n JOIN statement AS s ON s.id = n.statement
                 WHERE n.district = a.district AND n.sha256 = a.sha256 AND s.posted_index IS NOT NULL)
             ORDER BY a.sha256 LIMIT $3",
        )
        .bind(self.district)
        .bind(after.map_or(&[][..], <[u8; 32]>::as_slice))
        .bind(limit(rows, MAX_ATTACHMENTS_PER_READ))
        .fetch_all(p))?;
        rows.into_iter().map(row).collect()
    }
}

fn row((sha256, media_type, bytes): Fields) -> Result<Attachment, StoreError> {
    Ok(Attachment { sha256: fixed("attachment", "sha256", sha256)?, media_type, bytes })
}

/// Keeps attachments and names them under a statement.
pub(crate) async fn attach(
    tx: &mut Tx,
    district: i64,
    statement: i64,
    attachments: &[Attachment],
) -> Result<(), StoreError> {
    for attachment in attachments {
        changed!(
            tx,
            sqlx::query(
                "INSERT INTO attachment (district, sha256, media_type, bytes)
                 VALUES ($1, $2, $3, $4) ON CONFLICT (district, sha256) DO NOTHING",
            )
            .bind(district)
            .bind(attachment.sha256.as_slice())
            .bind(attachment.media_type.as_str())
            .bind(attachment.bytes.as_slice())
        )?;
        changed!(
            tx,
            sqlx::query(
                "INSERT INTO statement_attachment (district, statement, sha256)
                 VALUES ($1, $2, $3) ON CONFLICT (statement, sha256) DO NOTHING",
            )
            .bind(district)
            .bind(statement)
            .bind(attachment.sha256.as_slice())
        )?;
    }
    Ok(())
}

/// Takes a statement's attachments from it; returns the digests it named.
pub(crate) async fn detach(
    tx: &mut Tx,
    district: i64,
    statement: i64,
) -> Result<Vec<Vec<u8>>, StoreError> {
    Ok(within!(tx, c => sqlx::query_scalar(
        "DELETE FROM statement_attachment WHERE district = $1 AND statement = $2 RETURNING sha256",
    )
    .bind(district)
    .bind(statement)
    .fetch_all(c))?)
}

/// Drops those attachments that no statement names.
pub(crate) async fn drop_unnamed(
    tx: &mut Tx,
    district: i64,
    digests: &[Vec<u8>],
) -> Result<(), StoreError> {
    for sha256 in digests {
        changed!(
            tx,
            sqlx::query(
                "DELETE FROM attachment WHERE district = $1 AND sha256 = $2 AND NOT EXISTS (
                     SELECT 1 FROM statement_attachment WHERE district = $1 AND sha256 = $2)",
            )
            .bind(district)
            .bind(sha256.as_slice())
        )?;
    }
    Ok(())
}
