//! How near each kind of meter comes to the truth, by the server's own V(t).

use domain::rating::{Flume, draw_up};
use domain::{TableId, Timestamp};

use crate::told::{CANAL, REGISTER, Told, WELL, errors_permille, event, outlet};

#[test]
fn a_register_is_within_its_unit_from_dry_to_dry() {
    for unit in [1, 1_000, 100_000, 1_000_000] {
        let meter = format!("register = {{ millilitres_per_unit = {unit} }}");
        let told = Told::of(&outlet(&meter, CANAL, ""));
        let readings = told.readings("a-00001");
        let (first, last) = (readings[0].value, readings[readings.len() - 1].value);
        let truth = told.outlet().true_millilitres;
        let error = truth - (last - first) * unit;
        assert!((0..unit).contains(&error), "{unit}: {truth} mL, {error} mL not shown");
    }
}

/// The errors of four turns under each of some seeds.
fn errors(meter: &str, source: &str) -> Vec<i64> {
    let seeded =
        |seed: u32| outlet(meter, source, "").replace("seed = 7", &format!("seed = {seed}"));
    (1..=8).flat_map(|seed| errors_permille(&Told::of(&seeded(seed)))).collect()
}

#[test]
fn a_register_measures_each_turn_within_a_percent() {
    let errors = errors(REGISTER, CANAL);
    println!("register: errors by turn in thousandths: {errors:?}");
    assert_eq!(errors.len(), 32);
    assert!(errors.iter().all(|error| error.abs() <= 10));
}

#[test]
fn a_stage_gauge_measures_each_turn_within_three_percent() {
    for throat_mm in [450, 600, 900] {
        let meter = format!("stage = {{ throat_mm = {throat_mm}, noise_mm = 3 }}");
        let errors = errors(&meter, CANAL);
        println!("stage, {throat_mm} mm: errors by turn in thousandths: {errors:?}");
        assert!(errors.iter().all(|error| error.abs() <= 30), "{throat_mm}: {errors:?}");
    }
}

#[test]
fn an_energy_meter_measures_each_turn_within_three_percent() {
    let errors = errors("energy = {}", WELL);
    println!("energy: errors by turn in thousandths: {errors:?}");
    assert!(errors.iter().all(|error| error.abs() <= 30), "{errors:?}");
}

#[test]
fn swaps_rollovers_and_resets_within_a_turn_cost_no_water() {
    let meter = "register = { millilitres_per_unit = 1_000, modulus = 100_000_000 }";
    for what in ["swap = {}", "rollover = {}", "reset = { after = 5 }", "key-rotation = {}"] {
        let told = Told::of(&outlet(meter, CANAL, &event("day 1 08:02", what)));
        let errors = errors_permille(&told);
        println!("{what}: errors by turn in thousandths: {errors:?}");
        assert!(errors.iter().all(|error| error.abs() <= 10), "{what}: {errors:?}");
    }
}

#[test]
fn a_silent_reset_or_swap_is_no_volume() {
    for what in ["swap = { declared = false }", "reset = { declared = false }"] {
        let told = Told::of(&outlet(REGISTER, CANAL, &event("day 1 08:02", what)));
        let first = told.outlet().waterings.swap_remove(0);
        let [start, end] =
            [first.start_ms, first.end_ms].map(|ms| Timestamp::from_millis(ms).unwrap());
        assert!(told.volume().between(start, end, 1800).is_err(), "{what}");
    }
}

#[test]
fn rating_tables_are_those_that_the_program_draws_up() {
    for throat_mm in [250, 300, 450, 600, 750, 900, 1000, 1200, 1500, 1800, 2100, 2400] {
        let meter = format!("stage = {{ throat_mm = {throat_mm} }}");
        let told =
            Told::of(&outlet(&meter, "canal = { discharge_ml_per_s = [150_000, 200_000] }", ""));
        let id = TableId::new(format!("parshall-{throat_mm}")).unwrap();
        let drawn = draw_up(id, Flume::parshall(throat_mm).unwrap(), 5, 0).unwrap();
        assert_eq!(told.statement().tables, [drawn]);
    }
}

#[test]
fn the_registry_is_a_statement_without_fault() {
    let told = Told::of(include_str!("../../scenarios/every-fault.toml"));
    let registry = told.statement();
    assert_eq!((registry.outlets.len(), registry.meters.len()), (6, 7));
    registry.villages.iter().for_each(|village| village.check().unwrap());
    registry.outlets.iter().for_each(|outlet| outlet.check().unwrap());
    registry.tables.iter().for_each(|table| table.check().unwrap());
    for entry in &registry.meters {
        entry.meter.check().unwrap();
        entry.check_keys().unwrap();
    }
}

#[test]
fn turns_that_follow_each_other_share_one_opening_of_the_gate() {
    let outlet = Told::of(&outlet(REGISTER, CANAL, "")).outlet();
    let flow = |turn: usize, minutes: i64| outlet.waterings[turn].true_millilitres / minutes;
    // The first turn of a day waits for the water; the second has it from its first minute.
    assert!(flow(1, 120) > flow(0, 180) * 101 / 100);
    // What is in the canal when the gate is shut runs out after the last turn.
    let outside = outlet.outside_turns_millilitres;
    assert!((1..outlet.true_millilitres / 10).contains(&outside), "{outside}");
}

#[test]
fn a_pump_draws_power_before_it_gives_water() {
    // A pump that lifts a millilitre for a watt-hour: its counter shows the start finely.
    let told = Told::of(&outlet("energy = {}", &WELL.replace("2_500", "1"), ""));
    let readings = told.readings("a-00001");
    let first = told.outlet().waterings.swap_remove(0);
    let value = |at_ms: i64| {
        readings.iter().take_while(|reading| reading.at_ms <= at_ms).last().unwrap().value
    };
    assert_eq!(value(first.start_ms), readings[0].value, "it stood still before");
    let full = (value(first.end_ms) - value(first.start_ms)) / 180;
    let start = value(first.start_ms + 600_000) - value(first.start_ms);
    assert!(start > full * 4, "{start} in the first minutes, {full} in each");
}
