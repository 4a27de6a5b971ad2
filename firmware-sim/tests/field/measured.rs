//! How near each kind of meter comes to the truth.

use crate::told::{
    CANAL, REGISTER, Told, WELL, by_register, by_stage, errors_permille, outlet, volume,
};

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

#[test]
fn a_register_measures_each_turn_within_a_percent() {
    let told = Told::of(&outlet(REGISTER, CANAL, ""));
    let points = by_register(&told.readings("a-00001"), 1_000);
    let errors = errors_permille(&points, &told.outlet().waterings);
    println!("register: errors by turn in thousandths: {errors:?}");
    assert_eq!(errors.len(), 4);
    assert!(errors.iter().all(|error| error.abs() <= 10));
}

#[test]
fn a_stage_gauge_measures_each_turn_within_three_percent() {
    for throat_mm in [450, 600, 900] {
        let meter = format!("stage = {{ throat_mm = {throat_mm}, noise_mm = 3 }}");
        let told = Told::of(&outlet(&meter, CANAL, ""));
        let registry = told.registry();
        let table = &registry["tables"][0];
        assert_eq!(table["id"], format!("parshall-{throat_mm}"));
        let points = by_stage(&told.readings("a-00001"), table);
        let errors = errors_permille(&points, &told.outlet().waterings);
        println!("stage, {throat_mm} mm: errors by turn in thousandths: {errors:?}");
        assert!(errors.iter().all(|error| error.abs() <= 30), "{throat_mm}: {errors:?}");
    }
}

#[test]
fn an_energy_meter_measures_each_turn_within_three_percent() {
    let told = Told::of(&outlet("energy = {}", WELL, ""));
    let registry = told.registry();
    let coefficient = &registry["meters"][0]["meter"]["scale"]["energy"]["coefficients"][0];
    let millilitres = coefficient["millilitres_per_watt_hour"].as_i64().unwrap();
    let points = by_register(&told.readings("a-00001"), millilitres);
    let errors = errors_permille(&points, &told.outlet().waterings);
    println!("energy: errors by turn in thousandths: {errors:?}");
    assert!(errors.iter().all(|error| error.abs() <= 30), "{errors:?}");
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
    // A litre to a watt-hour and a thousandth: what the counter shows is the pump's energy, finely.
    let told = Told::of(&outlet("energy = {}", &WELL.replace("2_500", "1"), ""));
    let readings = told.readings("a-00001");
    let first = told.outlet().waterings.swap_remove(0);
    let value = |at_ms: i64| {
        readings.iter().take_while(|reading| reading.at_ms <= at_ms).last().unwrap().value
    };
    assert_eq!(value(first.start_ms), readings[0].value, "it stood still before");
    let points = by_register(&readings, 1);
    let drawn = volume(&points, first.start_ms, first.end_ms);
    let per_minute = drawn / 180;
    let start = volume(&points, first.start_ms, first.start_ms + 600_000);
    assert!(start > per_minute * 95 / 10, "{start} of {per_minute} a minute");
}
