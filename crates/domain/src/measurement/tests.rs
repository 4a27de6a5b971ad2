use std::collections::BTreeMap;

use super::*;
use crate::rating::RatingTable;
use crate::registry::{Meter, Reset};
use crate::scale::{Coefficient, DatedTable, Dial, Scale};
use crate::{MeterCode, OutletId, TableId};
use proptest::prelude::*;

const HOUR: i64 = 3_600_000;

fn t(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_460_000_000_000 + millis).unwrap()
}

fn reading(millis: i64, value: i64) -> Reading {
    Reading { at: t(millis), value, doubts: Doubts::NONE }
}

fn meter(scale: Scale) -> Meter {
    let id = |text: &str| (MeterCode::new(text).unwrap(), OutletId::new(text).unwrap());
    let (code, outlet) = id("m1");
    Meter::new(code, outlet, t(-1000 * HOUR), scale)
}

fn over(meter: &Meter, readings: &[Reading]) -> CumulativeVolume {
    let tables = tables();
    let readings = readings.to_vec();
    CumulativeVolume::new([MeterReadings { meter, tables: &tables, readings }])
}

fn volume(readings: &[Reading]) -> CumulativeVolume {
    over(&meter(Scale::register(100_000)), readings)
}

fn tables() -> BTreeMap<TableId, RatingTable> {
    let id = TableId::new("flume").unwrap();
    let rows = vec![(-5, 0), (5, 0), (30, 3_000), (130, 103_000)];
    let source = "现场率定".into();
    let table = RatingTable { id: id.clone(), source, valid_from_mm: 30, rows };
    assert_eq!(table.check(), Ok(()));
    BTreeMap::from([(id, table)])
}

fn gauge() -> Meter {
    meter(Scale::Stage { tables: Scale::one_table("flume") })
}

fn dial(modulus: i64, jitter_units: i64, capacity_ml_per_s: i64) -> Meter {
    let dial =
        Dial { modulus: Some(modulus), jitter_units, capacity_ml_per_s: Some(capacity_ml_per_s) };
    meter(Scale::Register { millilitres_per_unit: 100_000, dial })
}

fn pump(coefficients: &[(i64, i64)]) -> Meter {
    let coefficients = coefficients
        .iter()
        .map(|&(from, millilitres_per_watt_hour)| Coefficient {
            from: t(from),
            until: None,
            millilitres_per_watt_hour,
            source: "典型测试".into(),
        })
        .collect();
    meter(Scale::Energy { coefficients, dial: Dial::default() })
}

#[test]
fn interpolates_and_rounds_down_to_the_litre() {
    let v = volume(&[reading(0, 10), reading(3 * HOUR, 11)]);
    assert_eq!(v.at(t(0)), Ok(Litres(1000)));
    assert_eq!(v.at(t(HOUR)), Ok(Litres(1033)));
    assert_eq!(v.at(t(2 * HOUR)), Ok(Litres(1066)));
    assert_eq!(v.at(t(3 * HOUR)), Ok(Litres(1100)));
}

#[test]
fn rejects_what_lies_outside_the_readings() {
    let v = volume(&[reading(0, 10), reading(HOUR, 11)]);
    assert_eq!(v.at(t(-1)), Err(MeasurementError::NotBefore(t(-1))));
    assert_eq!(v.at(t(HOUR + 1)), Err(MeasurementError::NotAfter(t(HOUR + 1))));
    assert_eq!(
        v.between(t(HOUR), t(HOUR), 60),
        Err(MeasurementError::EmptyInterval(t(HOUR), t(HOUR)))
    );
}

#[test]
fn rejects_a_register_that_fell_only_where_a_watering_spans_it() {
    let v =
        volume(&[reading(0, 10), reading(HOUR, 20), reading(2 * HOUR, 3), reading(3 * HOUR, 4)]);
    assert!(v.between(t(0), t(HOUR), 60).is_ok());
    assert!(v.between(t(2 * HOUR), t(3 * HOUR), 60).is_ok());
    for (from, to) in [(0, 3 * HOUR), (HOUR, 2 * HOUR), (HOUR + 1, 2 * HOUR)] {
        assert!(
            matches!(
                v.between(t(from), t(to), 60),
                Err(MeasurementError::RegisterFell { before: 20, after: 3, .. })
            ),
            "{from}..{to}"
        );
    }
}

#[test]
fn two_values_for_one_instant_concern_only_what_touches_them() {
    let v = volume(&[
        reading(0, 10),
        reading(HOUR, 11),
        reading(HOUR, 15),
        reading(2 * HOUR, 16),
        reading(3 * HOUR, 17),
    ]);
    let contradicts = |from, to| {
        matches!(
            v.between(t(from), t(to), 60),
            Err(MeasurementError::Contradiction { one: 11, other: 15, .. })
        )
    };
    assert!(contradicts(0, HOUR) && contradicts(HOUR, 2 * HOUR) && contradicts(HOUR + 1, 3 * HOUR));
    assert!(v.at(t(HOUR)).is_err());
    assert_eq!(v.between(t(2 * HOUR), t(3 * HOUR), 60).unwrap().volume, Litres(100));
}

#[test]
fn rejects_a_value_beyond_the_range_of_litres() {
    let v = volume(&[reading(0, i64::MAX), reading(HOUR, i64::MAX)]);
    assert_eq!(v.between(t(0), t(HOUR), 60), Err(MeasurementError::Overflow(i64::MAX)));
}

#[test]
fn a_register_rolls_over_only_where_the_water_could_have_flowed() {
    // 20 l/s fill the 72,000 litres of an hour: 720 units.
    let rolls = |before, after| {
        let readings = [reading(0, before), reading(HOUR, after)];
        over(&dial(8_388_607, 1, 20_000), &readings).between(t(0), t(HOUR), 3600)
    };
    assert_eq!(rolls(8_388_600, 93).unwrap().volume, Litres(10_000));
    assert_eq!(rolls(8_388_600, 93).unwrap().doubts, BTreeSet::new());
    // A reset in the upper half of the dial would have to be 40 % of all that it counts.
    assert!(matches!(rolls(5_000_000, 0), Err(MeasurementError::RegisterFell { .. })));
    assert!(matches!(rolls(500, 300), Err(MeasurementError::RegisterFell { .. })));
}

#[test]
fn a_flicker_of_a_unit_is_no_fall_and_no_spike() {
    let readings =
        [reading(0, 500), reading(HOUR, 499), reading(2 * HOUR, 500), reading(3 * HOUR, 510)];
    let v = over(&dial(8_388_607, 1, 20_000), &readings);
    let whole = v.between(t(0), t(3 * HOUR), 3600).unwrap();
    assert_eq!((whole.volume, whole.doubts.len()), (Litres(1000), 0));
    assert_eq!(
        v.between(t(0), t(HOUR), 3600),
        Err(MeasurementError::NothingMeasured(t(0), t(HOUR)))
    );
}

#[test]
fn a_rise_beyond_what_can_flow_is_doubted_and_kept() {
    let v = over(&dial(8_388_607, 1, 20_000), &[reading(0, 0), reading(HOUR, 5_000)]);
    let measured = v.between(t(0), t(HOUR), 3600).unwrap();
    assert_eq!(measured.volume, Litres(500_000));
    assert_eq!(measured.doubts, BTreeSet::from([Doubt::AboveCapacity]));
}

#[test]
fn a_declared_reset_joins_two_values() {
    let readings = [reading(0, 900), reading(HOUR, 910), reading(3 * HOUR, 7)];
    let mut meter = meter(Scale::register(100_000));
    assert!(over(&meter, &readings).between(t(0), t(3 * HOUR), 9000).is_err());
    meter.resets = vec![Reset { at: t(2 * HOUR), before: 915, after: 0 }];
    let v = over(&meter, &readings);
    assert_eq!(v.between(t(0), t(3 * HOUR), 9000).unwrap().volume, Litres(2200));
    assert_eq!(v.at(t(2 * HOUR)), Ok(Litres(91_500)));
    assert_eq!(v.at(t(3 * HOUR)), Ok(Litres(92_200)));
}

#[test]
fn volume_goes_on_over_a_swap() {
    let mut old = meter(Scale::register(100_000));
    old.removed_at = Some(t(2 * HOUR));
    old.final_value = Some(920);
    let new = Meter {
        installed_at: t(2 * HOUR),
        initial_value: Some(5_000),
        ..meter(Scale::register(10_000))
    };
    let tables = BTreeMap::new();
    let piece = |meter, readings: &[Reading]| MeterReadings {
        meter,
        tables: &tables,
        readings: readings.to_vec(),
    };
    // The old meter went on counting in the workshop: that is nobody's water.
    let before = piece(&old, &[reading(0, 900), reading(HOUR, 910), reading(5 * HOUR, 990)]);
    let after = piece(&new, &[reading(HOUR, 4_900), reading(3 * HOUR, 5_100)]);
    let v = CumulativeVolume::new([after, before]);
    let measured = v.between(t(0), t(3 * HOUR), 3600).unwrap();
    assert_eq!(measured.volume, Litres(2_000 + 1_000));
    assert_eq!(measured.doubts, BTreeSet::new());
    assert_eq!(v.at(t(2 * HOUR)), Ok(Litres(92_000)));
}

#[test]
fn a_time_without_a_meter_is_doubted() {
    let mut old = meter(Scale::register(100_000));
    old.removed_at = Some(t(HOUR));
    let new = Meter { installed_at: t(2 * HOUR), ..meter(Scale::register(100_000)) };
    let tables = BTreeMap::new();
    let old = MeterReadings {
        meter: &old,
        tables: &tables,
        readings: vec![reading(0, 1), reading(HOUR, 2)],
    };
    let new = MeterReadings {
        meter: &new,
        tables: &tables,
        readings: vec![reading(2 * HOUR, 50), reading(3 * HOUR, 53)],
    };
    let measured = CumulativeVolume::new([old, new]).between(t(0), t(3 * HOUR), 3600).unwrap();
    assert_eq!(measured.volume, Litres(400));
    assert_eq!(measured.doubts, BTreeSet::from([Doubt::GapWithin]));
}

#[test]
fn a_flume_is_the_trapezoid_of_its_rated_discharges() {
    // 30 mm is 3 l/s, 130 mm is 103 l/s; five minutes of each and of the rise between.
    let minutes = |n: i64| n * HOUR / 60;
    let v = over(
        &gauge(),
        &[
            reading(minutes(0), 30),
            reading(minutes(5), 30),
            reading(minutes(10), 130),
            reading(minutes(15), 130),
        ],
    );
    let litres = |from, to| v.between(t(minutes(from)), t(minutes(to)), 300).unwrap().volume.get();
    assert_eq!(litres(0, 5), 900);
    assert_eq!(litres(5, 10), 15_900);
    assert_eq!(litres(10, 15), 30_900);
    assert_eq!(litres(0, 15), 47_700);
}

#[test]
fn a_stage_outside_the_table_is_never_clamped() {
    let v = over(
        &gauge(),
        &[reading(0, 100), reading(HOUR, 131), reading(2 * HOUR, 100), reading(3 * HOUR, 100)],
    );
    let out = MeasurementError::OutOfTable { at: t(HOUR), stage_mm: 131 };
    assert_eq!(v.between(t(0), t(HOUR), 3600), Err(out.clone()));
    assert_eq!(v.between(t(HOUR), t(2 * HOUR), 3600), Err(out.clone()));
    assert_eq!(v.at(t(HOUR / 2)), Err(out));
    assert!(v.between(t(2 * HOUR), t(3 * HOUR), 3600).is_ok());
}

#[test]
fn a_stage_below_the_range_of_validity_and_a_gap_are_doubted() {
    let low = over(&gauge(), &[reading(0, 10), reading(HOUR, 30)]);
    let measured = low.between(t(0), t(HOUR), 3600).unwrap();
    assert_eq!(measured.doubts, BTreeSet::from([Doubt::OutOfTable]));
    let gap = over(&gauge(), &[reading(0, 30), reading(HOUR, 30)]);
    assert_eq!(gap.between(t(0), t(HOUR), 600).unwrap().doubts, BTreeSet::from([Doubt::GapWithin]));
    let dry = over(&gauge(), &[reading(0, -5), reading(HOUR, 4)]).between(t(0), t(HOUR), 3600);
    assert_eq!(dry.map(|dry| (dry.volume, dry.doubts.len())), Ok((Litres(0), 0)));
}

#[test]
fn a_gauge_without_a_table_in_force_measures_nothing() {
    let mut gauge = gauge();
    gauge.scale = Scale::Stage {
        tables: vec![DatedTable { from: t(HOUR), table: TableId::new("flume").unwrap() }],
    };
    let v = over(&gauge, &[reading(0, 30), reading(HOUR, 30), reading(2 * HOUR, 30)]);
    assert_eq!(v.between(t(0), t(HOUR), 3600), Err(MeasurementError::NoTable(t(0))));
    assert!(v.between(t(HOUR), t(2 * HOUR), 3600).is_ok());
}

#[test]
fn golden_energy_times_coefficient() {
    // 1,888.24 kWh × 2.5 m³/kWh = 4,720.6 m³.
    let v = over(&pump(&[(-HOUR, 2500)]), &[reading(0, 7), reading(HOUR, 1_888_247)]);
    assert_eq!(v.between(t(0), t(HOUR), 3600).unwrap().volume, Litres(4_720_600));
}

#[test]
fn a_coefficient_counts_from_its_date() {
    let pump = pump(&[(0, 2000), (HOUR, 3000)]);
    let v = over(&pump, &[reading(0, 1000), reading(2 * HOUR, 3000)]);
    assert_eq!(v.between(t(0), t(2 * HOUR), 9000).unwrap().volume, Litres(2000 + 3000));
    let early = over(&pump, &[reading(-HOUR, 0), reading(0, 10)]);
    assert_eq!(early.between(t(-HOUR), t(0), 9000), Err(MeasurementError::NoCoefficient(t(-HOUR))));
}

#[test]
fn marks_a_boundary_far_from_any_reading_as_estimated() {
    let v = volume(&[reading(0, 10), reading(4 * HOUR, 14), reading(5 * HOUR, 15)]);
    let measured = v.between(t(2 * HOUR), t(5 * HOUR), 3600).unwrap();
    assert_eq!(measured.volume, Litres(300));
    assert_eq!(measured.doubts, BTreeSet::from([Doubt::GapAtStart]));
    assert_eq!(v.between(t(0), t(4 * HOUR), 3600).unwrap().doubts, BTreeSet::new());
}

#[test]
fn carries_the_meters_own_doubts() {
    let doubtful = Reading {
        doubts: Doubts::NONE.with(Doubt::Tamper).with(Doubt::ReverseFlow),
        ..reading(HOUR, 11)
    };
    let v = volume(&[reading(0, 10), doubtful, reading(2 * HOUR, 12)]);
    assert_eq!(
        v.between(t(0), t(2 * HOUR), 3600).unwrap().doubts,
        BTreeSet::from([Doubt::Tamper, Doubt::ReverseFlow])
    );
}

/// A flume's water goes up and down, a counter's value only up.
fn any_kind() -> impl Strategy<Value = (Meter, Vec<Reading>)> {
    let kinds = prop_oneof![
        Just(meter(Scale::register(100_000))),
        Just(meter(Scale::register(7))),
        Just(pump(&[(-HOUR, 2477), (7 * HOUR, 1391)])),
        Just(gauge()),
    ];
    (kinds, rising()).prop_map(|(meter, mut readings)| {
        if !meter.scale.counts() {
            for reading in &mut readings {
                reading.value %= 131;
            }
        }
        (meter, readings)
    })
}

fn rising() -> impl Strategy<Value = Vec<Reading>> {
    prop::collection::vec((1_i64..5 * HOUR, 0_i64..500), 2..40).prop_map(|steps| {
        let mut at = 0;
        let mut value = 0;
        steps
            .into_iter()
            .map(|(dt, dv)| {
                at += dt;
                value += dv;
                reading(at, value)
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn neighbouring_turns_telescope_to_the_litre(
        (meter, readings) in any_kind(),
        mut cuts in prop::collection::vec(0.0_f64..1.0, 2..10),
    ) {
        let v = over(&meter, &readings);
        let first = readings[0].at.millis();
        let span = readings[readings.len() - 1].at.millis() - first;
        cuts.sort_by(f64::total_cmp);
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "any instants will do")]
        let mut instants: Vec<Timestamp> = cuts
            .iter()
            .map(|cut| Timestamp::from_millis(first + (cut * span as f64) as i64).unwrap())
            .collect();
        instants.dedup();
        let parts: i64 = instants
            .windows(2)
            .map(|pair| v.between(pair[0], pair[1], 60).unwrap().volume.get())
            .sum();
        let whole = v.at(instants[instants.len() - 1]).unwrap() - v.at(instants[0]).unwrap();
        prop_assert_eq!(parts, whole.get());
    }

    #[test]
    fn order_and_repetition_make_no_difference(
        (meter, readings) in any_kind(),
        seed in any::<u64>(),
    ) {
        let mut shuffled = readings.clone();
        shuffled.extend(readings.iter().step_by(3).copied());
        let mut state = seed | 1;
        for i in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.swap(i, usize::try_from(state >> 33).unwrap() % (i + 1));
        }
        prop_assert_eq!(over(&meter, &shuffled), over(&meter, &readings));
    }

    #[test]
    fn whoever_holds_the_readings_around_a_turn_finds_its_volume(
        (meter, readings) in any_kind(),
        from in 0.0_f64..1.0,
        to in 0.0_f64..1.0,
    ) {
        // Early and late readings, or none of them: what lies outside makes no difference.
        let span = readings[readings.len() - 1].at.millis() - readings[0].at.millis();
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "any instants will do")]
        let at = |part: f64| readings[0].at.plus_millis((part * span as f64) as i64);
        let (start, end) = (at(from.min(to)), at(from.max(to)));
        prop_assume!(start < end);
        let first = readings.iter().rposition(|reading| reading.at <= start).unwrap();
        let last = readings.iter().position(|reading| reading.at >= end).unwrap();
        let few = over(&meter, &readings[first..=last]).between(start, end, 60).unwrap();
        let all = over(&meter, &readings).between(start, end, 60).unwrap();
        prop_assert_eq!((few.volume, few.doubts), (all.volume, all.doubts));
    }
}
