//! A store for tests: remembers what it is handed, commits when it is told, fails when it is told.

use std::sync::Mutex;
use std::time::Duration;

use mqtt::Ingest;
use service::{Arrival, Receipt};
use telemetry::MeterId;
use tokio::sync::{Semaphore, watch};

/// Long enough for the slowest machine; a test that gets here has failed.
const DEADLINE: Duration = Duration::from_secs(20);

pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, what).await.expect("it did not happen in time")
}

/// Counts what it is handed: a meter's receipt is the number of its arrivals.
pub struct Store {
    pub arrivals: watch::Sender<Vec<Arrival>>,
    /// Each batch takes one permit before its commit.
    pub commits: Semaphore,
    failing: Mutex<bool>,
}

#[derive(Debug, thiserror::Error)]
#[error("the store is away")]
pub struct Away;

impl Store {
    /// A store that may commit so many batches until it is given more permits.
    pub fn new(commits: usize) -> Self {
        Self {
            arrivals: watch::Sender::new(Vec::new()),
            commits: Semaphore::new(commits),
            failing: Mutex::new(false),
        }
    }

    /// Waits until it holds so many arrivals, and returns them.
    pub async fn stored(&self, number: usize) -> Vec<Arrival> {
        let mut arrivals = self.arrivals.subscribe();
        soon(arrivals.wait_for(|arrivals| arrivals.len() >= number)).await.unwrap().clone()
    }

    pub fn fail(&self, failing: bool) {
        *self.failing.lock().unwrap() = failing;
    }
}

impl Ingest for Store {
    type Checked = Vec<Arrival>;
    type Error = Away;

    async fn check(&self, batch: Vec<Arrival>) -> Vec<Arrival> {
        batch
    }

    fn join(earlier: &mut Vec<Arrival>, later: Vec<Arrival>) {
        earlier.extend(later);
    }

    async fn store(&self, batch: &Vec<Arrival>) -> Result<Vec<Receipt>, Away> {
        self.commits.acquire().await.unwrap().forget();
        if *self.failing.lock().unwrap() {
            self.commits.add_permits(1);
            return Err(Away);
        }
        let mut meters: Vec<_> = batch.iter().map(|arrival| arrival.meter.clone()).collect();
        meters.sort();
        meters.dedup();
        self.arrivals.send_modify(|arrivals| arrivals.extend_from_slice(batch));
        let arrivals = self.arrivals.borrow();
        let receipt = |meter: String| {
            let stored = arrivals.iter().filter(|arrival| arrival.meter == meter).count() as u64;
            Some(Receipt { meter: MeterId::new(&meter).ok()?, stored })
        };
        Ok(meters.into_iter().filter_map(receipt).collect())
    }
}
