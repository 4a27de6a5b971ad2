//! What the station does when: the season's requests in the order of their times.

use domain::round::{Round, Turn};
use domain::share::ShareMethod;
use domain::{IdError, Timestamp, TurnId};
use service::request::Ask;

use super::township::{RoundEntry, Township, Well};

/// How long after a round's close the station settles it, in milliseconds: a day, so that the
/// meters' last reports are in.
const SETTLE_AFTER_MILLIS: i64 = 24 * 3600 * 1000;

/// Something the station asks for at an instant.
#[derive(Debug, Clone)]
pub struct Event {
    pub at: Timestamp,
    pub ask: Ask,
}

/// The whole season, by time. Of two things at one instant, a turn closes before the next opens.
pub fn season(township: &Township) -> Result<Vec<Event>, IdError> {
    let mut events = Vec::new();
    for round in &township.rounds {
        let scheduled = Round {
            id: round.id.clone(),
            name: round.name.clone(),
            opens_at: round.opens_at,
            closes_at: round.closes_at,
        };
        events.push(Event { at: round.opens_at, ask: Ask::OpenRound(scheduled) });
        for well in &township.wells {
            events.extend(turns(round, well)?);
        }
        for village in &township.villages {
            let ask = Ask::Settle { village: village.id.clone(), round: round.id.clone() };
            events.push(Event { at: round.closes_at.plus_millis(SETTLE_AFTER_MILLIS), ask });
        }
    }
    // Stable, and turns were entered in the order in which they follow each other.
    events.sort_by_key(|event| event.at);
    Ok(events)
}

fn turns(round: &RoundEntry, well: &Well) -> Result<Vec<Event>, IdError> {
    let spans = [(round.first, round.change), (round.change, round.last)];
    let mut events = Vec::new();
    for ((opened_at, closed_at), group) in spans.into_iter().zip(&well.groups) {
        let id = TurnId::new(format!("{}-{}-{group}", round.id, well.id))?;
        let turn = Turn {
            id: id.clone(),
            round: round.id.clone(),
            outlet: well.id.clone(),
            village: well.village.clone(),
            group: group.clone(),
            method: ShareMethod::Area,
            members: Vec::new(),
            opened_at,
        };
        events.push(Event { at: opened_at, ask: Ask::OpenTurn(turn) });
        events.push(Event { at: closed_at, ask: Ask::CloseTurn { turn: id, closed_at } });
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outlet_is_always_closed_before_it_opens_again() {
        let township = Township::load().unwrap();
        let mut open = std::collections::BTreeMap::new();
        for event in season(&township).unwrap() {
            match event.ask {
                Ask::OpenTurn(turn) => assert_eq!(open.insert(turn.outlet, turn.id), None),
                Ask::CloseTurn { turn, .. } => {
                    let outlet = open.iter().find(|(_, id)| **id == turn).unwrap().0.clone();
                    open.remove(&outlet);
                }
                _ => {}
            }
        }
        assert!(open.is_empty());
    }
}
