//! Rounds and turns: who gets an outlet's water, and when.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::registry::{RegistryError, check_name};
use crate::share::{Part, Share, ShareMethod};
use crate::{Area, GroupId, HouseholdNo, OutletId, RoundId, Timestamp, TurnId, VillageId};

/// A scheduled irrigation pass of a season (轮次).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Round {
    /// Its code.
    pub id: RoundId,
    /// Its name.
    pub name: String,
    /// When it opens.
    pub opens_at: Timestamp,
    /// When it closes.
    pub closes_at: Timestamp,
}

/// A turn (轮灌): the time in which an outlet's water goes to one household or one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// Its code.
    pub id: TurnId,
    /// Its round.
    pub round: RoundId,
    /// The outlet whose water it is.
    pub outlet: OutletId,
    /// The village that gets it.
    pub village: VillageId,
    /// The group of that village.
    pub group: GroupId,
    /// How the volume will be shared.
    pub method: ShareMethod,
    /// The households that get the water; none named means the whole group with all its land.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Member>,
    /// When the gate was opened.
    pub opened_at: Timestamp,
}

/// A household in a turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// The household.
    pub household: HouseholdNo,
    /// The area that it irrigates in this turn, in hundredths of a mu; all its land where none is noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<Area>,
    /// For how many minutes it has the water, where the method counts that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u32>,
    /// With what flow, in millilitres per second, where the method counts that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_ml_per_s: Option<u32>,
    /// Its agreed weight, where the method counts that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
}

impl Member {
    /// A household with all its land, and nothing noted.
    pub const fn new(household: HouseholdNo) -> Self {
        Self { household, area: None, minutes: None, flow_ml_per_s: None, weight: None }
    }

    /// What it brings to the division, with this area.
    pub fn part(&self, area: Area) -> Part {
        Part {
            household: self.household.clone(),
            area,
            minutes: self.minutes,
            flow_ml_per_s: self.flow_ml_per_s,
            weight: self.weight,
        }
    }
}

impl From<&Share> for Member {
    fn from(share: &Share) -> Self {
        Self {
            household: share.household.clone(),
            area: Some(share.area),
            minutes: share.minutes,
            flow_ml_per_s: share.flow_ml_per_s,
            weight: share.weight,
        }
    }
}

/// Why a round or a turn is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RoundError {
    /// The name is not printable.
    #[error(transparent)]
    Name(#[from] RegistryError),
    /// It closes before it opens.
    #[error("round {0} closes before it opens: check its dates")]
    Backwards(RoundId),
    /// A turn outside its round.
    #[error("the time {at} lies outside round {round}: choose the round that is open then")]
    OutsideRound {
        /// The time given.
        at: Timestamp,
        /// The round named.
        round: RoundId,
    },
    /// A turn that ends before it begins.
    #[error("turn {turn} was opened at {opened_at} and cannot close at {closed_at}")]
    ClosesTooEarly {
        /// The turn.
        turn: TurnId,
        /// When it was opened.
        opened_at: Timestamp,
        /// The closing time given.
        closed_at: Timestamp,
    },
}

impl Round {
    /// Checks name and dates.
    pub fn check(&self) -> Result<(), RoundError> {
        check_name(&self.name)?;
        if self.closes_at <= self.opens_at {
            return Err(RoundError::Backwards(self.id.clone()));
        }
        Ok(())
    }

    /// Checks that a turn may open at `at`.
    pub fn admits(&self, at: Timestamp) -> Result<(), RoundError> {
        if (self.opens_at..=self.closes_at).contains(&at) {
            Ok(())
        } else {
            Err(RoundError::OutsideRound { at, round: self.id.clone() })
        }
    }
}

impl Turn {
    /// Checks a closing time.
    pub fn check_closing(&self, closed_at: Timestamp) -> Result<(), RoundError> {
        if closed_at > self.opened_at {
            return Ok(());
        }
        Err(RoundError::ClosesTooEarly {
            turn: self.id.clone(),
            opened_at: self.opened_at,
            closed_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round() -> Round {
        Round {
            id: RoundId::new("2016-1").unwrap(),
            name: "第一轮".into(),
            opens_at: "2016-04-01T00:00:00Z".parse().unwrap(),
            closes_at: "2016-04-20T00:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn admits_its_own_days_alone() {
        let round = round();
        assert_eq!(round.check(), Ok(()));
        assert_eq!(round.admits(round.opens_at), Ok(()));
        assert_eq!(round.admits(round.closes_at), Ok(()));
        assert!(round.admits(round.closes_at.plus_millis(1)).is_err());
        assert!(round.admits(round.opens_at.plus_millis(-1)).is_err());
    }

    #[test]
    fn rejects_a_round_that_runs_backwards() {
        let mut backwards = round();
        backwards.closes_at = backwards.opens_at;
        assert!(matches!(backwards.check(), Err(RoundError::Backwards(_))));
    }

    #[test]
    fn rejects_a_turn_that_closes_before_it_opened() {
        let turn = Turn {
            id: TurnId::new("t1").unwrap(),
            round: round().id,
            outlet: OutletId::new("w1").unwrap(),
            village: VillageId::new("v1").unwrap(),
            group: GroupId::new("g1").unwrap(),
            method: ShareMethod::Area,
            members: Vec::new(),
            opened_at: round().opens_at,
        };
        assert!(turn.check_closing(turn.opened_at).is_err());
        assert_eq!(turn.check_closing(turn.opened_at.plus_millis(1)), Ok(()));
    }
}
