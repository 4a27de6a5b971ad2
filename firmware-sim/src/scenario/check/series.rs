//! What a series must keep to.

use telemetry::MAX_READINGS;

use super::{Checked, MAX_DRIFT_PPM, MAX_MINUTES, MAX_MODULUS, PERMILLE, count, refuse, within};
use crate::physics::Flume;
use crate::scenario::{
    MAX_DISCHARGE_ML_PER_S, MAX_SCENARIO_METERS, Scenario, SensorTraits, Series, SourceTraits,
};

const MAX_SERIES_NAME_CHARS: usize = 20;
const MAX_GAP_TOLERANCE_SECONDS: i64 = 30 * 24 * 3600;
const MAX_READING_SECONDS: i64 = 24 * 3600;
const MAX_MEMORY_REPORTS: i64 = 100_000;
const MAX_UNIT_MILLILITRES: i64 = 1_000_000_000;
const MAX_NOISE_MM: i64 = 100;

pub(super) fn check_series(key: &str, series: &Series, scenario: &Scenario) -> Checked {
    let letters = series.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    let length = (1..=MAX_SERIES_NAME_CHARS).contains(&series.name.len());
    if !letters || !length || series.name.starts_with('-') {
        let say = format!(
            "use 1 to {MAX_SERIES_NAME_CHARS} of a-z and '-', not starting with '-': meters are numbered behind it"
        );
        return Err(refuse(format!("{key}.name"), format!("{:?}", series.name), say));
    }
    within(format!("{key}.count"), series.count, 1..=i64::from(MAX_SCENARIO_METERS))?;
    if let Some(village) = &series.village
        && !scenario.villages.iter().any(|known| known.id == *village)
    {
        let known: Vec<&str> = scenario.villages.iter().map(|v| v.id.as_str()).collect();
        let say = format!("give one of the villages: {}", known.join(", "));
        return Err(refuse(format!("{key}.village"), village, say));
    }
    within(format!("{key}.reading_seconds"), series.reading_seconds, 1..=MAX_READING_SECONDS)?;
    let most = i64::try_from(MAX_READINGS).unwrap_or(i64::MAX);
    count(format!("{key}.readings_per_report"), series.readings_per_report, most)?;
    count(format!("{key}.memory_reports"), series.memory_reports, MAX_MEMORY_REPORTS)?;
    let tolerance = format!("{key}.gap_tolerance_seconds");
    within(tolerance, series.gap_tolerance_seconds, 1..=MAX_GAP_TOLERANCE_SECONDS)?;
    within(format!("{key}.clock.drift_ppm"), series.clock.drift_ppm, 0..=MAX_DRIFT_PPM)?;
    within(format!("{key}.clock.set_hours"), series.clock.set_hours, 1..=24 * 365)?;
    let after = series.clock.set_after_reboot_minutes;
    within(format!("{key}.clock.set_after_reboot_minutes"), after, 0..=MAX_MINUTES)?;
    if let Some(days) = series.battery_days {
        within(format!("{key}.battery_days"), days, 1..=10_000)?;
    }
    source(&format!("{key}.source"), &series.source)?;
    sensor(key, series)
}

fn source(key: &str, source: &SourceTraits) -> Checked {
    let [least, most] = source.discharge_ml_per_s();
    if !(1 <= least && least <= most && most <= MAX_DISCHARGE_ML_PER_S) {
        let say = format!("give the smaller first, both from 1 to {MAX_DISCHARGE_ML_PER_S}");
        return Err(refuse(format!("{key}.discharge_ml_per_s"), format!("[{least}, {most}]"), say));
    }
    // Water that sways by more than itself would run backwards.
    within(format!("{key}.variation_permille"), source.variation_permille(), 0..=500)?;
    match *source {
        SourceTraits::Canal { gate_minutes, reach_minutes, .. } => {
            within(format!("{key}.gate_minutes"), gate_minutes, 0..=24 * 60)?;
            within(format!("{key}.reach_minutes"), reach_minutes, 0..=24 * 60)
        }
        SourceTraits::Well { millilitres_per_watt_hour, drawdown_permille, .. } => {
            let lift = format!("{key}.millilitres_per_watt_hour");
            within(lift, millilitres_per_watt_hour, 1..=1_000_000)?;
            within(format!("{key}.drawdown_permille"), drawdown_permille, 0..=PERMILLE)
        }
    }
}

fn sensor(key: &str, series: &Series) -> Checked {
    let well = matches!(series.source, SourceTraits::Well { .. });
    let meter = format!("{key}.meter");
    if let Some(modulus) = series.meter.modulus() {
        within(format!("{meter}: its modulus"), modulus, 1000..=MAX_MODULUS)?;
    }
    match series.meter {
        SensorTraits::Register {
            millilitres_per_unit, jitter_permille, error_permille, ..
        } => {
            let unit = format!("{meter}.register.millilitres_per_unit");
            within(unit, millilitres_per_unit, 1..=MAX_UNIT_MILLILITRES)?;
            within(format!("{meter}.register.jitter_permille"), jitter_permille, 0..=PERMILLE)?;
            within(format!("{meter}.register.error_permille"), error_permille, 0..=PERMILLE / 2)
        }
        SensorTraits::Stage { .. } if well => {
            Err(refuse(meter, "stage", "a well has no flume: give a register or energy meter"))
        }
        SensorTraits::Stage { throat_mm, noise_mm } => {
            within(format!("{meter}.stage.noise_mm"), noise_mm, 0..=MAX_NOISE_MM)?;
            stage(key, throat_mm, noise_mm, &series.source)
        }
        SensorTraits::Energy { .. } if !well => {
            Err(refuse(meter, "energy", "a canal has no pump: give a register or stage meter"))
        }
        SensorTraits::Energy { millilitres_per_watt_hour, jitter_permille, .. } => {
            let lift = format!("{meter}.energy.millilitres_per_watt_hour");
            within(lift, millilitres_per_watt_hour.unwrap_or(1), 1..=1_000_000)?;
            within(format!("{meter}.energy.jitter_permille"), jitter_permille, 0..=PERMILLE)
        }
    }
}

fn stage(key: &str, throat_mm: u32, noise_mm: u32, source: &SourceTraits) -> Checked {
    let Some(flume) = Flume::parshall(throat_mm) else {
        let known: Vec<String> = Flume::throats_mm().map(|mm| mm.to_string()).collect();
        let say = format!("give a Parshall throat: {}", known.join(", "));
        return Err(refuse(format!("{key}.meter.stage.throat_mm"), throat_mm, say));
    };
    // Swaying and waves must not lead out of the flume's range either.
    let at_permille = |ml_per_s: i64, permille: i64| ml_per_s * permille / PERMILLE;
    let variation = i64::from(source.variation_permille());
    let [low_mm, high_mm] = flume.range_mm();
    let low = at_permille(flume.ml_per_s(low_mm), PERMILLE + variation);
    let high = at_permille(flume.ml_per_s(high_mm - i64::from(noise_mm)), PERMILLE - variation);
    let [least, most] = source.discharge_ml_per_s();
    if least < low || high < most {
        let key = format!("{key}.source: its discharge_ml_per_s");
        let say = format!(
            "a flume of {throat_mm} mm with this variation and these waves measures {low} to {high} mL/s: stay within"
        );
        return Err(refuse(key, format!("[{least}, {most}]"), say));
    }
    Ok(())
}
