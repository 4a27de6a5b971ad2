//! A meter that signs reports.

use disclosure::key::SigningKey;
use domain::Timestamp;
use service::Arrival;
use telemetry::{ChainHash, Flags, Kind, MeterId, Reading, Report};

use super::id;

const READINGS_PER_REPORT: usize = 12;
const PACE_MILLIS: i64 = 300_000;

/// A register of 100 litres a unit, read every five minutes from the start on.
pub(crate) struct TestMeter {
    pub(crate) code: &'static str,
    pub(crate) key: SigningKey,
    at: Timestamp,
    value: i64,
    sent: u64,
    previous: ChainHash,
}

impl TestMeter {
    pub(crate) fn new(code: &'static str, seed: u8, start: &str) -> Self {
        Self {
            code,
            key: SigningKey::from_bytes(&[seed; 32]),
            at: id(start),
            value: 5_000,
            sent: 0,
            previous: ChainHash::FIRST,
        }
    }

    /// The next reports, an hour each, with water running.
    pub(crate) fn reports(&mut self, hours: usize, flags: Flags) -> Vec<Arrival> {
        (0..hours).map(|_| self.report(flags)).collect()
    }

    fn report(&mut self, flags: Flags) -> Arrival {
        let mut readings = Vec::with_capacity(READINGS_PER_REPORT);
        for _ in 0..READINGS_PER_REPORT {
            readings.push(Reading { at_ms: self.at.millis(), value: self.value });
            self.at = self.at.plus_millis(PACE_MILLIS);
            self.value += 37;
        }
        self.sent += 1;
        let report = Report {
            meter: MeterId::new(self.code).unwrap(),
            seq: self.sent,
            boot: 1,
            previous: self.previous,
            kind: Kind::Register,
            readings,
            flags,
        };
        let payload = telemetry::sign(&report, &self.key).unwrap();
        self.previous = ChainHash::of(&payload);
        let topic = format!("mingqu/v1/sample/{}/report", self.code);
        Arrival { topic, meter: self.code.to_owned(), payload, refused: None, foreign: None }
    }
}
