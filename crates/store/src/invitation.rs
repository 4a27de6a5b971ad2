//! One-time codes with which people enrol their keys. Only their hashes are kept.

use domain::{PersonId, Timestamp};

use crate::column::{instant, parsed};
use crate::pool::{changed, on};
use crate::statement::NewStatement;
use crate::{Store, StoreError};

/// An invitation, or what is kept of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The enrolment as JSON but for the key; the store does not look inside.
    pub enrolment: String,
    /// Who invited.
    pub invited_by: PersonId,
    /// Until when the code can be used.
    pub expires_at: Timestamp,
    /// The statement that was drawn up with it.
    pub statement: Option<i64>,
}

impl Store {
    /// Keeps an invitation under the hash of its code.
    pub async fn invite(
        &self,
        code_sha256: &[u8; 32],
        invitation: &Invitation,
    ) -> Result<(), StoreError> {
        let mut tx = self.pool.write().await?;
        changed!(
            &mut tx,
            sqlx::query(
                "INSERT INTO invitation (district, code_sha256, enrolment, invited_by, expires_at)
                 VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(self.district)
            .bind(code_sha256.as_slice())
            .bind(invitation.enrolment.as_str())
            .bind(invitation.invited_by.as_str())
            .bind(invitation.expires_at.millis())
        )?;
        tx.commit().await
    }

    /// The invitation of a code, used or expired or not.
    pub async fn invitation(
        &self,
        code_sha256: &[u8; 32],
    ) -> Result<Option<Invitation>, StoreError> {
        let found: Option<(String, String, i64, Option<i64>)> = on!(self.pool, p => sqlx::query_as(
            "SELECT enrolment, invited_by, expires_at, statement FROM invitation
             WHERE district = $1 AND code_sha256 = $2",
        )
        .bind(self.district)
        .bind(code_sha256.as_slice())
        .fetch_optional(p))?;
        let read = |(enrolment, invited_by, expires_at, statement): (String, String, i64, _)| {
            Ok(Invitation {
                enrolment,
                invited_by: parsed("invitation", "invited_by", &invited_by)?,
                expires_at: instant("invitation", "expires_at", expires_at)?,
                statement,
            })
        };
        found.map(read).transpose()
    }

    /// Enters the statement that somebody invited had drawn up, and uses the code up; none when it was used before.
    pub async fn insert_invited_statement(
        &self,
        code_sha256: &[u8; 32],
        new: &NewStatement,
    ) -> Result<Option<i64>, StoreError> {
        let mut tx = self.pool.write().await?;
        let id = self.insert_in(&mut tx, new, &[]).await?;
        let used = changed!(
            &mut tx,
            sqlx::query(
                "UPDATE invitation SET statement = $3
                 WHERE district = $1 AND code_sha256 = $2 AND statement IS NULL",
            )
            .bind(self.district)
            .bind(code_sha256.as_slice())
            .bind(id)
        )?;
        if used != 1 {
            tx.rollback().await?;
            return Ok(None);
        }
        tx.commit().await?;
        Ok(Some(id))
    }
}
