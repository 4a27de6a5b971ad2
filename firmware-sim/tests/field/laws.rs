//! What holds for every scenario.

use firmware_sim::{Field, Occurrence, Scenario};
use proptest::prelude::*;

use crate::told::{CANAL, REGISTER, Told, event, outlet};

const EVERY_FAULT: &str = include_str!("../../scenarios/every-fault.toml");
const HOUR_MS: i64 = 3_600_000;

#[test]
fn the_same_seed_gives_the_same_bytes_in_whatever_steps() {
    let whole = Told::of(EVERY_FAULT);
    for step_ms in [HOUR_MS / 60, 7 * HOUR_MS] {
        let stepped = Told::in_steps_of(EVERY_FAULT, step_ms);
        let mut one: Vec<_> = whole.sent().collect();
        let mut other: Vec<_> = stepped.sent().collect();
        one.sort();
        other.sort();
        assert_eq!(one, other);
        assert_eq!(whole.ledger(), stepped.ledger());
    }
    let other = Told::of(&EVERY_FAULT.replace("seed = 1", "seed = 2"));
    assert_ne!(whole.ledger(), other.ledger());
}

#[test]
fn a_rehearsal_counts_what_the_field_makes() {
    let told = Told::of(EVERY_FAULT);
    let scenario = Scenario::parse(EVERY_FAULT).unwrap();
    let mut rehearsal = Field::rehearsal(scenario.clone()).unwrap();
    let happenings = rehearsal.advance(scenario.end_ms()).unwrap();
    assert_eq!(happenings.len(), told.happenings.len());
    assert!(happenings.iter().all(|happening| match &happening.what {
        Occurrence::Report(report) => report.bytes.is_empty(),
        _ => true,
    }));
    let registry = serde_json::to_value(rehearsal.registry()).unwrap();
    assert_eq!(registry, told.registry());
}

#[test]
fn every_report_of_every_meter_is_signed_dense_and_chained() {
    let told = Told::of(EVERY_FAULT);
    let ledger = told.ledger();
    for meter in &ledger.meters {
        let reports = told.reports(&meter.meter);
        assert_eq!(u64::try_from(reports.len()).unwrap(), meter.reports_made);
        let readings: usize = reports.iter().map(|report| report.readings.len()).sum();
        assert!(u64::try_from(readings).unwrap() + meter.readings_lost >= meter.readings);
    }
    assert_eq!(ledger.totals.faults.len(), 12, "{:?}", ledger.totals.faults);
    assert!(ledger.totals.faults.values().all(|times| *times == 1));
}

/// An event at some minute of two days.
fn anything() -> impl Strategy<Value = String> {
    let what = prop_oneof![
        (1_u32..2_000).prop_map(|minutes| format!("outage.minutes = {minutes}")),
        (0_u32..5_000).prop_map(|seconds| format!("reboot.down_seconds = {seconds}")),
        (1_u32..500).prop_map(|minutes| format!("tamper.minutes = {minutes}")),
        (-2_000_i32..2_000).prop_map(|ppm| format!("drift.ppm = {ppm}")),
        (0_i64..100).prop_map(|after| format!("reset = {{ after = {after} }}")),
        Just("swap = {}".to_owned()),
        Just("key-rotation = {}".to_owned()),
        Just("use-outside-rounds.minutes = 40".to_owned()),
    ];
    (0_u32..2_880, what).prop_map(|(minute, what)| {
        let (day, minute) = (minute / 1_440 + 1, minute % 1_440);
        event(&format!("day {day} {:02}:{:02}", minute / 60, minute % 60), &what)
    })
}

/// What all registers of the one outlet counted, by the registry and the last reading, in litres.
fn counted_litres(told: &Told) -> i64 {
    let registry = told.statement();
    let counted = registry.meters.iter().map(|entry| {
        let meter = &entry.meter;
        let shown = || told.readings(meter.code.as_str()).last().map(|reading| reading.value);
        let initial = meter.initial_value.unwrap();
        let last = meter.final_value.or_else(shown).unwrap_or(initial);
        let set: i64 = meter.resets.iter().map(|reset| reset.before - reset.after).sum();
        last - initial + set
    });
    counted.sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever befalls a meter: its reports are signed, dense and chained, every reading is told or counted as lost,
    /// and its registers add up to the truth but for what filled no unit.
    #[test]
    fn nothing_is_lost_whatever_befalls(events in prop::collection::vec(anything(), 0..8)) {
        // The last hours are calm and dry, so that the last reading shows the end.
        let text = outlet(REGISTER, CANAL, &events.concat()).replace("days = 2", "days = 5");
        let text = text.replace("opens =", "last_day = 2\nopens =");
        let told = Told::of(&text);
        let ledger = told.ledger();
        let mut readings = 0;
        for meter in &ledger.meters {
            prop_assert_eq!(u64::try_from(told.reports(&meter.meter).len()).unwrap(), meter.reports_made);
            readings += u64::try_from(told.readings(&meter.meter).len()).unwrap() + meter.readings_lost;
        }
        let swaps = ledger.totals.faults.get("swap").copied().unwrap_or(0);
        prop_assert!((5 * 288..=5 * 288 + 2 * swaps).contains(&readings), "{} readings", readings);
        let lost = ledger.outlets[0].true_millilitres - counted_litres(&told) * 1_000;
        let cuts = i64::try_from(events.len()).unwrap() + 1;
        prop_assert!((0..cuts * 1_000).contains(&lost), "{} mL filled no unit", lost);
    }

    /// Whatever flows, the register's difference is the truth but for what does not fill a unit.
    #[test]
    fn truth_is_the_registers_difference_within_a_unit(
        seed in 0_u32..1000,
        unit in 1_i64..500_000,
        discharge in 1_000_i64..2_000_000,
        gate in 0_u32..30,
        reach in 0_u32..60,
        variation in 0_u32..200,
        turn in 1_u32..300,
        leak in 1_u32..600,
    ) {
        let source = format!(
            "canal = {{ discharge_ml_per_s = [{discharge}, {discharge}], gate_minutes = {gate}, \
             reach_minutes = {reach}, variation_permille = {variation} }}"
        );
        let leak = format!(
            "[[events]]\nat = \"day 1 03:00\"\nmeters = [\"a-00001\"]\n\
             what.leak = {{ minutes = {leak}, discharge_ml_per_s = 700 }}"
        );
        let text = outlet(&format!("register = {{ millilitres_per_unit = {unit} }}"), &source, &leak)
            .replace("seed = 7", &format!("seed = {seed}"))
            .replace("[180, 120]", &format!("[{turn}]"));
        let told = Told::of(&text);
        let readings = told.readings("a-00001");
        let shown = readings[readings.len() - 1].value - readings[0].value;
        let books = told.outlet();
        let error = books.true_millilitres - shown * unit;
        prop_assert!((0..=unit).contains(&error), "{} of {}", error, books.true_millilitres);
        prop_assert!(readings.is_sorted_by_key(|reading| reading.value));
        prop_assert!(books.outside_turns_millilitres >= 0);
    }
}
