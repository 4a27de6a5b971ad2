//! Turns: who has an outlet's water, from when to when, and the statement that came of it.

use domain::{OutletId, RoundId, Timestamp, TurnId, VillageId};

use crate::column::{instant, instant_option, parsed};
use crate::pool::{Tx, changed, on};
use crate::{Store, StoreError, proposal};

/// Turns of one read.
pub const MAX_TURNS_PER_READ: i64 = 1000;

/// A turn about to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTurn {
    /// Its code.
    pub code: TurnId,
    /// Its round, which must be entered.
    pub round: RoundId,
    /// The outlet, which must have no open turn.
    pub outlet: OutletId,
    /// The village that gets the water.
    pub village: VillageId,
    /// Who shares and how, as JSON; the store does not look inside.
    pub plan: String,
    /// When the gate was opened.
    pub opened_at: Timestamp,
}

/// A turn as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnRow {
    /// Its code.
    pub code: TurnId,
    /// Its round.
    pub round: RoundId,
    /// Its outlet.
    pub outlet: OutletId,
    /// The village that gets the water.
    pub village: VillageId,
    /// Who shares and how, as JSON.
    pub plan: String,
    /// When the gate was opened.
    pub opened_at: Timestamp,
    /// When it was closed; none while it is open.
    pub closed_at: Option<Timestamp>,
    /// The statement drafted from it.
    pub statement: Option<i64>,
}

type Fields = (String, String, String, String, String, i64, Option<i64>, Option<i64>);

/// The columns in the order of [`Fields`].
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT code, round, outlet, village, plan, opened_at, closed_at, statement FROM turn ",
            $rest
        )
    };
}

impl Store {
    /// Opens a turn. A conflict when its code is taken, its round unknown, or another turn has its
    /// outlet's water then or later.
    pub async fn open_turn(&self, turn: &NewTurn) -> Result<(), StoreError> {
        let mut tx = self.pool.write().await?;
        enter(&mut tx, self.district, turn, None).await?;
        tx.commit().await
    }

    /// Enters a turn that is over, and accepts the proposal that it came of. A conflict when its
    /// code is taken, its round unknown, another turn had its outlet's water at that time, or the
    /// proposal is not open.
    pub async fn log_turn(
        &self,
        turn: &NewTurn,
        closed_at: Timestamp,
        proposal: Option<i64>,
    ) -> Result<(), StoreError> {
        let mut tx = self.pool.write().await?;
        enter(&mut tx, self.district, turn, Some(closed_at)).await?;
        if let Some(proposal) = proposal
            && !proposal::accept(&mut tx, self.district, proposal, &turn.code).await?
        {
            let why = "somebody has decided about it already, or there is none";
            return Err(StoreError::conflict("proposal", &proposal, why));
        }
        tx.commit().await
    }

    /// Writes a turn anew that no statement stands on. A conflict when one does, when there is no such turn, its
    /// round is unknown, or another turn had its outlet's water at that time.
    pub async fn amend_turn(&self, turn: &NewTurn, closed_at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.pool.write().await?;
        lock(&mut tx, self.district).await?;
        let amended = changed!(
            &mut tx,
            sqlx::query(
                "UPDATE turn SET round = $3, outlet = $4, village = $5, plan = $6, opened_at = $7, closed_at = $8
                 WHERE district = $1 AND code = $2 AND statement IS NULL AND NOT EXISTS (
                     SELECT 1 FROM turn AS other WHERE other.district = $1 AND other.outlet = $4
                     AND other.code <> $2 AND other.opened_at < $8
                     AND (other.closed_at IS NULL OR other.closed_at > $7))",
            )
            .bind(self.district)
            .bind(turn.code.as_str())
            .bind(turn.round.as_str())
            .bind(turn.outlet.as_str())
            .bind(turn.village.as_str())
            .bind(turn.plan.as_str())
            .bind(turn.opened_at.millis())
            .bind(closed_at.millis())
        );
        let why = match amended {
            Ok(1) => return tx.commit().await,
            Ok(_) => {
                "it is not there, a statement stands on it, or another turn had its outlet's water then"
            }
            Err(error) if is_foreign_key(&error) => {
                "its round is not entered: enter the round first"
            }
            Err(error) => return Err(error.into()),
        };
        Err(StoreError::conflict("turn", &turn.code, why))
    }

    /// Closes an open turn; false when no open turn has this code.
    pub async fn close_turn(&self, code: &TurnId, at: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.pool.write().await?;
        let closed = changed!(
            &mut tx,
            sqlx::query("UPDATE turn SET closed_at = $3 WHERE district = $1 AND code = $2 AND closed_at IS NULL")
                .bind(self.district)
                .bind(code.as_str())
                .bind(at.millis())
        )?;
        tx.commit().await?;
        Ok(closed == 1)
    }

    /// One turn.
    pub async fn turn(&self, code: &TurnId) -> Result<Option<TurnRow>, StoreError> {
        let found: Option<Fields> = on!(self.pool, p => sqlx::query_as(
            select!("WHERE district = $1 AND code = $2"),
        )
        .bind(self.district)
        .bind(code.as_str())
        .fetch_optional(p))?;
        found.map(row).transpose()
    }

    /// The turn that has an outlet's water now.
    pub async fn open_turn_at(&self, outlet: &OutletId) -> Result<Option<TurnRow>, StoreError> {
        let found: Option<Fields> = on!(self.pool, p => sqlx::query_as(
            select!("WHERE district = $1 AND outlet = $2 AND closed_at IS NULL"),
        )
        .bind(self.district)
        .bind(outlet.as_str())
        .fetch_optional(p))?;
        found.map(row).transpose()
    }

    /// The turn at an outlet that was closed last.
    pub async fn last_closed_turn(&self, outlet: &OutletId) -> Result<Option<TurnRow>, StoreError> {
        let found: Option<Fields> = on!(self.pool, p => sqlx::query_as(
            select!(
                "WHERE district = $1 AND outlet = $2 AND closed_at IS NOT NULL
                 ORDER BY closed_at DESC, code DESC LIMIT 1"
            ),
        )
        .bind(self.district)
        .bind(outlet.as_str())
        .fetch_optional(p))?;
        found.map(row).transpose()
    }

    /// Turns that have an outlet's water at some time between two instants, by their opening.
    pub async fn turns_between(
        &self,
        outlet: &OutletId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<TurnRow>, StoreError> {
        let rows: Vec<Fields> = on!(self.pool, p => sqlx::query_as(
            select!(
                "WHERE district = $1 AND outlet = $2 AND opened_at < $4
                 AND (closed_at IS NULL OR closed_at > $3) ORDER BY opened_at LIMIT $5"
            ),
        )
        .bind(self.district)
        .bind(outlet.as_str())
        .bind(from.millis())
        .bind(to.millis())
        .bind(MAX_TURNS_PER_READ)
        .fetch_all(p))?;
        rows.into_iter().map(row).collect()
    }

    /// Turns among these whose watering is not posted.
    pub async fn unposted_turns_between(
        &self,
        outlet: &OutletId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<TurnRow>, StoreError> {
        let rows: Vec<Fields> = on!(self.pool, p => sqlx::query_as(
            select!(
                "WHERE district = $1 AND outlet = $2 AND opened_at < $4
                 AND (closed_at IS NULL OR closed_at > $3) AND NOT EXISTS (
                     SELECT 1 FROM statement
                     WHERE statement.id = turn.statement AND statement.posted_index IS NOT NULL)
                 ORDER BY opened_at LIMIT $5"
            ),
        )
        .bind(self.district)
        .bind(outlet.as_str())
        .bind(from.millis())
        .bind(to.millis())
        .bind(MAX_TURNS_PER_READ)
        .fetch_all(p))?;
        rows.into_iter().map(row).collect()
    }

    /// Turns that are open, the longest open first.
    pub async fn open_turns(&self) -> Result<Vec<TurnRow>, StoreError> {
        let rows: Vec<Fields> = on!(self.pool, p => sqlx::query_as(
            select!("WHERE district = $1 AND closed_at IS NULL ORDER BY opened_at, code LIMIT $2"),
        )
        .bind(self.district)
        .bind(MAX_TURNS_PER_READ)
        .fetch_all(p))?;
        rows.into_iter().map(row).collect()
    }

    /// Closed turns that no statement was drafted from, the longest closed first.
    pub async fn turns_to_draft(&self) -> Result<Vec<TurnRow>, StoreError> {
        let rows: Vec<Fields> = on!(self.pool, p => sqlx::query_as(
            select!(
                "WHERE district = $1 AND closed_at IS NOT NULL AND statement IS NULL
                 ORDER BY closed_at, code LIMIT $2"
            ),
        )
        .bind(self.district)
        .bind(MAX_TURNS_PER_READ)
        .fetch_all(p))?;
        rows.into_iter().map(row).collect()
    }

    /// Outlets with a turn whose watering is not posted, and when the first such turn was opened.
    pub async fn unfinished_since(&self) -> Result<Vec<(OutletId, Timestamp)>, StoreError> {
        let rows: Vec<(String, i64)> = on!(self.pool, p => sqlx::query_as(
            "SELECT t.outlet, MIN(t.opened_at) FROM turn AS t
             LEFT JOIN statement AS s ON s.id = t.statement
             WHERE t.district = $1 AND s.posted_index IS NULL GROUP BY t.outlet ORDER BY t.outlet",
        )
        .bind(self.district)
        .fetch_all(p))?;
        rows.into_iter()
            .map(|(outlet, opened_at)| {
                Ok((parsed("turn", "outlet", &outlet)?, instant("turn", "opened_at", opened_at)?))
            })
            .collect()
    }

    /// Names the statement drafted from a closed turn, if it has none; false otherwise.
    pub async fn set_turn_statement(
        &self,
        code: &TurnId,
        statement: i64,
    ) -> Result<bool, StoreError> {
        let mut tx = self.pool.write().await?;
        let set = changed!(
            &mut tx,
            sqlx::query(
                "UPDATE turn SET statement = $3
                 WHERE district = $1 AND code = $2 AND closed_at IS NOT NULL AND statement IS NULL",
            )
            .bind(self.district)
            .bind(code.as_str())
            .bind(statement)
        )?;
        tx.commit().await?;
        Ok(set == 1)
    }
}

/// Nobody else enters a turn between a look and the entry: the row is a lock.
async fn lock(tx: &mut Tx, district: i64) -> Result<(), StoreError> {
    changed!(tx, sqlx::query("UPDATE district SET code = code WHERE id = $1").bind(district))?;
    Ok(())
}

async fn enter(
    tx: &mut Tx,
    district: i64,
    turn: &NewTurn,
    closed_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    lock(tx, district).await?;
    let entered = changed!(
        tx,
        sqlx::query(
            "INSERT INTO turn (district, code, round, outlet, village, plan, opened_at, closed_at)
             SELECT $1, $2, $3, $4, $5, $6, $7, $8 WHERE NOT EXISTS (
                 SELECT 1 FROM turn WHERE district = $1 AND outlet = $4 AND opened_at < $9
                 AND (closed_at IS NULL OR closed_at > $7))
             ON CONFLICT DO NOTHING",
        )
        .bind(district)
        .bind(turn.code.as_str())
        .bind(turn.round.as_str())
        .bind(turn.outlet.as_str())
        .bind(turn.village.as_str())
        .bind(turn.plan.as_str())
        .bind(turn.opened_at.millis())
        .bind(closed_at.map(Timestamp::millis))
        .bind(closed_at.map_or(i64::MAX, Timestamp::millis))
    );
    let why = match entered {
        Ok(1) => return Ok(()),
        Ok(_) => "its code is taken, or another turn has its outlet's water then: close that first",
        Err(error) if is_foreign_key(&error) => "its round is not entered: enter the round first",
        Err(error) => return Err(error.into()),
    };
    Err(StoreError::conflict("turn", &turn.code, why))
}

fn is_foreign_key(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_foreign_key_violation)
}

fn row(fields: Fields) -> Result<TurnRow, StoreError> {
    let (code, round, outlet, village, plan, opened_at, closed_at, statement) = fields;
    Ok(TurnRow {
        code: parsed("turn", "code", &code)?,
        round: parsed("turn", "round", &round)?,
        outlet: parsed("turn", "outlet", &outlet)?,
        village: parsed("turn", "village", &village)?,
        plan,
        opened_at: instant("turn", "opened_at", opened_at)?,
        closed_at: instant_option("turn", "closed_at", closed_at)?,
        statement,
    })
}
