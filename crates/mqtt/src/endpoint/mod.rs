//! The MQTT endpoint for meters inside the process: 3.1.1 and 5, reports up, receipts and commands down, device status.
//!
//! It is no general broker: nothing is forwarded between clients, no session outlives its connection (a meter keeps its
//! own buffer), and PUBACK means "on disk". It knows no logins: a report's own signature says whose it is, and a status
//! is only a hint. Encryption, where the network needs it, is terminated in front of it.

mod connection;
mod directory;
mod handshake;
mod outbox;
mod session;
mod wire;

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use service::Statuses;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::{Queue, Refusal, Topics};
use directory::Directory;

/// The most connections that are open at once, unless the configuration says less.
pub const MAX_CONNECTIONS: usize = 16_384;
/// The longest packet that is read, in bytes with its fixed header; a longer one ends the connection.
pub const MAX_PACKET_BYTES: usize = 65_536;
/// The most messages of one connection that wait for their commit; beyond that nothing more is read from it.
pub const MAX_INFLIGHT_MESSAGES: usize = 1_024;
/// The most payload bytes of one connection that wait for their commit, give or take one packet.
pub const MAX_INFLIGHT_BYTES: usize = 256 * 1024;

const SHUTDOWN_GRACE_SECONDS: u64 = 5;
const ACCEPT_PAUSE_MILLIS: u64 = 100;

/// What an endpoint needs to know.
#[derive(Debug, Clone)]
pub struct EndpointConfig {
    /// The topics of the district that is served.
    pub topics: Topics,
    /// Where device statuses are kept.
    pub statuses: Arc<Statuses>,
    /// How many connections may be open at once; at most [`MAX_CONNECTIONS`] are.
    pub connections: usize,
}

/// The MQTT endpoint.
#[derive(Debug)]
pub struct Endpoint;

/// What all connections share.
struct Shared {
    topics: Topics,
    statuses: Arc<Statuses>,
    queue: Queue,
    directory: Arc<Directory>,
    stopping: watch::Receiver<bool>,
}

impl Shared {
    fn refuse(&self, reason: Refusal) {
        self.queue.counters().refuse(reason);
    }
}

impl Endpoint {
    /// Serves meters on the listener until the shutdown; then reads no more, waits a few seconds for the commits that
    /// are under way, acknowledges them and closes.
    ///
    /// Stop the [`crate::Batcher`] at the same moment or later, never before: it is what commits.
    pub async fn serve(
        listener: TcpListener,
        config: EndpointConfig,
        queue: Queue,
        shutdown: impl Future<Output = ()>,
    ) {
        let (stop, stopping) = watch::channel(false);
        let directory = Arc::new(Directory::new(Arc::clone(queue.counters())));
        queue.add_sink(Arc::clone(&directory) as _);
        let slots = Arc::new(Semaphore::new(config.connections.min(MAX_CONNECTIONS)));
        let shared = Arc::new(Shared {
            topics: config.topics,
            statuses: config.statuses,
            queue,
            directory,
            stopping,
        });
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => match Arc::clone(&slots).try_acquire_owned() {
                        Ok(slot) => {
                            let shared = Arc::clone(&shared);
                            connections.spawn(async move {
                                connection::serve(stream, peer, shared).await;
                                drop(slot);
                            });
                        }
                        Err(_) => refuse_connection(&shared, &stream),
                    },
                    Err(error) => pause_accepting(&error).await,
                },
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
            }
        }
        drop(listener);
        stop.send_replace(true);
        shared.directory.stop();
        let grace = Duration::from_secs(SHUTDOWN_GRACE_SECONDS);
        let all = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, all).await.is_err() {
            tracing::warn!(
                open = connections.len(),
                "closed connections whose messages were not stored in time"
            );
            connections.shutdown().await;
        }
    }
}

fn refuse_connection(shared: &Shared, stream: &TcpStream) {
    shared.refuse(Refusal::Connections);
    let peer = stream.peer_addr().ok();
    tracing::warn!(?peer, "refused a connection: the limit of open connections is reached");
}

/// Out of file handles, most likely: trying again at once would spin.
async fn pause_accepting(error: &io::Error) {
    tracing::error!(%error, "could not accept a connection");
    tokio::time::sleep(Duration::from_millis(ACCEPT_PAUSE_MILLIS)).await;
}

/// Reads packets off the front of what a connection sent, as the endpoint does, until they end or are refused; returns
/// how many there were.
#[cfg(feature = "testing")]
pub fn read_packets(bytes: &[u8]) -> usize {
    let mut buffer = bytes::BytesMut::from(bytes);
    let Ok(Some(connect)) = wire::read_connect(&mut buffer) else { return 0 };
    let rest = std::iter::from_fn(|| wire::read_packet(connect.level, &mut buffer).ok().flatten());
    1 + rest.count()
}
