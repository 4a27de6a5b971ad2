//! Turns that are over: entered in one request, and looked at before anybody signs for them.

use domain::round::Turn;
use domain::{Timestamp, TurnId};
use serde::{Deserialize, Serialize};
use store::NewTurn;

use crate::{ErrorClass, Service, ServiceError};

/// The most turns that are looked at in one call.
pub const MAX_PAST_TURNS: usize = 1_000;

/// A turn that somebody is about to enter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PastTurn {
    /// The turn.
    pub turn: Turn,
    /// When the gate was closed.
    pub closed_at: Timestamp,
}

/// What would come of entering a turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum TurnPreview {
    /// It can be entered.
    New,
    /// The same turn is there.
    Known,
    /// It cannot be entered.
    Refused {
        /// What is wrong and what to do.
        reason: String,
    },
}

impl Service {
    /// Looks at turns that somebody is about to enter, each beside what is there and not beside the others; changes nothing.
    pub async fn preview_turns(
        &self,
        turns: &[PastTurn],
    ) -> Result<Vec<TurnPreview>, ServiceError> {
        if turns.len() > MAX_PAST_TURNS {
            return Err(ServiceError::TooLarge { what: "turns to look at", limit: MAX_PAST_TURNS });
        }
        // The registry may have been posted through another server.
        self.catch_up().await?;
        let mut previews = Vec::with_capacity(turns.len());
        for PastTurn { turn, closed_at } in turns {
            previews.push(match self.check_past_turn(turn, *closed_at).await {
                Ok(Some(_)) => TurnPreview::New,
                Ok(None) => TurnPreview::Known,
                Err(error) if error.class() == ErrorClass::Unavailable => return Err(error),
                Err(error) => TurnPreview::Refused { reason: error.to_string() },
            });
        }
        Ok(previews)
    }

    pub(crate) async fn log_turn(
        &self,
        turn: &Turn,
        closed_at: Timestamp,
        proposal: Option<i64>,
    ) -> Result<(), ServiceError> {
        let Some(new) = self.check_past_turn(turn, closed_at).await? else {
            return Ok(());
        };
        if let Some(id) = proposal {
            self.check_proposal(id, &turn.outlet, turn.opened_at, closed_at).await?;
        }
        self.store.log_turn(&new, closed_at, proposal).await.map_err(ServiceError::of_race)?;
        self.tell_news([]);
        Ok(())
    }

    /// What is to be stored of a turn that is over; none when the same one is there.
    async fn check_past_turn(
        &self,
        turn: &Turn,
        closed_at: Timestamp,
    ) -> Result<Option<NewTurn>, ServiceError> {
        if let Some(row) = self.store.turn(&turn.id).await? {
            let same = serde_json::from_str::<Turn>(&row.plan).is_ok_and(|known| known == *turn);
            return if same && row.closed_at == Some(closed_at) {
                Ok(None)
            } else {
                Err(taken(&turn.id))
            };
        }
        Ok(Some(self.check_times(turn, closed_at).await?))
    }

    /// Checks what a turn that is over names, its times, and that no other turn had the outlet's water then.
    pub(crate) async fn check_times(
        &self,
        turn: &Turn,
        closed_at: Timestamp,
    ) -> Result<NewTurn, ServiceError> {
        let new = self.check_turn(turn).await?;
        turn.check_closing(closed_at)?;
        self.check_past(closed_at)?;
        let outlet = &turn.outlet;
        let others = self.store.turns_between(outlet, turn.opened_at, closed_at).await?;
        match others.into_iter().find(|other| other.code != turn.id) {
            Some(other) => {
                Err(ServiceError::OutletTaken { outlet: outlet.clone(), turn: other.code })
            }
            None => Ok(new),
        }
    }
}

/// Another turn has the code.
pub(crate) fn taken(code: &TurnId) -> ServiceError {
    ServiceError::Exists { what: "turn", code: code.to_string() }
}
