//! The meters under test: their keys, and reports signed before any clock starts.

use std::num::NonZeroUsize;
use std::thread;

use super::statistics::float;
use crate::clock::SystemClock;
use anyhow::Context;
use domain::{MeterCode, Timestamp};
use firmware_sim::{Device, Outgoing, READINGS_PER_REPORT, synthetic_meter};
use service::Clock;
use store::NewReport;
use telemetry::{ChainHash, Flags, MeterId, Reading, VerifyingKey};

/// Milliseconds from one reading to the next.
const READING_MS: i64 = 300_000;
/// Milliseconds that one report covers.
const HOUR_MS: i64 = 3_600_000;
const SEED: u64 = 1;
/// Hours beyond those that a plan comes to.
const SPARE_HOURS: i64 = 24;

/// Meters that report every hour what they measured every five minutes.
pub struct Fleet {
    /// When they began to measure.
    start: Timestamp,
    devices: Vec<Device>,
    /// How many reports each meter has made.
    hours: u64,
}

impl Fleet {
    /// This many meters as they leave the factory, long enough ago for this many reports of all of them: a server
    /// keeps what runs ahead of its clock apart, and what is older than a few months is stored less simply.
    pub fn new(meters: u32, reports: u64) -> anyhow::Result<Self> {
        let device = |number| Ok(Device::new(SEED, synthetic_meter(number)?));
        let devices = (1..=meters).map(device).collect::<anyhow::Result<_>>()?;
        // Each load is rounded up to whole hours.
        let hours = i64::try_from(reports.div_ceil(meters.max(1).into()))? + SPARE_HOURS;
        let start = SystemClock.now().plus_millis(-hours.saturating_mul(HOUR_MS));
        // A report's times are whole seconds after its first.
        let start = Timestamp::from_millis(start.millis() / HOUR_MS * HOUR_MS)?;
        Ok(Self { start, devices, hours: 0 })
    }

    /// When the meters began to measure.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// How many meters there are.
    pub fn len(&self) -> usize {
        self.devices.len()
    }

    /// The meters' ids and keys, in the order of their numbers.
    pub fn keys(&self) -> impl Iterator<Item = (&MeterId, VerifyingKey)> {
        self.devices.iter().map(|device| (device.id(), device.public_key()))
    }

    /// How many reports of each meter there are: the receipt that the last of them gets.
    pub fn hours(&self) -> u64 {
        self.hours
    }

    /// How many reports of all meters there are.
    pub fn reports(&self) -> f64 {
        float(self.devices.len()) * float(usize::try_from(self.hours).unwrap_or(usize::MAX))
    }

    /// Signs the next reports, at least this many and the same number of each meter, on all cores. They stand in the
    /// order of their arrival: hour after hour, and within an hour as chance will have it.
    pub fn sign(&mut self, reports: usize) -> anyhow::Result<Vec<Outgoing>> {
        let hours = u64::try_from(reports.div_ceil(self.devices.len()).max(1))?;
        let share = self.devices.len().div_ceil(cores());
        let start = self.start;
        let signed = thread::scope(|scope| {
            let sign = |devices: &'_ mut [Device]| -> anyhow::Result<Vec<Outgoing>> {
                let mut signed = Vec::new();
                for device in devices {
                    for _ in 0..hours {
                        signed.push(device.report(readings(start, device.seq()), Flags::NONE)?);
                    }
                }
                Ok(signed)
            };
            let shares = self.devices.chunks_mut(share);
            let threads: Vec<_> =
                shares.map(|devices| scope.spawn(move || sign(devices))).collect();
            let mut all = Vec::new();
            for thread in threads {
                all.extend(thread.join().ok().context("a signing thread failed")??);
            }
            anyhow::Ok(all)
        });
        let mut signed = signed?;
        self.hours += hours;
        signed.sort_by_cached_key(|report| (report.seq, chance(&report.bytes)));
        Ok(signed)
    }

    /// What a report is to be stored as, once it is verified.
    pub fn as_stored(&self, report: &Outgoing) -> anyhow::Result<NewReport> {
        let first_at = hour_from(self.start, report.seq.saturating_sub(1));
        Ok(NewReport {
            meter: MeterCode::new(report.meter.as_str())?,
            seq: report.seq,
            first_at,
            last_at: first_at.plus_millis(HOUR_MS - READING_MS),
            bytes: report.bytes.to_vec(),
        })
    }

    /// The next reports of every meter, hour by hour, to fill a database with: of the right size, under the right numbers
    /// and times, with the bytes of another report, because nobody checks them again.
    pub fn filler(
        &mut self,
        hours: u64,
    ) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Vec<NewReport>>>> {
        let (start, from, until) = (self.start, self.hours, self.hours + hours);
        let mut samples = Vec::with_capacity(self.devices.len());
        for device in &mut self.devices {
            let bytes = device.clone().report(readings(start, until), Flags::NONE)?.bytes.to_vec();
            *device = device.clone().after(until, ChainHash::of(&bytes));
            samples.push((MeterCode::new(device.id().as_str())?, bytes));
        }
        self.hours = until;
        Ok((from..until).map(move |hour| {
            let first_at = hour_from(start, hour);
            let last_at = first_at.plus_millis(HOUR_MS - READING_MS);
            let filler = |(meter, bytes): &(MeterCode, Vec<u8>)| NewReport {
                meter: meter.clone(),
                seq: hour + 1,
                first_at,
                last_at,
                bytes: bytes.clone(),
            };
            Ok(samples.iter().map(filler).collect())
        }))
    }
}

/// A synthetic meter's number, from 1; 0 for what is none.
pub fn number(meter: &str) -> usize {
    meter.rsplit('-').next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// How many threads the machine runs at once.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// An hour, counted from a start.
fn hour_from(start: Timestamp, hour: u64) -> Timestamp {
    start.plus_millis(i64::try_from(hour).unwrap_or(i64::MAX).saturating_mul(HOUR_MS))
}

/// Five-minute readings of an hour: a register in litres that runs at 10 to 60 litres a second.
fn readings(start: Timestamp, hour: u64) -> Vec<Reading> {
    let start_ms = hour_from(start, hour).millis();
    let mut value = i64::try_from(hour % 100_000).unwrap_or(0) * 130_000;
    (0..READINGS_PER_REPORT)
        .zip(0..)
        .map(|(_, index)| {
            value += 3_000 + (value / 7 + index * 977) % 15_000;
            Reading { at_ms: start_ms.saturating_add(index * READING_MS), value }
        })
        .collect()
}

/// A number that depends on nothing one could order by: the signature's end.
fn chance(signed: &[u8]) -> Vec<u8> {
    signed.iter().rev().skip(1).take(8).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_arrive_hour_by_hour_in_another_order_each_and_hold() {
        let mut fleet = Fleet::new(40, 80).unwrap();
        let first = fleet.sign(41).unwrap();
        assert_eq!((first.len(), fleet.hours()), (80, 2));
        assert!(first.is_sorted_by_key(|report| report.seq));
        let order = |hour: &[Outgoing]| hour.iter().map(|r| r.meter.clone()).collect::<Vec<_>>();
        assert_ne!(order(&first[..40]), order(&first[40..]));
        let keys: std::collections::BTreeMap<_, _> = fleet.keys().collect();
        for report in &first {
            let signed = telemetry::decode(&report.bytes).unwrap();
            let read = signed.verify(&keys[&report.meter]).unwrap();
            let stored = fleet.as_stored(report).unwrap();
            assert_eq!((read.seq, read.readings.len()), (stored.seq, READINGS_PER_REPORT));
            assert_eq!(read.readings[0].at_ms, stored.first_at.millis());
            assert_eq!(read.readings[11].at_ms, stored.last_at.millis());
        }
    }

    #[test]
    fn the_fleet_goes_on_behind_its_filler() {
        let mut fleet = Fleet::new(3, 15).unwrap();
        let hours: Vec<_> = fleet.filler(4).unwrap().map(Result::unwrap).collect();
        assert_eq!(hours.iter().map(|hour| hour[0].seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert!(hours[0].iter().all(|report| report.first_at == fleet.start()));
        let next = fleet.sign(3).unwrap();
        assert!(next.iter().all(|report| report.seq == 5));
        assert_eq!(
            fleet.as_stored(&next[0]).unwrap().first_at,
            fleet.start().plus_millis(4 * HOUR_MS)
        );
    }
}
