//! The server's MQTT client in front of a store that keeps nothing: what a broker gives at most.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use mqtt::{Batcher, Broker, BrokerConfig, Counters, Ingest, Level, Topics};
use service::{Arrival, Receipt, Statuses};
use telemetry::MeterId;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::load::Target;
use crate::clock::SystemClock;

/// Under which the broker keeps its session.
pub const CLIENT_ID: &str = "bench-alone";
const LOOK: Duration = Duration::from_millis(1);

/// A running client.
pub struct Client {
    counters: Arc<Counters>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Client {
    /// Starts one that takes a district's reports from a broker.
    pub fn start(at: Target<'_>) -> anyhow::Result<Self> {
        let counters = Arc::new(Counters::default());
        let (queue, batcher) = Batcher::new(Nowhere, Arc::clone(&counters));
        let broker = Broker::new(BrokerConfig {
            client_id: CLIENT_ID.to_owned(),
            host: at.address.ip().to_string(),
            port: at.address.port(),
            login: None,
            protocol: Level::V5,
            share: None,
        })?;
        let topics = Topics::new(at.district)?;
        let stop = watch::Sender::new(false);
        let until_stop = || {
            let mut stopping = stop.subscribe();
            async move {
                // Its sender being gone is a stop, too.
                let _ = stopping.wait_for(|stop| *stop).await;
            }
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(batcher.run(until_stop()));
        tasks.spawn(broker.run(
            topics,
            Arc::new(Statuses::new(Arc::new(SystemClock))),
            queue,
            until_stop(),
        ));
        Ok(Self { counters, stop, tasks })
    }

    /// Messages that were taken and acknowledged.
    pub fn taken(&self) -> u64 {
        self.counters.counts().acknowledged
    }

    /// Waits until so many were.
    pub async fn until_taken(&self, messages: u64) {
        while self.taken() < messages {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Stops; the broker keeps the session.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Keeps nothing and says that it did.
struct Nowhere;

impl Ingest for Nowhere {
    type Checked = HashSet<String>;
    type Error = Infallible;

    async fn check(&self, batch: Vec<Arrival>) -> HashSet<String> {
        batch.into_iter().map(|arrival| arrival.meter).collect()
    }

    fn join(earlier: &mut HashSet<String>, later: HashSet<String>) {
        earlier.extend(later);
    }

    async fn store(&self, meters: &HashSet<String>) -> Result<Vec<Receipt>, Infallible> {
        let receipt =
            |meter: &String| Some(Receipt { meter: MeterId::new(meter).ok()?, stored: 0 });
        Ok(meters.iter().filter_map(receipt).collect())
    }
}
