//! The server's side: a broker's client, a batcher and a store that remembers.

use std::sync::Arc;

use mqtt::{Batcher, Broker, BrokerConfig, Counters, Counts, Level, Topics};
use service::{DeviceState, Statuses};
use telemetry::MeterId;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::clock::Stopped;
use crate::store::{Store, soon};

pub struct Server {
    pub store: Arc<Store>,
    pub statuses: Arc<Statuses>,
    counters: Arc<Counters>,
    stop: Vec<oneshot::Sender<()>>,
    running: Vec<JoinHandle<()>>,
}

/// How a server of district `d` reaches a broker on the loopback.
pub fn config(port: u16, protocol: Level) -> BrokerConfig {
    BrokerConfig {
        client_id: "mingqu-d".into(),
        host: "127.0.0.1".into(),
        port,
        login: None,
        protocol,
        share: None,
    }
}

impl Server {
    /// A server of district `d` that may commit so many batches.
    pub fn start(port: u16, protocol: Level, commits: usize) -> Self {
        Self::with(config(port, protocol), commits)
    }

    pub fn with(config: BrokerConfig, commits: usize) -> Self {
        let store = Arc::new(Store::new(commits));
        let counters = Arc::new(Counters::default());
        let statuses = Arc::new(Statuses::new(Arc::new(Stopped)));
        let broker = Broker::new(config).unwrap();
        let (queue, batcher) = Batcher::new(Arc::clone(&store), Arc::clone(&counters));
        let (stop_batcher, batcher_stops) = oneshot::channel::<()>();
        let (stop_broker, broker_stops) = oneshot::channel::<()>();
        let topics = Topics::new("d").unwrap();
        let running = vec![
            tokio::spawn(batcher.run(async { drop(batcher_stops.await) })),
            tokio::spawn(broker.run(topics, Arc::clone(&statuses), queue, async {
                drop(broker_stops.await);
            })),
        ];
        Self { store, statuses, counters, stop: vec![stop_batcher, stop_broker], running }
    }

    /// Waits until the totals are as wanted.
    pub async fn until(&self, wanted: impl Fn(&Counts) -> bool) -> Counts {
        soon(async {
            loop {
                let counts = self.counters.counts();
                if wanted(&counts) {
                    return counts;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    /// Waits until this meter is known to be in this state.
    pub async fn hears(&self, meter: &str, state: DeviceState) {
        let meter = MeterId::new(meter).unwrap();
        let mut version = self.statuses.version();
        soon(async {
            while self.statuses.get(&meter).map(|status| status.state) != Some(state) {
                version.changed().await.unwrap();
            }
        })
        .await;
    }

    pub async fn stop(mut self) {
        for stop in self.stop.drain(..) {
            stop.send(()).unwrap();
        }
        for running in self.running.drain(..) {
            soon(running).await.unwrap();
        }
    }
}
