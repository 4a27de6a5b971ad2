//! An endpoint with a store that remembers, in one process.

use std::net::SocketAddr;
use std::sync::Arc;

use mqtt::adapter::Adapters;
use mqtt::{Batcher, Counters, Counts, Endpoint, EndpointConfig, MAX_CONNECTIONS, Refusal, Topics};
use service::{Arrival, DeviceState, Statuses};
use telemetry::MeterId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;

use crate::clock::Stopped;
use crate::store::Store;
pub use crate::store::soon;

pub struct Site {
    pub address: SocketAddr,
    pub store: Arc<Store>,
    pub statuses: Arc<Statuses>,
    pub counters: Arc<Counters>,
    stop: Vec<oneshot::Sender<()>>,
    running: Vec<JoinHandle<()>>,
}

impl Site {
    /// A site whose store commits at once.
    pub async fn open() -> Self {
        Self::with(Semaphore::MAX_PERMITS, MAX_CONNECTIONS).await
    }

    /// A site whose store commits only as often as it is told.
    pub async fn held() -> Self {
        Self::with(0, MAX_CONNECTIONS).await
    }

    /// A site that listens to what this adapter listens to.
    pub async fn with_adapter(toml: &str) -> Self {
        let adapters = Adapters::new(&[toml::from_str(toml).unwrap()]).unwrap();
        let topics = Topics::new("d").unwrap().with_adapters(adapters);
        Self::of(topics, Semaphore::MAX_PERMITS, MAX_CONNECTIONS).await
    }

    pub async fn with(commits: usize, connections: usize) -> Self {
        Self::of(Topics::new("d").unwrap(), commits, connections).await
    }

    async fn of(topics: Topics, commits: usize, connections: usize) -> Self {
        let store = Arc::new(Store::new(commits));
        let counters = Arc::new(Counters::default());
        let statuses = Arc::new(Statuses::new(Arc::new(Stopped)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (queue, batcher) = Batcher::new(Arc::clone(&store), Arc::clone(&counters));
        let config = EndpointConfig { topics, statuses: Arc::clone(&statuses), connections };
        let (stop_batcher, batcher_stops) = oneshot::channel::<()>();
        let (stop_endpoint, endpoint_stops) = oneshot::channel::<()>();
        let running = vec![
            tokio::spawn(batcher.run(async { drop(batcher_stops.await) })),
            tokio::spawn(Endpoint::serve(listener, config, queue, async {
                drop(endpoint_stops.await);
            })),
        ];
        Self {
            address,
            store,
            statuses,
            counters,
            stop: vec![stop_batcher, stop_endpoint],
            running,
        }
    }

    pub fn counts(&self) -> Counts {
        self.counters.counts()
    }

    /// Waits until something has been refused this often for this reason.
    pub async fn refused(&self, reason: Refusal, times: u64) {
        soon(async {
            while self.counts().refused_for(reason) < times {
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert_eq!(self.counts().refused_for(reason), times);
    }

    /// Waits until the store holds so many arrivals, and returns them.
    pub async fn stored(&self, number: usize) -> Vec<Arrival> {
        self.store.stored(number).await
    }

    /// Waits until so many messages are queued or stored.
    pub async fn received(&self, number: u64) {
        soon(async {
            while self.counts().received < number {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    pub async fn status(&self, meter: &str, state: Option<DeviceState>) {
        let meter = MeterId::new(meter).unwrap();
        let mut version = self.statuses.version();
        soon(async {
            while self.statuses.get(&meter).map(|status| status.state) != state {
                version.changed().await.unwrap();
            }
        })
        .await;
    }

    /// Asks all parts to stop at once.
    pub fn stop(&mut self) {
        for stop in self.stop.drain(..) {
            stop.send(()).unwrap();
        }
    }

    /// Waits until all parts have stopped.
    pub async fn stopped(&mut self) {
        for running in self.running.drain(..) {
            soon(running).await.unwrap();
        }
    }

    /// A connection on which nothing was said yet.
    pub async fn raw(&self) -> Raw {
        Raw { stream: TcpStream::connect(self.address).await.unwrap() }
    }

    /// A connection in MQTT 3.1.1 that was accepted.
    pub async fn raw_v4(&self, client: &str) -> Raw {
        let mut raw = self.raw().await;
        raw.send(&connect_v4(client)).await;
        raw.expect(&[0x20, 2, 0, 0]).await;
        raw
    }
}

/// A socket that says exactly what it is told.
pub struct Raw {
    pub stream: TcpStream,
}

impl Raw {
    pub async fn send(&mut self, bytes: &[u8]) {
        soon(self.stream.write_all(bytes)).await.unwrap();
    }

    pub async fn expect(&mut self, bytes: &[u8]) {
        let mut read = vec![0; bytes.len()];
        soon(self.stream.read_exact(&mut read)).await.unwrap();
        assert_eq!(read, bytes);
    }

    /// The next packet, shorter than 128 bytes: its first byte and its body.
    pub async fn packet(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 2];
        soon(self.stream.read_exact(&mut head)).await.unwrap();
        let mut body = vec![0; usize::from(head[1])];
        soon(self.stream.read_exact(&mut body)).await.unwrap();
        (head[0], body)
    }

    /// True if CONNACK comes, false if the endpoint closes first.
    pub async fn rest_or_connack(&mut self) -> bool {
        let mut read = [0; 4];
        soon(self.stream.read_exact(&mut read)).await.is_ok() && read == [0x20, 2, 0, 0]
    }

    /// Everything that still comes until the endpoint closes.
    pub async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A reset is a close as well.
        let _ = soon(self.stream.read_to_end(&mut rest)).await;
        rest
    }
}

/// A CONNECT of MQTT 3.1.1: clean session, keep-alive of 60 seconds.
pub fn connect_v4(client: &str) -> Vec<u8> {
    let mut body = b"\0\x04MQTT\x04\x02\0\x3c".to_vec();
    body.extend(text(client));
    packet(0x10, &body)
}

/// A SUBSCRIBE of MQTT 3.1.1 with `QoS` 0.
pub fn subscribe_v4(filter: &str) -> Vec<u8> {
    let mut body = vec![0, 1];
    body.extend(text(filter));
    body.push(0);
    packet(0x82, &body)
}

/// A PUBLISH of MQTT 3.1.1 with `QoS` 1.
pub fn publish_v4(topic: &str, id: u16, payload: &[u8]) -> Vec<u8> {
    let mut body = text(topic);
    body.extend(id.to_be_bytes());
    body.extend(payload);
    packet(0x32, &body)
}

pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    let mut length = body.len();
    loop {
        let low = u8::try_from(length % 128).unwrap();
        length /= 128;
        packet.push(if length > 0 { low | 0x80 } else { low });
        if length == 0 {
            break;
        }
    }
    packet.extend(body);
    packet
}

pub fn text(text: &str) -> Vec<u8> {
    let mut bytes = u16::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}
