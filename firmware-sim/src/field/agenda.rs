//! What a scenario holds for one outlet: its turns, when water flows, and what befalls its meter.

use telemetry::MeterId;

use super::FieldError;
use crate::dice::Dice;
use crate::physics::{Opening, PERMILLE, Way};
use crate::scenario::{MINUTE_MS, Scenario, Series, What};

/// A turn of a round at one outlet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Which of the scenario's rounds.
    pub(crate) round: usize,
    /// Counted from 1 within round and outlet.
    pub(crate) number: u32,
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
}

/// Something that is due at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) at_ms: i64,
    pub(crate) what: DueWhat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DueWhat {
    TurnStarts(usize),
    TurnEnds(usize),
    /// The event of this index in the scenario.
    Befalls(usize, What),
    RadioReturns,
}

/// All that is planned at an outlet, by time.
#[derive(Debug, Clone)]
pub(crate) struct Agenda {
    pub(crate) turns: Vec<Turn>,
    pub(crate) openings: Vec<Opening>,
    pub(crate) due: Vec<Due>,
}

impl Agenda {
    pub(crate) fn of(
        scenario: &Scenario,
        series: &Series,
        number: u32,
        outlet: &MeterId,
    ) -> Result<Self, FieldError> {
        let turns = turns(scenario, series, number, outlet)?;
        let events = events(scenario, series, number, outlet);
        check_rollovers(outlet, &events)?;
        let openings = openings(&turns, &events);
        let mut due = Vec::with_capacity(turns.len() * 2 + events.len());
        for (index, turn) in turns.iter().enumerate() {
            due.push(Due { at_ms: turn.start_ms, what: DueWhat::TurnStarts(index) });
            due.push(Due { at_ms: turn.end_ms, what: DueWhat::TurnEnds(index) });
        }
        for (at_ms, index, what) in events {
            due.push(Due { at_ms, what: DueWhat::Befalls(index, what) });
            if let What::Outage { minutes } = what {
                let at_ms = at_ms + minutes_ms(minutes);
                due.push(Due { at_ms, what: DueWhat::RadioReturns });
            }
        }
        // What is due at once comes in the order of the file.
        due.sort_by_key(|due| due.at_ms);
        Ok(Self { turns, openings, due })
    }
}

pub(crate) fn minutes_ms(minutes: u32) -> i64 {
    i64::from(minutes) * MINUTE_MS
}

/// So many minutes, drawn for one outlet.
fn spread_ms(dice: Dice, purpose: &str, outlet: &MeterId, index: usize, minutes: u32) -> i64 {
    let index = u64::try_from(index).unwrap_or(u64::MAX);
    dice.between(purpose, outlet, index, 0, minutes.into()) * MINUTE_MS
}

fn turns(
    scenario: &Scenario,
    series: &Series,
    number: u32,
    outlet: &MeterId,
) -> Result<Vec<Turn>, FieldError> {
    let dice = Dice::new(scenario.seed);
    let mut turns = Vec::new();
    for (index, round) in scenario.rounds.iter().enumerate() {
        if !scenario.names(&round.outlets, series, number) {
            continue;
        }
        let later_ms = spread_ms(dice, "opens", outlet, index, round.spread_minutes);
        let mut count = 0;
        for day in round.days(scenario.days) {
            let mut start_ms = round.day_opens(day).after(scenario.start) + later_ms;
            for minutes in &round.turn_minutes {
                let end_ms = start_ms + minutes_ms(*minutes);
                count += 1;
                turns.push(Turn { round: index, number: count, start_ms, end_ms });
                start_ms = end_ms + minutes_ms(round.shut_minutes);
            }
        }
    }
    turns.sort_by_key(|turn| turn.start_ms);
    for pair in turns.windows(2) {
        if let [before, after] = pair
            && after.start_ms < before.end_ms
        {
            let code = |turn: &Turn| scenario.rounds.get(turn.round).map(|r| r.code.clone());
            return Err(FieldError::Overlap {
                outlet: outlet.clone(),
                one: code(before).unwrap_or_default(),
                other: code(after).unwrap_or_default(),
            });
        }
    }
    Ok(turns)
}

/// Time, index and kind of what befalls the outlet.
fn events(
    scenario: &Scenario,
    series: &Series,
    number: u32,
    outlet: &MeterId,
) -> Vec<(i64, usize, What)> {
    let dice = Dice::new(scenario.seed);
    let mut events = Vec::new();
    for (index, event) in scenario.events.iter().enumerate() {
        let roll = dice.roll(
            "befalls",
            outlet,
            u64::try_from(index).unwrap_or(u64::MAX),
            PERMILLE.unsigned_abs(),
        );
        if scenario.names(&event.meters, series, number) && roll < event.share_permille.into() {
            let later_ms = spread_ms(dice, "when", outlet, index, event.spread_minutes);
            events.push((event.at.after(scenario.start) + later_ms, index, event.what));
        }
    }
    events
}

/// A register is made to wrap when it is installed, so it wraps once, and not after it was set.
fn check_rollovers(outlet: &MeterId, events: &[(i64, usize, What)]) -> Result<(), FieldError> {
    let mut by_time = events.to_vec();
    by_time.sort_by_key(|(at_ms, _, _)| *at_ms);
    let mut settled = false;
    for (_, event, what) in by_time {
        match what {
            What::Rollover {} if settled => {
                return Err(FieldError::Rollover { outlet: outlet.clone(), event });
            }
            What::Rollover {} | What::Reset { .. } => settled = true,
            What::Swap { .. } => settled = false,
            _ => {}
        }
    }
    Ok(())
}

/// When water flows: turns that follow each other at once are one opening of the gate.
fn openings(turns: &[Turn], events: &[(i64, usize, What)]) -> Vec<Opening> {
    let gate = |start_ms, end_ms| Opening { start_ms, end_ms, way: Way::Gate };
    let mut gates: Vec<Opening> =
        turns.iter().map(|turn| gate(turn.start_ms, turn.end_ms)).collect();
    let mut openings = Vec::new();
    for (at_ms, _, what) in events {
        let mut past = |minutes: u32, ml_per_s: i64| {
            let end_ms = at_ms + minutes_ms(minutes);
            openings.push(Opening { start_ms: *at_ms, end_ms, way: Way::Past(ml_per_s) });
        };
        match *what {
            What::UseOutsideRounds { minutes } => {
                gates.push(gate(*at_ms, at_ms + minutes_ms(minutes)));
            }
            What::Leak { minutes, discharge_ml_per_s } => past(minutes, discharge_ml_per_s),
            What::Reverse { minutes, discharge_ml_per_s } => past(minutes, -discharge_ml_per_s),
            _ => {}
        }
    }
    gates.sort_by_key(|gate| gate.start_ms);
    for gate in gates {
        match openings.last_mut() {
            Some(open) if open.way == Way::Gate && gate.start_ms <= open.end_ms => {
                open.end_ms = open.end_ms.max(gate.end_ms);
            }
            _ => openings.push(gate),
        }
    }
    openings
}
