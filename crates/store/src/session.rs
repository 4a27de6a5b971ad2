//! Challenges and the sessions that answering one begins. Only hashes are kept: who reads the
//! database can be nobody by it.

use domain::Timestamp;

use crate::column::{fixed, instant};
use crate::pool::{Tx, changed, on};
use crate::{Store, StoreError};

/// Open challenges of a district. Anybody may ask for one, so the oldest give way to new ones; so many are not
/// written in the second that a signer takes to answer.
pub const MAX_OPEN_CHALLENGES: u32 = 2_000;
/// Sessions of one key: some devices and windows of one person. The oldest give way.
pub const MAX_SESSIONS_PER_KEY: u32 = 8;

/// A session about to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// SHA-256 of the token.
    pub token_sha256: [u8; 32],
    /// The fingerprint of the key that answered the challenge.
    pub fingerprint: [u8; 32],
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A session that has not expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// The fingerprint of the key that began it.
    pub fingerprint: [u8; 32],
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Store {
    /// Keeps the hash of a nonce that is given out, and drops what has expired.
    pub async fn put_challenge(
        &self,
        nonce_sha256: &[u8; 32],
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.pool.write().await?;
        changed!(
            &mut tx,
            sqlx::query("DELETE FROM challenge WHERE district = $1 AND expires_at <= $2")
                .bind(self.district)
                .bind(now.millis())
        )?;
        changed!(
            &mut tx,
            sqlx::query(
                "DELETE FROM challenge WHERE district = $1 AND id IN (
                     SELECT id FROM challenge WHERE district = $1
                     ORDER BY expires_at DESC, id DESC LIMIT $3 OFFSET $2)",
            )
            .bind(self.district)
            .bind(i64::from(MAX_OPEN_CHALLENGES) - 1)
            .bind(i64::from(MAX_OPEN_CHALLENGES))
        )?;
        changed!(
            &mut tx,
            sqlx::query(
                "INSERT INTO challenge (district, nonce_sha256, expires_at) VALUES ($1, $2, $3)",
            )
            .bind(self.district)
            .bind(nonce_sha256.as_slice())
            .bind(expires_at.millis())
        )?;
        tx.commit().await
    }

    /// Takes a challenge back for good; false when it was not given out, was answered before, or has expired.
    pub async fn take_challenge(
        &self,
        nonce_sha256: &[u8; 32],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.pool.write().await?;
        let taken = changed!(
            &mut tx,
            sqlx::query(
                "DELETE FROM challenge
                 WHERE district = $1 AND nonce_sha256 = $2 AND expires_at > $3",
            )
            .bind(self.district)
            .bind(nonce_sha256.as_slice())
            .bind(now.millis())
        )?;
        tx.commit().await?;
        Ok(taken == 1)
    }

    /// Begins a session, and drops what has expired.
    pub async fn begin_session(
        &self,
        session: &NewSession,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.pool.write().await?;
        make_room(&mut tx, self.district, &session.fingerprint, now).await?;
        changed!(
            &mut tx,
            sqlx::query(
                "INSERT INTO session (district, token_sha256, fingerprint, expires_at)
                 VALUES ($1, $2, $3, $4)",
            )
            .bind(self.district)
            .bind(session.token_sha256.as_slice())
            .bind(session.fingerprint.as_slice())
            .bind(session.expires_at.millis())
        )?;
        tx.commit().await
    }

    /// The session of a token; none when there is none or it has expired.
    pub async fn session(
        &self,
        token_sha256: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<SessionRow>, StoreError> {
        let found: Option<(Vec<u8>, i64)> = on!(self.pool, p => sqlx::query_as(
            "SELECT fingerprint, expires_at FROM session
             WHERE district = $1 AND token_sha256 = $2 AND expires_at > $3",
        )
        .bind(self.district)
        .bind(token_sha256.as_slice())
        .bind(now.millis())
        .fetch_optional(p))?;
        let row = |(fingerprint, expires_at)| {
            Ok(SessionRow {
                fingerprint: fixed("session", "fingerprint", fingerprint)?,
                expires_at: instant("session", "expires_at", expires_at)?,
            })
        };
        found.map(row).transpose()
    }

    /// Ends a session; false when there was none.
    pub async fn end_session(&self, token_sha256: &[u8; 32]) -> Result<bool, StoreError> {
        let mut tx = self.pool.write().await?;
        let ended = changed!(
            &mut tx,
            sqlx::query("DELETE FROM session WHERE district = $1 AND token_sha256 = $2")
                .bind(self.district)
                .bind(token_sha256.as_slice())
        )?;
        tx.commit().await?;
        Ok(ended == 1)
    }
}

/// Drops expired sessions, and the oldest of the key beyond its number less one.
async fn make_room(
    tx: &mut Tx,
    district: i64,
    fingerprint: &[u8; 32],
    now: Timestamp,
) -> Result<(), StoreError> {
    changed!(
        tx,
        sqlx::query("DELETE FROM session WHERE district = $1 AND expires_at <= $2")
            .bind(district)
            .bind(now.millis())
    )?;
    changed!(
        tx,
        sqlx::query(
            "DELETE FROM session WHERE district = $1 AND fingerprint = $2 AND id NOT IN (
                 SELECT id FROM session WHERE district = $1 AND fingerprint = $2
                 ORDER BY id DESC LIMIT $3)",
        )
        .bind(district)
        .bind(fingerprint.as_slice())
        .bind(i64::from(MAX_SESSIONS_PER_KEY) - 1)
    )?;
    Ok(())
}
