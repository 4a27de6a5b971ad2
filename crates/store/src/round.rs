//! Rounds: the scheduled irrigation passes.

use domain::RoundId;
use domain::round::Round;

use crate::column::{instant, parsed};
use crate::pool::{changed, on};
use crate::{Store, StoreError};

/// Rounds of one read: several a year, for as long as the station stands.
pub const MAX_ROUNDS_PER_READ: i64 = 1000;

type Fields = (String, String, i64, i64);

impl Store {
    /// Enters a round. The same round again is fine; another round under the same code is a conflict.
    pub async fn put_round(&self, round: &Round) -> Result<(), StoreError> {
        let mut tx = self.pool.write().await?;
        let entered = changed!(
            &mut tx,
            sqlx::query(
                "INSERT INTO round (district, code, name, opens_at, closes_at)
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT (district, code) DO NOTHING",
            )
            .bind(self.district)
            .bind(round.id.as_str())
            .bind(round.name.as_str())
            .bind(round.opens_at.millis())
            .bind(round.closes_at.millis())
        )?;
        tx.commit().await?;
        // A round is never changed, so looking after the commit sees what stood in the way.
        if entered == 1 || self.round(&round.id).await?.as_ref() == Some(round) {
            return Ok(());
        }
        Err(StoreError::conflict(
            "round",
            &round.id,
            "a round with this code has another name or other dates: choose another code",
        ))
    }

    /// All rounds, the latest first.
    pub async fn rounds(&self) -> Result<Vec<Round>, StoreError> {
        let rows: Vec<Fields> = on!(self.pool, p => sqlx::query_as(
            "SELECT code, name, opens_at, closes_at FROM round WHERE district = $1
             ORDER BY opens_at DESC, code LIMIT $2",
        )
        .bind(self.district)
        .bind(MAX_ROUNDS_PER_READ)
        .fetch_all(p))?;
        rows.into_iter().map(row).collect()
    }

    /// One round.
    pub async fn round(&self, code: &RoundId) -> Result<Option<Round>, StoreError> {
        let found: Option<Fields> = on!(self.pool, p => sqlx::query_as(
            "SELECT code, name, opens_at, closes_at FROM round WHERE district = $1 AND code = $2",
        )
        .bind(self.district)
        .bind(code.as_str())
        .fetch_optional(p))?;
        found.map(row).transpose()
    }
}

fn row((code, name, opens_at, closes_at): Fields) -> Result<Round, StoreError> {
    Ok(Round {
        id: parsed("round", "code", &code)?,
        name,
        opens_at: instant("round", "opens_at", opens_at)?,
        closes_at: instant("round", "closes_at", closes_at)?,
    })
}
