//! A meter that signs reports.

use disclosure::key::SigningKey;
use domain::{MeterCode, Timestamp};
use telemetry::{ChainHash, Flags, Kind, MeterId, Reading, Report};

use super::id;

/// Readings of one report.
const READINGS: usize = 3;
/// Milliseconds between two readings: ten minutes.
const PACE_MILLIS: i64 = 600_000;

/// A register meter, read every ten minutes from midnight (UTC) of 2016-05-01 on, three readings a
/// report, and all that it reported.
#[derive(Debug, Clone)]
pub struct TestMeter {
    /// Its code.
    pub code: MeterCode,
    /// Its device key.
    pub key: SigningKey,
    /// The exact bytes of its reports; the first has the sequence number 1.
    pub reports: Vec<Vec<u8>>,
    /// The flags of its next reports.
    pub flags: Flags,
    at: Timestamp,
    value: i64,
}

impl TestMeter {
    /// A meter whose key is made from `seed`.
    pub fn new(code: &str, seed: u8) -> Self {
        Self {
            code: id(code),
            key: SigningKey::from_bytes(&[seed; 32]),
            reports: Vec::new(),
            flags: Flags::NONE,
            at: id("2016-05-01T00:00:00Z"),
            value: 5_000,
        }
    }

    /// The meter at outlet `e1`.
    pub fn east() -> Self {
        Self::new("me1", 41)
    }

    /// The meter at outlet `w1`.
    pub fn west() -> Self {
        Self::new("mw1", 42)
    }

    /// When the first reading was.
    pub fn begin(&self) -> Timestamp {
        id("2016-05-01T00:00:00Z")
    }

    /// Makes so many reports, of half an hour each, with water running.
    pub fn run_for(&mut self, reports: usize) {
        for _ in 0..reports {
            let report = self.next_report();
            self.keep(&report);
        }
    }

    /// Signs a report, whatever it says, and keeps it as the next.
    pub fn keep(&mut self, report: &Report) {
        self.reports.push(telemetry::sign(report, &self.key).unwrap());
    }

    /// The report that comes next, not yet signed or kept; the meter's time and value move on.
    pub fn next_report(&mut self) -> Report {
        let mut readings = Vec::with_capacity(READINGS);
        for _ in 0..READINGS {
            readings.push(Reading { at_ms: self.at.millis(), value: self.value });
            self.at = self.at.plus_millis(PACE_MILLIS);
            self.value += 37;
        }
        Report {
            meter: MeterId::new(self.code.as_str()).unwrap(),
            seq: self.reports.len() as u64 + 1,
            boot: 1,
            previous: self.reports.last().map_or(ChainHash::FIRST, |bytes| ChainHash::of(bytes)),
            kind: Kind::Register,
            readings,
            flags: self.flags,
        }
    }

    /// The reports from the last that begins by `start` to the first that reaches `end`, with the
    /// sequence number of the first of them.
    pub fn reports_over(&self, start: Timestamp, end: Timestamp) -> (u64, Vec<Vec<u8>>) {
        let span = |bytes: &Vec<u8>| {
            let readings = telemetry::decode(bytes).unwrap().into_report().readings;
            (readings[0].at_ms, readings[readings.len() - 1].at_ms)
        };
        let spans: Vec<(i64, i64)> = self.reports.iter().map(span).collect();
        let begins = (0..spans.len()).filter(|&n| spans[n].0 <= start.millis());
        let reaches = (0..spans.len()).filter(|&n| spans[n].1 >= end.millis());
        let first = begins.max_by_key(|&n| spans[n].0).unwrap();
        let last = reaches.min_by_key(|&n| spans[n].0).unwrap();
        (first as u64 + 1, self.reports[first..=last].to_vec())
    }
}
