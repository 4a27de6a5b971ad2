//! What befalls devices: reboots, clocks, batteries, cases, keys.

use telemetry::Flags;

use crate::told::{CANAL, REGISTER, RIGHT_CLOCK, Told, event, outlet, said};

fn with(what: &[(&str, &str)]) -> Told {
    series("", what)
}

/// With more said about the series.
fn series(more: &str, what: &[(&str, &str)]) -> Told {
    let events: String = what.iter().map(|(at, what)| event(at, what)).collect();
    Told::of(&said(&outlet(REGISTER, CANAL, &events), more))
}

#[test]
fn a_reboot_is_counted_told_and_loses_what_was_in_no_report() {
    let told = with(&[("day 1 08:20", "reboot.down_seconds = 600")]);
    let reports = told.reports("a-00001");
    let rebooted = told.flagged("a-00001", Flags::REBOOTED);
    let [seq] = rebooted[..] else { panic!("{rebooted:?}") };
    assert!(reports.iter().all(|report| report.boot == u32::from(report.seq >= seq)));
    assert_eq!(told.flagged("a-00001", Flags::CLOCK_NOT_SYNCHRONISED), [seq], "until it is set");

    let books = &told.ledger().meters[0];
    let readings = told.readings("a-00001");
    assert!(books.readings_lost > 0);
    let all = u64::try_from(readings.len()).unwrap() + books.readings_lost;
    assert_eq!(all, 2 * 288, "each is in a report or lost");
    let shown = readings[readings.len() - 1].value - readings[0].value;
    assert_eq!(shown, told.outlet().true_millilitres / 1_000, "the register persists");
}

#[test]
fn a_clock_that_stood_still_is_behind_until_it_is_set() {
    let calm = series(RIGHT_CLOCK, &[]).readings("a-00001");
    let told = series(RIGHT_CLOCK, &[("day 1 08:20", "reboot.down_seconds = 600")]);
    // While water flows no value comes twice, so a value tells when it was really read.
    let behind_s = |value: i64, at_ms: i64| {
        let same: Vec<_> = calm.iter().filter(|reading| reading.value == value).collect();
        let [same] = same[..] else { return None };
        Some((same.at_ms - at_ms) / 1000)
    };
    let behind: Vec<i64> = told
        .readings("a-00001")
        .iter()
        .filter_map(|reading| behind_s(reading.value, reading.at_ms))
        .collect();
    let late = behind.iter().filter(|seconds| **seconds == 600).count();
    assert!((3..=5).contains(&late), "for twenty minutes: {behind:?}");
    assert!(behind.iter().all(|seconds| [0, 600].contains(seconds)));
    assert_eq!(behind.last(), Some(&0), "and right again");
}

#[test]
fn without_radio_a_rebooted_clock_stays_unset() {
    let told = with(&[
        ("day 1 08:00", "outage.minutes = 600"),
        ("day 1 08:20", "reboot.down_seconds = 30"),
    ]);
    let unset = told.flagged("a-00001", Flags::CLOCK_NOT_SYNCHRONISED);
    assert!((9..=12).contains(&unset.len()), "about ten hours of hourly reports: {unset:?}");
}

#[test]
fn a_drifting_clock_is_set_once_a_day_and_no_report_goes_back_in_time() {
    let told = with(&[("day 1 00:00", "drift.ppm = 50_000")]);
    let start_ms = told.at("day 1 00:00");
    let reports = told.reports("a-00001");
    for report in &reports {
        assert!(report.readings.is_sorted_by_key(|reading| reading.at_ms), "{}", report.seq);
    }
    let readings = told.readings("a-00001");
    let back: Vec<_> = readings.windows(2).filter(|pair| pair[1].at_ms < pair[0].at_ms).collect();
    assert_eq!(back.len(), 1, "set back once, after a day");
    let fast_s = (back[0][0].at_ms - start_ms) / 1000 - 86_400;
    assert!((3_600..=4_320).contains(&fast_s), "5 % of a day fast: {fast_s} s");
}

#[test]
fn tampering_is_told_as_long_as_the_case_is_open() {
    let told = with(&[("day 1 08:00", "tamper.minutes = 180")]);
    let flagged = told.flagged("a-00001", Flags::TAMPER);
    assert!((3..=5).contains(&flagged.len()), "{flagged:?}");
}

#[test]
fn a_battery_is_low_before_it_is_empty_and_a_new_one_starts_the_meter_again() {
    let told = series(
        "battery_days = 100",
        &[
            ("day 1 00:00", "battery.left_permille = 62"),
            ("day 1 18:00", "battery.left_permille = 1"),
            ("day 2 12:00", "battery.left_permille = 1_000"),
        ],
    );
    let low = told.flagged("a-00001", Flags::LOW_BATTERY);
    let reports = told.reports("a-00001");
    assert!(low.len() > 2 && !low.contains(&1), "good, then low: {low:?}");
    let readings = told.readings("a-00001");
    let gap = readings.windows(2).max_by_key(|pair| pair[1].at_ms - pair[0].at_ms).unwrap();
    assert!(gap[0].at_ms < told.at("day 1 22:00") && gap[1].at_ms >= told.at("day 2 12:00"));
    let last = reports.last().unwrap();
    assert_eq!((last.boot, last.flags), (1, Flags::NONE));
    assert_eq!(told.flagged("a-00001", Flags::REBOOTED).len(), 1);
}

#[test]
fn a_new_key_signs_from_the_report_that_the_registry_names() {
    // That each report verifies by the registry's key for its number is checked by `reports` itself.
    let told = with(&[("day 1 10:00", "key-rotation = {}"), ("day 2 10:00", "key-rotation = {}")]);
    let registry = told.registry();
    let keys = registry["meters"][0]["keys"].as_array().unwrap();
    let from: Vec<u64> = keys.iter().map(|key| key["from_report"].as_u64().unwrap()).collect();
    assert_eq!(from[0], 1);
    assert!(from.is_sorted() && from.len() == 3, "{from:?}");
    assert_eq!(told.reports("a-00001").len(), with(&[]).reports("a-00001").len());
}

#[test]
fn the_registry_of_an_earlier_hour_knows_nothing_of_later_ones() {
    let text = outlet(REGISTER, CANAL, &event("day 1 08:00", "swap = {}"));
    let scenario = firmware_sim::Scenario::parse(&text).unwrap();
    let mut field = firmware_sim::Field::rehearsal(scenario.clone()).unwrap();
    let meters = |field: &firmware_sim::Field| {
        let registry = serde_json::to_value(field.registry()).unwrap();
        registry["meters"].as_array().unwrap().len()
    };
    field.advance(scenario.instant_ms("day 1 07:59").unwrap()).unwrap();
    assert_eq!(meters(&field), 1);
    field.advance(scenario.instant_ms("day 1 08:00").unwrap()).unwrap();
    assert_eq!(meters(&field), 2);
}
