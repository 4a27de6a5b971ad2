//! Synthetic register meters: any number of them, with a plausible day.

use telemetry::{EncodeError, Flags, MeterId, MeterIdError, Reading, VerifyingKey};
use thiserror::Error;

use crate::dice::Dice;
use crate::{Device, Faults, Outgoing, READINGS_PER_REPORT};

/// Time between two synthetic readings.
pub const FIVE_MINUTES_MS: i64 = 300_000;

/// The most meters of a synthetic fleet.
pub const MAX_METERS: u32 = 1_000_000;

const HOUR_MS: i64 = 3_600_000;

/// How much of its peak flow an outlet gives in each hour of the day, in percent: watering starts before the heat,
/// rests at noon, and little runs at night.
const DAY_PERCENT: [i64; 24] =
    [5, 0, 0, 0, 10, 45, 85, 100, 100, 90, 70, 40, 20, 20, 35, 60, 80, 90, 85, 60, 30, 15, 10, 5];

/// Why a fleet cannot be made or go on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FleetError {
    /// More than [`MAX_METERS`].
    #[error("a fleet of {0} meters is too large: ask for at most {MAX_METERS}")]
    TooManyMeters(u32),
    /// A number that cannot be part of a meter id.
    #[error(transparent)]
    Meter(#[from] MeterIdError),
    /// Readings that do not fit a report.
    #[error("a synthetic meter cannot report: {0}")]
    Report(#[from] EncodeError),
}

/// The id of a synthetic meter, counted from 1: `sim-000001`.
pub fn synthetic_meter(number: u32) -> Result<MeterId, MeterIdError> {
    MeterId::new(&format!("sim-{number:06}"))
}

/// Register meters that count litres by the hour of the day, a seeded size and seeded noise.
#[derive(Debug)]
pub struct Fleet {
    meters: Vec<Synthetic>,
    now_ms: i64,
    faults: Faults,
    dice: Dice,
}

#[derive(Debug)]
struct Synthetic {
    device: Device,
    register: i64,
    /// Litres in five minutes at the peak of the day.
    peak: i64,
}

impl Fleet {
    /// Meters 1 to `meters` with keys of `seed`; their first reading is at `start_ms` (Unix milliseconds). Of the
    /// faults only reboots happen here.
    pub fn synthetic(
        seed: u64,
        meters: u32,
        start_ms: i64,
        faults: Faults,
    ) -> Result<Self, FleetError> {
        if meters > MAX_METERS {
            return Err(FleetError::TooManyMeters(meters));
        }
        let dice = Dice::new(seed);
        let meters = (1..=meters).map(|number| {
            let device = Device::new(seed, synthetic_meter(number)?);
            let register = below(dice, "start", device.id(), 0, 1_000_000);
            // 10 to 60 litres a second: a small outlet or a strong well.
            let peak = 300 * (10 + below(dice, "peak", device.id(), 0, 51));
            Ok(Synthetic { device, register, peak })
        });
        let meters = meters.collect::<Result<_, FleetError>>()?;
        Ok(Self { meters, now_ms: start_ms, faults, dice })
    }

    /// The meters and the keys to enrol, in order of ids.
    pub fn keys(&self) -> impl Iterator<Item = (&MeterId, VerifyingKey)> {
        self.meters.iter().map(|meter| (meter.device.id(), meter.device.public_key()))
    }

    /// Simulated time: that of the next reading, Unix milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// One report of each meter over the next [`READINGS_PER_REPORT`] readings: an hour.
    pub fn hour(&mut self) -> Result<Vec<Outgoing>, FleetError> {
        let mut reports = Vec::with_capacity(self.meters.len());
        for meter in &mut self.meters {
            let seq = meter.device.seq().saturating_add(1);
            if self.faults.reboots(self.dice, meter.device.id(), seq) {
                meter.device.reboot();
            }
            let mut at_ms = self.now_ms;
            let mut readings = Vec::with_capacity(READINGS_PER_REPORT);
            for _ in 0..READINGS_PER_REPORT {
                readings.push(Reading { at_ms, value: meter.register });
                meter.flow(at_ms, self.dice);
                at_ms = at_ms.saturating_add(FIVE_MINUTES_MS);
            }
            reports.push(meter.device.report(readings, Flags::NONE)?);
        }
        self.now_ms = self.now_ms.saturating_add(HOUR_MS);
        Ok(reports)
    }
}

impl Synthetic {
    fn flow(&mut self, at_ms: i64, dice: Dice) {
        let hour = usize::try_from(at_ms.div_euclid(HOUR_MS).rem_euclid(24)).unwrap_or(0);
        let percent = DAY_PERCENT.get(hour).copied().unwrap_or(0);
        let index = at_ms.unsigned_abs();
        let noise_percent = 90 + below(dice, "flow", self.device.id(), index, 21);
        let litres = self.peak * percent / 100 * noise_percent / 100;
        self.register = self.register.saturating_add(litres);
    }
}

fn below(dice: Dice, purpose: &str, meter: &MeterId, index: u64, sides: u64) -> i64 {
    i64::try_from(dice.roll(purpose, meter, index, sides)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(seed: u64) -> Vec<Outgoing> {
        let mut fleet = Fleet::synthetic(seed, 3, 1_775_001_600_000, Faults::NONE).unwrap();
        (0..24).flat_map(|_| fleet.hour().unwrap()).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_fleet() {
        assert_eq!(day(1), day(1));
        assert_ne!(day(1), day(2));
    }

    #[test]
    fn a_day_is_plausible() {
        let reports = day(1);
        assert_eq!(reports.len(), 72);
        for number in 1..=3 {
            let id = synthetic_meter(number).unwrap();
            let readings: Vec<Reading> = reports
                .iter()
                .filter(|out| out.meter == id)
                .flat_map(|out| telemetry::decode(&out.bytes).unwrap().into_report().readings)
                .collect();
            assert_eq!(readings.len(), 288);
            assert!(readings.windows(2).all(|pair| pair[0].value <= pair[1].value));
            assert!(readings.windows(2).all(|p| p[1].at_ms - p[0].at_ms == FIVE_MINUTES_MS));
            let litres = readings[287].value - readings[0].value;
            assert!((200_000..3_000_000).contains(&litres), "{litres}");
        }
    }

    #[test]
    fn rejects_too_many_meters() {
        let error = Fleet::synthetic(1, MAX_METERS + 1, 0, Faults::NONE).unwrap_err();
        assert_eq!(error, FleetError::TooManyMeters(MAX_METERS + 1));
    }
}
