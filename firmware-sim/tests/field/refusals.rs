//! Scenarios that are refused: each says the key, the value and what is allowed.

use firmware_sim::{Field, FieldError, Scenario, ScenarioError};

use crate::told::{CANAL, REGISTER, event, outlet};

const EVERY_FAULT: &str = include_str!("../../scenarios/every-fault.toml");

const TEN_THOUSAND: &str = include_str!("../../scenarios/ten-thousand.toml");

/// The refusal of the scenario with every fault once something in it is replaced.
#[track_caller]
fn refusal(from: &str, to: &str) -> String {
    assert!(EVERY_FAULT.contains(from), "{from}");
    match Scenario::parse(&EVERY_FAULT.replacen(from, to, 1)) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{to} is taken"),
    }
}

#[track_caller]
fn rejects(from: &str, to: &str, key: &str, value: &str, allowed: &str) {
    let said = refusal(from, to);
    assert!(said.starts_with(&format!("{key} = {value} is refused: ")), "{said}");
    assert!(said.contains(allowed), "{said}");
}

#[test]
fn rejects_what_it_does_not_know() {
    for (from, to, named) in [
        ("days = 4", "dais = 4", "unknown field `dais`, expected one of `seed`, `start`, `days`"),
        ("what.drift.ppm", "what.drfit.ppm", "unknown variant `drfit`"),
        ("what.drift.ppm", "what.drift.pmm", "pmm, available keys: ppm"),
        ("count = 2", "count = \"two\"", "invalid type: string \"two\", expected u32"),
        ("T00:00:00+08:00", "T00:00:00", "does not say which instant it is"),
        ("\"day 1 07:00\"", "\"day one\"", "write it like \"day 3 06:30\""),
        ("opens = \"06:00\"", "opens = \"6 am\"", "write it like \"06:30\""),
        ("code = \"spring\"", "", "missing field `code`"),
    ] {
        let said = refusal(from, to);
        assert!(said.contains(named) && said.contains("at line "), "{said}");
    }
}

#[test]
fn rejects_values_that_cannot_be() {
    rejects("days = 4", "days = 401", "days", "401", "give 1 to 400");
    rejects("start = 2026", "start = 1956", "start", "1956-04-01T00:00:00+08:00", "from 1970 on");
    rejects("id = \"west\"", "id = \"east\"", "villages[1].id", "east", "its own id");
    rejects("id = \"west\"", "id = \"West\"", "villages[1].id", "\"West\"", "a-z");
    rejects("name = \"西村\"", "name = \" \"", "villages[1].name", "\" \"", "visible");
    rejects("village = \"east\"", "village = \"e\"", "series[0].village", "e", "east, west");
    rejects("name = \"gate\"", "name = \"gate1\"", "series[0].name", "\"gate1\"", "a-z and '-'");
    rejects("name = \"well\"", "name = \"gate\"", "series[2].name", "gate", "its own name");
    rejects("count = 2", "count = 0", "series[0].count", "0", "give 1 to 100000");
    rejects("count = 2", "count = 99_999", "the number of meters", "100003", "100000");
    rejects("= 30\n", "= 0\n", "series[1].memory_reports", "0", "give 1 to 100000");
    let modulus = "series[0].meter: its modulus";
    rejects("modulus = 100_000", "modulus = 10", modulus, "10", "give 1000");
    let throat = "series[1].meter.stage.throat_mm";
    rejects("throat_mm = 600", "throat_mm = 500", throat, "500", "450, 600");
    let discharge = "series[1].source: its discharge_ml_per_s";
    rejects("[90_000,", "[9_000,", discharge, "[9000, 250000]", "13856 to ");
    let discharge = "series[0].source.discharge_ml_per_s";
    rejects("[40_000,", "[90_000,", discharge, "[90000, 80000]", "the smaller first");
    rejects("energy = {", "stage = { throat_mm = 600 } #", "series[2].meter", "stage", "flume");
}

#[test]
fn rejects_plans_that_cannot_be() {
    rejects("code = \"wells\"", "code = \"spring\"", "rounds[1].code", "spring", "its own code");
    rejects("[\"well\"]", "[\"wells\"]", "rounds[1].outlets", "\"wells\"", "gate, flume, well");
    rejects("[\"well\"]", "[]", "rounds[1].outlets", "[]", "at least one");
    rejects("every_days = 2", "every_days = 0", "rounds[1].every_days", "0", "give 1");
    rejects("every_days = 2", "first_day = 5", "rounds[1].first_day", "5", "give 1 to 4");
    let turns = "rounds[0].turn_minutes";
    rejects("[120, 90, 150]", "[1200, 900]", turns, "[1200, 900]", "within 1440");
    rejects("[120, 90, 150]", "[]", "rounds[0].turn_minutes: their number", "0", "give 1 to 96");
    let many = TEN_THOUSAND.replace("days = 1\n", "days = 60\n");
    let said = Scenario::parse(&many).unwrap_err().to_string();
    assert!(said.contains("number of turns = 2040000 is refused: give 0 to 2000000"), "{said}");
    rejects("opens = \"06:00\"", "opens = \"22:00\"", "rounds[0].opens", "22:00", "start and end");
}

#[test]
fn rejects_events_that_cannot_be() {
    rejects(
        "\"day 1 07:00\"",
        "\"day 5 07:00\"",
        "events[0].at",
        "\"day 5 07:00\"",
        "end of day 4",
    );
    rejects("\"flume-00001\"", "\"flume-3\"", "events[0].meters", "\"flume-3\"", "gate-00001");
    let minutes = "events[0].what.outage.minutes";
    rejects("minutes = 1_440", "minutes = 0", minutes, "0", "give 1 to");
    let share = "meters = [\"flume-00001\"]\nshare_permille = 1_001";
    rejects("meters = [\"flume-00001\"]", share, "events[0].share_permille", "1001", "1000");
    let drift = "events[6].what.drift.ppm";
    rejects("ppm = 5_000", "ppm = 200_000", drift, "200000", "give -100000 to 100000");
    let on = |what: &str, series: &str| (format!("what.{what} = {{}}"), format!("on {series}"));
    for (what, key, why) in [
        (on("reset", "flume"), "events[0].what.reset", "a stage gauge has no register"),
        (on("rollover", "flume"), "events[0].what.rollover", "no modulus"),
    ] {
        rejects("what.outage.minutes = 1_440", &what.0, key, &what.1, why);
    }
    let reverse = "what.reverse = { minutes = 1, discharge_ml_per_s = 1 }";
    let key = "events[0].what.reverse";
    rejects("what.outage.minutes = 1_440", reverse, key, "on flume", "only a register");
    let battery = "what.battery.left_permille = 1";
    let key = "events[0].what.battery";
    rejects("what.outage.minutes = 1_440", battery, key, "on flume", "no battery_days");
    let after = "events[5].what.reset";
    rejects("after = 0", "after = 1_000_000", after, "1000000", "give 0 to 999999");
}

#[test]
fn rejects_turns_at_once_at_one_outlet() {
    let second = "[[rounds]]\ncode = \"s\"\noutlets = [\"a-00001\"]\nopens = \"08:00\"\nturn_minutes = [30]\n";
    let scenario = Scenario::parse(&outlet(REGISTER, CANAL, second)).unwrap();
    let error = Field::new(scenario).unwrap_err();
    assert!(matches!(&error, FieldError::Overlap { one, other, .. } if one == "r" && other == "s"));
    assert!(error.to_string().contains("a-00001"), "{error}");
}

#[test]
fn rejects_a_second_rollover_and_one_after_a_reset() {
    let meter = "register = { millilitres_per_unit = 1_000, modulus = 100_000_000 }";
    let field = |events: &[(&str, &str)]| {
        let events: String = events.iter().map(|(at, what)| event(at, what)).collect();
        Field::new(Scenario::parse(&outlet(meter, CANAL, &events)).unwrap())
    };
    let wrap = "rollover = {}";
    for events in [
        [("day 1 08:00", wrap), ("day 2 08:00", wrap)],
        [("day 1 08:00", "reset = {}"), ("day 2 08:00", wrap)],
    ] {
        assert!(matches!(field(&events), Err(FieldError::Rollover { event: 1, .. })));
    }
    let swapped = [("day 1 08:00", wrap), ("day 1 12:00", "swap = {}"), ("day 2 08:00", wrap)];
    assert!(field(&swapped).is_ok(), "another meter has another register");
}

#[test]
fn rejects_a_file_that_is_not_there() {
    let error = Scenario::open("no/such/scenario.toml".as_ref()).unwrap_err();
    assert!(matches!(error, ScenarioError::File(_)));
}

#[test]
fn a_long_registry_is_told_in_parts_that_fit() {
    let text = EVERY_FAULT.replace("count = 2", "count = 40");
    let scenario = Scenario::parse(&text).unwrap();
    let registry = Field::rehearsal(scenario).unwrap().registry();
    let whole = serde_json::to_value(&registry).unwrap();
    assert!(registry.clone().split(500).is_none(), "an outlet alone is longer");
    let parts = registry.split(8_000).unwrap();
    assert!(parts.len() > 5);
    let mut outlets = Vec::new();
    for part in parts {
        assert!(serde_json::to_vec(&part).unwrap().len() <= 8_000);
        let part = serde_json::to_value(part).unwrap();
        let here = part["outlets"].as_array().unwrap().clone();
        for meter in part["meters"].as_array().unwrap() {
            assert!(here.iter().any(|outlet| outlet["id"] == meter["meter"]["outlet"]));
        }
        outlets.extend(here);
    }
    assert_eq!(&outlets, whole["outlets"].as_array().unwrap());
}
