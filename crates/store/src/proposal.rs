//! Water that ran, as a meter saw it start and stop: what no turn overlaps is proposed as a turn.

use domain::watch::FlowSpan;
use domain::{Litres, MeterCode, OutletId, PersonId, Timestamp, TurnId};

use crate::column::{flag, instant, instant_option, limit, parsed, parsed_option};
use crate::pool::{Tx, changed, on};
use crate::{Store, StoreError};

/// Proposals of one read.
pub const MAX_PROPOSALS_PER_READ: u32 = 500;

/// What became of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProposalState {
    /// Nobody has decided.
    Open,
    /// It became a turn.
    Accepted(TurnId),
    /// It is none.
    Dismissed {
        /// Who said so.
        by: PersonId,
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
}

/// Water that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposalRow {
    /// Its number; grows with each.
    pub id: i64,
    /// The meter that saw it.
    pub meter: MeterCode,
    /// Where it stood.
    pub outlet: OutletId,
    /// From when.
    pub from: Timestamp,
    /// Up to when it ran.
    pub to: Timestamp,
    /// How much.
    pub litres: Litres,
    /// Whether it still runs, as far as the readings go.
    pub running: bool,
    /// What became of it.
    pub state: ProposalState,
}

#[derive(sqlx::FromRow)]
struct Fields {
    id: i64,
    meter: String,
    outlet: String,
    from_at: i64,
    to_at: i64,
    litres: i64,
    running: i64,
    state: String,
    turn: Option<String>,
    decided_at: Option<i64>,
    decided_by: Option<String>,
    reason: Option<String>,
}

const OPEN: &str = "open";
const ACCEPTED: &str = "accepted";
const DISMISSED: &str = "dismissed";

/// The columns of [`Fields`].
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, meter, outlet, from_at, to_at, litres, running, state, turn, decided_at,
                    decided_by, reason FROM proposal ",
            $rest
        )
    };
}

impl Store {
    /// Open proposals that no turn overlaps, the newest first; `before_id` is the last id of the page before.
    pub async fn proposals(
        &self,
        before_id: Option<i64>,
        rows: u32,
    ) -> Result<Vec<ProposalRow>, StoreError> {
        // A turn can be opened or logged at any time, so this is asked and not kept.
        let found: Vec<Fields> = on!(self.pool, p => sqlx::query_as(select!(
            "WHERE district = $1 AND state = 'open' AND id < $2 AND NOT EXISTS (
                 SELECT 1 FROM turn WHERE turn.district = proposal.district AND turn.outlet = proposal.outlet
                 AND turn.opened_at < proposal.to_at
                 AND (turn.closed_at IS NULL OR turn.closed_at > proposal.from_at))
             ORDER BY id DESC LIMIT $3"
        ))
        .bind(self.district)
        .bind(before_id.unwrap_or(i64::MAX))
        .bind(limit(rows, MAX_PROPOSALS_PER_READ))
        .fetch_all(p))?;
        found.into_iter().map(row).collect()
    }

    /// One proposal.
    pub async fn proposal(&self, id: i64) -> Result<Option<ProposalRow>, StoreError> {
        let found: Option<Fields> = on!(self.pool, p => sqlx::query_as(
            select!("WHERE district = $1 AND id = $2"),
        )
        .bind(self.district)
        .bind(id)
        .fetch_optional(p))?;
        found.map(row).transpose()
    }

    /// Dismisses an open proposal; false when it is not open.
    pub async fn dismiss_proposal(
        &self,
        id: i64,
        by: &PersonId,
        at: Timestamp,
        reason: &str,
    ) -> Result<bool, StoreError> {
        let mut tx = self.pool.write().await?;
        let done = changed!(
            &mut tx,
            sqlx::query(
                "UPDATE proposal SET state = $3, decided_by = $4, decided_at = $5, reason = $6
                 WHERE district = $1 AND id = $2 AND state = 'open'",
            )
            .bind(self.district)
            .bind(id)
            .bind(DISMISSED)
            .bind(by.as_str())
            .bind(at.millis())
            .bind(reason)
        )?;
        tx.commit().await?;
        Ok(done == 1)
    }
}

/// Says of an open proposal that it became a turn; false when it is not open.
pub(crate) async fn accept(
    tx: &mut Tx,
    district: i64,
    id: i64,
    turn: &TurnId,
) -> Result<bool, StoreError> {
    let done = changed!(
        tx,
        sqlx::query(
            "UPDATE proposal SET state = $3, turn = $4
             WHERE district = $1 AND id = $2 AND state = 'open'",
        )
        .bind(district)
        .bind(id)
        .bind(ACCEPTED)
        .bind(turn.as_str())
    )?;
    Ok(done == 1)
}

/// Keeps how far a flow has come.
pub(crate) async fn follow(
    tx: &mut Tx,
    district: i64,
    (meter, outlet): (&MeterCode, &OutletId),
    span: &FlowSpan,
) -> Result<(), StoreError> {
    changed!(
        tx,
        sqlx::query(
            "INSERT INTO proposal (district, meter, outlet, from_at, to_at, litres, running, state)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (district, meter, from_at) DO UPDATE SET
                 to_at = excluded.to_at, litres = excluded.litres, running = excluded.running",
        )
        .bind(district)
        .bind(meter.as_str())
        .bind(outlet.as_str())
        .bind(span.from.millis())
        .bind(span.to.millis())
        .bind(span.litres.get())
        .bind(i64::from(span.running))
        .bind(OPEN)
    )?;
    Ok(())
}

fn row(fields: Fields) -> Result<ProposalRow, StoreError> {
    let by = parsed_option("proposal", "decided_by", fields.decided_by.as_deref())?;
    let at = instant_option("proposal", "decided_at", fields.decided_at)?;
    let turn = parsed_option("proposal", "turn", fields.turn.as_deref())?;
    let state = match (fields.state.as_str(), turn, by, at, fields.reason) {
        (OPEN, ..) => ProposalState::Open,
        (ACCEPTED, Some(turn), ..) => ProposalState::Accepted(turn),
        (DISMISSED, _, Some(by), Some(at), Some(reason)) => {
            ProposalState::Dismissed { by, at, reason }
        }
        _ => return Err(StoreError::corrupt("proposal", "state", &fields.state)),
    };
    Ok(ProposalRow {
        id: fields.id,
        meter: parsed("proposal", "meter", &fields.meter)?,
        outlet: parsed("proposal", "outlet", &fields.outlet)?,
        from: instant("proposal", "from_at", fields.from_at)?,
        to: instant("proposal", "to_at", fields.to_at)?,
        litres: Litres(fields.litres),
        running: flag("proposal", "running", fields.running)?,
        state,
    })
}
