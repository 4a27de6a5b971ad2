//! Signed requests already acted on, so that one is never acted on twice.

use domain::{PersonId, Timestamp};

use crate::pool::{changed, on};
use crate::{Store, StoreError};

/// A signed request of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRequest {
    /// SHA-256 of what was signed.
    pub digest: [u8; 32],
    /// Who signed it.
    pub person: PersonId,
    /// What it asks for.
    pub kind: String,
    /// When it came in.
    pub received_at: Timestamp,
    /// The exact envelope, kept as the proof that it was asked for.
    pub envelope: Vec<u8>,
}

impl Store {
    /// Keeps a request; false when it was kept before: a replay.
    pub async fn record_request(&self, request: &NewRequest) -> Result<bool, StoreError> {
        let mut tx = self.pool.write().await?;
        let kept = changed!(
            &mut tx,
            sqlx::query(
                "INSERT INTO request (district, digest, person, kind, received_at, envelope)
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (district, digest) DO NOTHING",
            )
            .bind(self.district)
            .bind(request.digest.as_slice())
            .bind(request.person.as_str())
            .bind(request.kind.as_str())
            .bind(request.received_at.millis())
            .bind(request.envelope.as_slice())
        )?;
        tx.commit().await?;
        Ok(kept == 1)
    }

    /// Whether a request was kept before, by its digest.
    pub async fn is_request_kept(&self, digest: &[u8; 32]) -> Result<bool, StoreError> {
        let found: Option<i64> = on!(self.pool, p => sqlx::query_scalar(
            "SELECT CAST(1 AS BIGINT) AS kept FROM request WHERE district = $1 AND digest = $2",
        )
        .bind(self.district)
        .bind(digest.as_slice())
        .fetch_optional(p))?;
        Ok(found.is_some())
    }
}
