//! A server that keeps nothing but numbers: it receipts what it is sent and forgets it.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

use mqtt::Ingest;
use service::{Arrival, Receipt};
use telemetry::MeterId;

/// Which reports came.
#[derive(Debug, Default)]
pub struct Keeper {
    numbers: Mutex<HashMap<MeterId, Numbers>>,
}

/// All numbers up to one, and some beyond.
#[derive(Debug, Default)]
struct Numbers {
    through: u64,
    beyond: BTreeSet<u64>,
}

impl Numbers {
    fn insert(&mut self, seq: u64) {
        if seq > self.through {
            self.beyond.insert(seq);
        }
        while self.beyond.remove(&(self.through + 1)) {
            self.through += 1;
        }
    }
}

impl Keeper {
    /// How many reports came of how many meters.
    pub fn kept(&self) -> (u64, usize) {
        let numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        (numbers.values().map(|numbers| numbers.through).sum(), numbers.len())
    }
}

impl Ingest for Keeper {
    type Checked = Vec<Arrival>;
    type Error = Infallible;

    async fn check(&self, batch: Vec<Arrival>) -> Vec<Arrival> {
        batch
    }

    fn join(earlier: &mut Vec<Arrival>, later: Vec<Arrival>) {
        earlier.extend(later);
    }

    async fn store(&self, batch: &Vec<Arrival>) -> Result<Vec<Receipt>, Infallible> {
        let mut all = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut receipts = HashMap::new();
        for arrival in batch {
            let Ok(report) = telemetry::decode(&arrival.payload) else { continue };
            let report = report.into_report();
            let numbers = all.entry(report.meter.clone()).or_default();
            numbers.insert(report.seq);
            receipts.insert(report.meter, numbers.through);
        }
        Ok(receipts.into_iter().map(|(meter, stored)| Receipt { meter, stored }).collect())
    }
}

/// A clock that stands still: nothing here depends on the time.
pub struct Stopped;

impl service::Clock for Stopped {
    fn now(&self) -> service::board::Timestamp {
        service::board::Timestamp::EARLIEST
    }
}
