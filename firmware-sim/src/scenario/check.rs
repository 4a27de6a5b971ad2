//! What a scenario must keep to. Each refusal names the key, the value and what is allowed.

mod plan;
mod series;

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;

use super::instant::MAX_DAYS;
use super::{MAX_SCENARIO_METERS, MAX_SCENARIO_TURNS, Round, Scenario, ScenarioError, Village};
use crate::physics::PERMILLE;
use plan::{check_event, check_round};
use series::check_series;

const MAX_NAME_CHARS: usize = 40;
const MAX_CODE_CHARS: usize = 32;
const MAX_DRIFT_PPM: i64 = 100_000;
const MAX_MODULUS: i64 = 1_000_000_000_000;
const MAX_MINUTES: i64 = 60 * 24 * 60;

type Checked = Result<(), ScenarioError>;

fn refuse(key: impl Display, value: impl Display, allowed: impl Into<String>) -> ScenarioError {
    ScenarioError::Value { key: key.to_string(), value: value.to_string(), allowed: allowed.into() }
}

fn within(key: impl Display, value: impl Into<i64>, range: RangeInclusive<i64>) -> Checked {
    let value = value.into();
    if range.contains(&value) {
        return Ok(());
    }
    Err(refuse(key, value, format!("give {} to {}", range.start(), range.end())))
}

/// A count, whatever its type; what is too large for an `i64` is too large.
fn count(key: impl Display, value: usize, most: i64) -> Checked {
    within(key, i64::try_from(value).unwrap_or(i64::MAX), 1..=most)
}

fn code(key: impl Display, text: &str) -> Checked {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let good = (1..=MAX_CODE_CHARS).contains(&text.len())
        && text.bytes().all(allowed)
        && !text.starts_with('-');
    let say = format!("use 1 to {MAX_CODE_CHARS} of a-z, 0-9 and '-', not starting with '-'");
    if good { Ok(()) } else { Err(refuse(key, format!("{text:?}"), say)) }
}

fn name(key: impl Display, text: &str) -> Checked {
    let visible = !text.chars().any(char::is_control) && text.trim() == text;
    let good = visible && (1..=MAX_NAME_CHARS).contains(&text.chars().count());
    let say = format!("use 1 to {MAX_NAME_CHARS} visible characters");
    if good { Ok(()) } else { Err(refuse(key, format!("{text:?}"), say)) }
}

pub(super) fn check(scenario: &Scenario) -> Checked {
    within("days", scenario.days, 1..=i64::from(MAX_DAYS))?;
    if scenario.start_ms() < 0 {
        return Err(refuse("start", scenario.start.to_rfc3339(), "give a time from 1970 on"));
    }
    villages(&scenario.villages)?;
    let mut names = BTreeSet::new();
    for (index, series) in scenario.series.iter().enumerate() {
        let key = format!("series[{index}]");
        if !names.insert(&series.name) {
            return Err(refuse(
                format!("{key}.name"),
                &series.name,
                "give each series its own name",
            ));
        }
        check_series(&key, series, scenario)?;
    }
    within("the number of meters", scenario.outlets(), 1..=i64::from(MAX_SCENARIO_METERS))?;
    let mut codes = BTreeSet::new();
    for (index, round) in scenario.rounds.iter().enumerate() {
        let key = format!("rounds[{index}]");
        if !codes.insert(&round.code) {
            return Err(refuse(format!("{key}.code"), &round.code, "give each round its own code"));
        }
        check_round(&key, round, scenario)?;
    }
    within("the number of turns", turns(scenario), 0..=MAX_SCENARIO_TURNS)?;
    let events = scenario.events.iter().enumerate();
    events
        .into_iter()
        .try_for_each(|(index, event)| check_event(&format!("events[{index}]"), event, scenario))
}

/// All turns of all outlets; of an outlet that a round names twice, twice.
fn turns(scenario: &Scenario) -> i64 {
    let of_round = |round: &Round| {
        let outlets = round.outlets.iter().filter_map(|name| scenario.find(name));
        let outlets: i64 = outlets.map(|found| found.outlets()).sum();
        let days = round.days(scenario.days).count() * round.turn_minutes.len();
        outlets.saturating_mul(i64::try_from(days).unwrap_or(i64::MAX))
    };
    scenario.rounds.iter().map(of_round).fold(0, i64::saturating_add)
}

fn villages(villages: &[Village]) -> Checked {
    if villages.is_empty() {
        return Err(refuse("villages", "[]", "name at least one, or leave the key out"));
    }
    let mut ids = BTreeSet::new();
    for (index, village) in villages.iter().enumerate() {
        let key = format!("villages[{index}]");
        code(format!("{key}.id"), &village.id)?;
        name(format!("{key}.name"), &village.name)?;
        if !ids.insert(&village.id) {
            return Err(refuse(format!("{key}.id"), &village.id, "give each village its own id"));
        }
        for (index, group) in village.groups.iter().enumerate() {
            code(format!("{key}.groups[{index}].id"), &group.id)?;
            name(format!("{key}.groups[{index}].name"), &group.name)?;
        }
    }
    Ok(())
}
