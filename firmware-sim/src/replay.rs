//! Real registers played through simulated meters.

use telemetry::{EncodeError, Flags, MeterId, MeterIdError, Reading, VerifyingKey};
use thiserror::Error;

use crate::dice::Dice;
use crate::{Device, Faults, Outgoing, Registers};

/// How many readings go into one report: an hour of five-minute readings, half a day of hourly ones.
pub const READINGS_PER_REPORT: usize = 12;

/// Why registers cannot be replayed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReplayError {
    /// A user key that cannot be a meter id.
    #[error("the user key '{key}' cannot be a meter id: {reason}")]
    Meter {
        /// The key.
        key: String,
        /// Why not.
        reason: MeterIdError,
    },
    /// Readings that do not fit a report.
    #[error("meter {meter} cannot report: {reason}")]
    Report {
        /// The meter.
        meter: MeterId,
        /// Why not.
        reason: EncodeError,
    },
}

/// One device per user, fed with that user's readings as simulated time goes on. The user key is the meter id.
#[derive(Debug)]
pub struct Replay {
    tracks: Vec<Track>,
    faults: Faults,
    dice: Dice,
}

#[derive(Debug)]
struct Track {
    device: Device,
    readings: Vec<Reading>,
    reported: usize,
}

impl Replay {
    /// Devices with keys of `seed` for all meters of `registers`. Of the faults only reboots happen here.
    pub fn new(registers: Registers, seed: u64, faults: Faults) -> Result<Self, ReplayError> {
        let tracks = registers.by_meter.into_iter().map(|(key, readings)| {
            let id = MeterId::new(&key).map_err(|reason| ReplayError::Meter { key, reason })?;
            Ok(Track { device: Device::new(seed, id), readings, reported: 0 })
        });
        Ok(Self { tracks: tracks.collect::<Result<_, _>>()?, faults, dice: Dice::new(seed) })
    }

    /// The meters and the keys to enrol, in order of ids.
    pub fn keys(&self) -> impl Iterator<Item = (&MeterId, VerifyingKey)> {
        self.tracks.iter().map(|track| (track.device.id(), track.device.public_key()))
    }

    /// Time of the first reading that is not yet in a report, Unix milliseconds; `None` at the end.
    pub fn next_reading_ms(&self) -> Option<i64> {
        self.tracks.iter().filter_map(|track| track.left().first()).map(|r| r.at_ms).min()
    }

    /// The reports that are complete at `t_ms` and were not yielded before, in order of their last reading's time.
    pub fn until(&mut self, t_ms: i64) -> Result<Vec<Outgoing>, ReplayError> {
        self.take(|chunk| {
            chunk.len() == READINGS_PER_REPORT
                && chunk.last().is_some_and(|last| last.at_ms <= t_ms)
        })
    }

    /// All that is left, with a short last report where readings do not fill one.
    pub fn flush(&mut self) -> Result<Vec<Outgoing>, ReplayError> {
        self.take(|_| true)
    }

    fn take(&mut self, due: impl Fn(&[Reading]) -> bool) -> Result<Vec<Outgoing>, ReplayError> {
        let mut timed = Vec::new();
        for track in &mut self.tracks {
            while let Some(chunk) = track.left().chunks(READINGS_PER_REPORT).next()
                && due(chunk)
            {
                let last_ms = chunk.last().map_or(i64::MAX, |last| last.at_ms);
                let chunk = chunk.to_vec();
                track.reported += chunk.len();
                timed.push((last_ms, track.report(chunk, self.faults, self.dice)?));
            }
        }
        timed.sort_by_key(|(last_ms, _)| *last_ms);
        Ok(timed.into_iter().map(|(_, outgoing)| outgoing).collect())
    }
}

impl Track {
    fn left(&self) -> &[Reading] {
        self.readings.get(self.reported..).unwrap_or_default()
    }

    fn report(
        &mut self,
        readings: Vec<Reading>,
        faults: Faults,
        dice: Dice,
    ) -> Result<Outgoing, ReplayError> {
        if faults.reboots(dice, self.device.id(), self.device.seq().saturating_add(1)) {
            self.device.reboot();
        }
        let flags = backwards(&readings);
        self.device
            .report(readings, flags)
            .map_err(|reason| ReplayError::Report { meter: self.device.id().clone(), reason })
    }
}

/// What a meter would notice about its own readings.
fn backwards(readings: &[Reading]) -> Flags {
    let falls = readings.windows(2).any(|pair| match pair {
        [before, after] => after.value < before.value,
        _ => false,
    });
    if falls { Flags::REVERSE_FLOW } else { Flags::NONE }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn registers(rows: i64) -> Registers {
        let readings = |step_s: i64| {
            (0..rows).map(|i| Reading { at_ms: i * step_s * 1000, value: i * 10 }).collect()
        };
        let by_meter = BTreeMap::from([("a".into(), readings(300)), ("b".into(), readings(600))]);
        Registers { by_meter, rejected: Vec::new() }
    }

    fn decoded(outgoing: &Outgoing) -> telemetry::Report {
        telemetry::decode(&outgoing.bytes).unwrap().into_report()
    }

    #[test]
    fn yields_reports_once_they_are_complete() {
        let mut replay = Replay::new(registers(30), 1, Faults::NONE).unwrap();
        assert_eq!(replay.next_reading_ms(), Some(0));
        assert!(replay.until(11 * 300_000 - 1).unwrap().is_empty());
        let first = replay.until(11 * 300_000).unwrap();
        assert_eq!(first.len(), 1);
        assert_eq!(decoded(&first[0]).readings.len(), READINGS_PER_REPORT);
        assert!(replay.until(11 * 300_000).unwrap().is_empty());

        let names: Vec<String> = replay
            .until(i64::MAX)
            .unwrap()
            .iter()
            .map(|out| format!("{}{}", out.meter, out.seq))
            .collect();
        assert_eq!(names, ["b1", "a2", "b2"]);
        let rest = replay.flush().unwrap();
        assert_eq!(rest.len(), 2);
        assert!(rest.iter().all(|out| out.seq == 3 && decoded(out).readings.len() == 6));
        assert_eq!(replay.next_reading_ms(), None);
        assert!(replay.flush().unwrap().is_empty());
    }

    #[test]
    fn steps_of_time_do_not_change_the_bytes() {
        let faults = Faults { reboot_permille: 300, ..Faults::NONE };
        let all = |steps: &[i64]| {
            let mut replay = Replay::new(registers(100), 5, faults).unwrap();
            let mut reports: Vec<Outgoing> = Vec::new();
            for &t_ms in steps {
                reports.extend(replay.until(t_ms).unwrap());
            }
            reports.extend(replay.flush().unwrap());
            reports.sort_by(|a, b| (&a.meter, a.seq).cmp(&(&b.meter, b.seq)));
            reports
        };
        let whole = all(&[]);
        assert_eq!(whole, all(&[1_000_000, 5_000_000, 20_000_000, 55_000_000]));
        assert!(decoded(whole.last().unwrap()).boot > 0);
    }

    #[test]
    fn every_reading_of_the_extract_is_reported() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/daiad-extract.csv.gz");
        let offset = chrono::FixedOffset::east_opt(8 * 3600).unwrap();
        let registers = Registers::open(path.as_ref(), offset).unwrap();
        let expected = registers.by_meter.clone();
        let mut replay = Replay::new(registers, 1, Faults::NONE).unwrap();
        let mut found: BTreeMap<String, Vec<Reading>> = BTreeMap::new();
        for outgoing in replay.flush().unwrap() {
            let report = decoded(&outgoing);
            found.entry(report.meter.to_string()).or_default().extend(report.readings);
        }
        assert_eq!(found, expected);
    }

    #[test]
    fn rejects_a_user_key_that_is_no_meter_id() {
        let by_meter = BTreeMap::from([("A/b".to_owned(), Vec::new())]);
        let error = Replay::new(Registers { by_meter, rejected: vec![] }, 1, Faults::NONE);
        assert!(matches!(error, Err(ReplayError::Meter { key, .. }) if key == "A/b"));
    }
}
