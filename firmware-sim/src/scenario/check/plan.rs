//! What rounds and events must keep to.

use super::{
    Checked, MAX_DRIFT_PPM, MAX_MINUTES, MAX_MODULUS, PERMILLE, code, count, refuse, within,
};
use crate::scenario::instant::{DAY_MS, MAX_DAYS, MINUTE_MS};
use crate::scenario::{
    Event, MAX_DISCHARGE_ML_PER_S, Round, Scenario, ScenarioError, SensorTraits, Series, What,
};

const MAX_TURNS_A_DAY: usize = 96;

pub(super) fn check_round(key: &str, round: &Round, scenario: &Scenario) -> Checked {
    code(format!("{key}.code"), &round.code)?;
    selected(&format!("{key}.outlets"), &round.outlets, scenario)?;
    let days = i64::from(scenario.days);
    within(format!("{key}.first_day"), round.first_day, 1..=days)?;
    let last_day = round.last_day.unwrap_or(scenario.days);
    within(format!("{key}.last_day"), last_day, i64::from(round.first_day)..=days)?;
    within(format!("{key}.every_days"), round.every_days, 1..=i64::from(MAX_DAYS))?;
    within(format!("{key}.shut_minutes"), round.shut_minutes, 0..=MAX_MINUTES)?;
    within(format!("{key}.spread_minutes"), round.spread_minutes, 0..=MAX_MINUTES)?;
    let most = i64::try_from(MAX_TURNS_A_DAY).unwrap_or(i64::MAX);
    count(format!("{key}.turn_minutes: their number"), round.turn_minutes.len(), most)?;
    for (index, minutes) in round.turn_minutes.iter().enumerate() {
        within(format!("{key}.turn_minutes[{index}]"), *minutes, 1..=MAX_MINUTES)?;
    }
    let all = round.minutes();
    let period = i64::from(round.every_days) * 24 * 60;
    if all > period {
        let say = format!(
            "all turns of a day take {all} minutes: keep them within {period}, when they come again"
        );
        return Err(refuse(
            format!("{key}.turn_minutes"),
            format!("{:?}", round.turn_minutes),
            say,
        ));
    }
    let last = round.days(scenario.days).last().unwrap_or(last_day);
    let opens = round.day_opens(last).after(scenario.start);
    let ends = opens + (i64::from(round.spread_minutes) + all) * MINUTE_MS;
    if opens < scenario.start_ms() && round.first_day == 1 || ends > scenario.end_ms() {
        let say = "its turns, spread and all, must lie between the scenario's start and end: move opens or the days";
        return Err(refuse(format!("{key}.opens"), round.opens, say));
    }
    Ok(())
}

pub(super) fn check_event(key: &str, event: &Event, scenario: &Scenario) -> Checked {
    let found = selected(&format!("{key}.meters"), &event.meters, scenario)?;
    within(format!("{key}.share_permille"), event.share_permille, 1..=PERMILLE)?;
    within(format!("{key}.spread_minutes"), event.spread_minutes, 0..=MAX_MINUTES)?;
    let at = event.at.after(scenario.start);
    let latest = at + i64::from(event.spread_minutes) * MINUTE_MS;
    if at < scenario.start_ms() || latest >= scenario.end_ms() {
        let last = scenario.days;
        let say =
            format!("it must befall between the start and the end of day {last}, spread and all");
        return Err(refuse(format!("{key}.at"), format!("\"{}\"", event.at), say));
    }
    let what = format!("{key}.what.{}", event.what.name());
    befalls(&what, &event.what)?;
    found.into_iter().try_for_each(|series| suits(&what, &event.what, series))
}

fn befalls(key: &str, what: &What) -> Checked {
    let for_minutes = |minutes: u32| within(format!("{key}.minutes"), minutes, 1..=MAX_MINUTES);
    match *what {
        What::Outage { minutes }
        | What::Tamper { minutes }
        | What::UseOutsideRounds { minutes } => for_minutes(minutes),
        What::Reverse { minutes, discharge_ml_per_s }
        | What::Leak { minutes, discharge_ml_per_s } => {
            for_minutes(minutes)?;
            let most = MAX_DISCHARGE_ML_PER_S;
            within(format!("{key}.discharge_ml_per_s"), discharge_ml_per_s, 1..=most)
        }
        What::Reboot { down_seconds } => {
            within(format!("{key}.down_seconds"), down_seconds, 0..=DAY_MS / 1000)
        }
        What::Drift { ppm } => within(format!("{key}.ppm"), ppm, -MAX_DRIFT_PPM..=MAX_DRIFT_PPM),
        What::Battery { left_permille } => {
            within(format!("{key}.left_permille"), left_permille, 0..=PERMILLE)
        }
        What::Swap { .. } | What::Rollover {} | What::Reset { .. } | What::KeyRotation {} => Ok(()),
    }
}

/// Refuses what cannot befall the meters of a series.
fn suits(key: &str, what: &What, series: &Series) -> Checked {
    let stage = matches!(series.meter, SensorTraits::Stage { .. });
    let register = matches!(series.meter, SensorTraits::Register { .. });
    let energy = matches!(series.meter, SensorTraits::Energy { .. });
    let highest = series.meter.modulus().unwrap_or(MAX_MODULUS) - 1;
    let why = match *what {
        What::Swap { initial_value: Some(_), .. } | What::Reset { .. } if stage => {
            "a stage gauge has no register"
        }
        What::Rollover {} if series.meter.modulus().is_none() => "its register has no modulus",
        What::Reverse { .. } if !register => "only a register can run backwards",
        What::Leak { .. } if energy => "without its pump a well gives nothing: use-outside-rounds",
        What::Battery { .. } if series.battery_days.is_none() => "it has no battery_days",
        What::Swap { initial_value: Some(value), .. } | What::Reset { after: value, .. } => {
            return within(key, value, 0..=highest);
        }
        _ => return Ok(()),
    };
    Err(refuse(key, format!("on {}", series.name), why))
}

/// Every series that the names stand for; refuses a name that stands for nothing.
fn selected<'a>(
    key: &str,
    names: &[String],
    scenario: &'a Scenario,
) -> Result<Vec<&'a Series>, ScenarioError> {
    if names.is_empty() {
        return Err(refuse(key, "[]", "name at least one series or meter"));
    }
    let find = |name: &String| {
        scenario.find(name).map(|found| found.series).ok_or_else(|| {
            let series: Vec<&str> = scenario.series.iter().map(|s| s.name.as_str()).collect();
            let say = format!(
                "give a series ({}) or one of its meters, counted from 1, as in {}-00001",
                series.join(", "),
                series.first().unwrap_or(&"canal")
            );
            refuse(key, format!("{name:?}"), say)
        })
    };
    names.iter().map(find).collect()
}
