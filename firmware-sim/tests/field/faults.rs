//! What befalls registers and what is kept of them: outages, swaps, rollovers, resets.

use firmware_sim::Occurrence;
use telemetry::Flags;

use crate::told::{CANAL, REGISTER, RIGHT_CLOCK, Told, event, outlet, said};

fn with(what: &[(&str, &str)]) -> Told {
    let events: String = what.iter().map(|(at, what)| event(at, what)).collect();
    Told::of(&outlet(REGISTER, CANAL, &events))
}

#[test]
fn an_outage_loses_nothing_and_only_delays() {
    // Without radio a clock is not set, so it must be right by itself.
    let told = |events: &str| Told::of(&said(&outlet(REGISTER, CANAL, events), RIGHT_CLOCK));
    let (calm, outage) = (told(""), told(&event("day 1 05:00", "outage.minutes = 1_440")));
    let (lost, back) = (outage.at("day 1 05:00"), outage.at("day 2 05:00"));
    let bytes = |told: &Told| told.sent().map(|(_, _, bytes)| bytes.to_vec()).collect::<Vec<_>>();
    assert_eq!(bytes(&calm), bytes(&outage), "the very same reports in the same order");
    assert!(outage.sent().all(|(sent_ms, _, _)| sent_ms < lost || back <= sent_ms));
    let at_once = outage.sent().filter(|(sent_ms, _, _)| *sent_ms == back).count();
    assert!(at_once >= 24, "{at_once} hourly reports came when the radio was back");
    let radio: Vec<_> = outage
        .happenings
        .iter()
        .filter(|h| matches!(h.what, Occurrence::RadioLost | Occurrence::RadioBack))
        .map(|h| h.at_ms)
        .collect();
    assert_eq!(radio, [lost, back]);
}

#[test]
fn outages_that_overlap_are_one() {
    let told =
        with(&[("day 1 05:00", "outage.minutes = 60"), ("day 1 05:30", "outage.minutes = 90")]);
    let radio: Vec<_> = told
        .happenings
        .iter()
        .filter(|h| matches!(h.what, Occurrence::RadioLost | Occurrence::RadioBack))
        .map(|h| h.at_ms)
        .collect();
    assert_eq!(radio, [told.at("day 1 05:00"), told.at("day 1 07:00")]);
}

#[test]
fn a_full_memory_loses_readings_but_no_number_and_no_litre() {
    let events = event("day 1 05:00", "outage.minutes = 1_440");
    let text =
        outlet(REGISTER, CANAL, &events).replace("[[rounds]]", "memory_reports = 5\n[[rounds]]");
    let told = Told::of(&text);
    let books = &told.ledger().meters[0];
    assert!((200..240).contains(&books.readings_lost), "{}", books.readings_lost);
    let readings = told.readings("a-00001");
    let gap_ms = readings.windows(2).map(|pair| pair[1].at_ms - pair[0].at_ms).max().unwrap();
    assert!(gap_ms > 16 * 3_600_000, "{gap_ms}");
    let shown = readings[readings.len() - 1].value - readings[0].value;
    assert_eq!(shown, told.outlet().true_millilitres / 1000, "the register went on");
}

#[test]
fn a_scenario_that_ends_in_an_outage_sends_all_at_its_end() {
    let told = with(&[("day 2 05:00", "outage.minutes = 2_880")]);
    assert_eq!(told.reports("a-00001").len(), with(&[]).reports("a-00001").len());
}

#[test]
fn a_swap_goes_on_where_the_old_meter_ended() {
    let told = with(&[("day 1 08:00", "swap = { initial_value = 12 }")]);
    let at = told.at("day 1 08:00");
    let (old, new) = (told.readings("a-00001"), told.readings("a-00001-2"));
    let (last, first) = (old[old.len() - 1], new[0]);
    assert_eq!((last.at_ms, first.at_ms, first.value), (at, at, 12));
    let shown = (last.value - old[0].value) + (new[new.len() - 1].value - 12);
    let truth = told.outlet().true_millilitres;
    assert!((0..2_000).contains(&(truth - shown * 1_000)), "{truth} mL, {shown} units");

    let registry = told.registry();
    let meters = registry["meters"].as_array().unwrap();
    let facts: Vec<_> = meters.iter().map(|entry| &entry["meter"]).collect();
    assert_eq!(facts[0]["removed_at"], "2026-04-01T00:00:00Z");
    assert_eq!(facts[0]["final_value"], last.value);
    assert_eq!(facts[1]["installed_at"], "2026-04-01T00:00:00Z");
    assert_eq!(facts[1]["initial_value"], 12);
    assert_eq!(facts[1]["outlet"], facts[0]["outlet"]);
    assert_ne!(meters[0]["keys"][0]["key"], meters[1]["keys"][0]["key"]);
}

#[test]
fn a_swap_during_an_outage_carries_the_old_meters_memory_out() {
    let told = with(&[("day 1 05:00", "outage.minutes = 600"), ("day 1 08:00", "swap = {}")]);
    let swap = told.at("day 1 08:00");
    let mut old = told.sent().filter(|(_, meter, _)| meter.as_str() == "a-00001");
    assert!(old.all(|(sent_ms, _, _)| sent_ms <= swap));
    let mut new = told.sent().filter(|(_, meter, _)| meter.as_str() == "a-00001-2");
    assert!(new.all(|(sent_ms, _, _)| sent_ms >= told.at("day 1 15:00")));
}

#[test]
fn a_swap_that_nobody_declared_is_not_in_the_registry() {
    let told = with(&[("day 1 08:00", "swap = { declared = false }")]);
    let registry = told.registry();
    let meters = registry["meters"].as_array().unwrap();
    assert_eq!(meters.len(), 1);
    assert!(meters[0]["meter"].get("removed_at").is_none());
    assert!(told.sent().any(|(_, meter, _)| meter.as_str() == "a-00001-2"), "but it reports");
}

#[test]
fn a_rollover_wraps_when_it_should_and_loses_no_litre() {
    let meter = "register = { millilitres_per_unit = 1_000, modulus = 100_000_000 }";
    let told = Told::of(&outlet(meter, CANAL, &event("day 1 08:00", "rollover = {}")));
    let readings = told.readings("a-00001");
    let falls: Vec<_> = readings.windows(2).filter(|pair| pair[1].value < pair[0].value).collect();
    assert_eq!(falls.len(), 1, "it wraps once");
    let [before, after] = falls[0] else { panic!() };
    let at = told.at("day 1 08:00");
    assert!(before.at_ms < at && at <= after.at_ms);
    assert!(before.value > 99_000_000 && after.value < 1_000_000);
    let shown = readings[readings.len() - 1].value + 100_000_000 - readings[0].value;
    assert_eq!(shown, told.outlet().true_millilitres / 1_000);
    assert!(told.flagged("a-00001", Flags::REVERSE_FLOW).is_empty());
}

#[test]
fn a_reset_is_declared_with_both_values_or_not_at_all() {
    let told = with(&[("day 1 12:00", "reset = { after = 3 }")]);
    let registry = told.registry();
    let reset = &registry["meters"][0]["meter"]["resets"][0];
    assert_eq!((&reset["at"], reset["after"].as_i64()), (&"2026-04-01T04:00:00Z".into(), Some(3)));
    let readings = told.readings("a-00001");
    let after = readings.iter().position(|reading| reading.at_ms > told.at("day 1 12:00")).unwrap();
    let before = reset["before"].as_i64().unwrap();
    assert!(before > 100);
    let shown = (before - readings[0].value) + (readings[readings.len() - 1].value - 3);
    assert!(readings[after].value < readings[after - 1].value);
    let lost = told.outlet().true_millilitres - shown * 1_000;
    assert!((0..2_000).contains(&lost), "what filled no unit before and after: {lost} mL");
    assert!(told.flagged("a-00001", Flags::REVERSE_FLOW).is_empty(), "nothing ran back");

    let silent = with(&[("day 1 12:00", "reset = { declared = false }")]);
    assert!(silent.registry()["meters"][0]["meter"].get("resets").is_none());
    assert!(silent.readings("a-00001").windows(2).any(|pair| pair[1].value < pair[0].value));
}

#[test]
fn reverse_flow_counts_back_and_says_so() {
    let told = with(&[("day 1 20:00", "reverse = { minutes = 60, discharge_ml_per_s = 2_000 }")]);
    let readings = told.readings("a-00001");
    let value = |time: &str| {
        let at = told.at(time);
        readings.iter().take_while(|reading| reading.at_ms <= at).last().unwrap().value
    };
    let back = value("day 1 20:00") - value("day 1 22:00");
    assert!((7_100..=7_300).contains(&back), "an hour of 2 L/s: {back} L");
    let flagged = told.flagged("a-00001", Flags::REVERSE_FLOW);
    assert!((1..=3).contains(&flagged.len()), "{flagged:?}");
    let shown = readings[readings.len() - 1].value - readings[0].value;
    assert_eq!(shown, told.outlet().true_millilitres.div_euclid(1_000));
}

#[test]
fn jitter_is_one_unit_and_comes_to_nothing() {
    let meter = "register = { millilitres_per_unit = 1_000, jitter_permille = 200 }";
    let (told, calm) = (Told::of(&outlet(meter, CANAL, "")), with(&[]));
    let (jittered, true_ones) = (told.readings("a-00001"), calm.readings("a-00001"));
    let apart: Vec<_> =
        jittered.iter().zip(&true_ones).map(|(one, other)| other.value - one.value).collect();
    assert!(apart.iter().all(|units| (0..=1).contains(units)));
    let share = apart.iter().filter(|units| **units == 1).count() * 1000 / apart.len();
    assert!((80..250).contains(&share), "{share} ‰");
    let registry = told.registry();
    let dial = &registry["meters"][0]["meter"]["scale"]["register"]["dial"];
    assert_eq!(dial["jitter_units"], 1);
}

#[test]
fn leaks_and_use_outside_rounds_are_nobodys_water() {
    let calm = with(&[]).outlet();
    let leak =
        with(&[("day 1 20:00", "leak = { minutes = 100, discharge_ml_per_s = 1_000 }")]).outlet();
    let more = leak.outside_turns_millilitres - calm.outside_turns_millilitres;
    assert_eq!(more, 100 * 60 * 1_000);
    assert_eq!(leak.waterings, calm.waterings);
    let used = with(&[("day 1 20:00", "use-outside-rounds.minutes = 60")]).outlet();
    assert_eq!(used.waterings, calm.waterings);
    assert!(used.outside_turns_millilitres > calm.outside_turns_millilitres + 60 * 60 * 90_000);
}
