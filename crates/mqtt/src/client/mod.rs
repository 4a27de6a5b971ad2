//! The client of a broker: takes reports and statuses, acknowledges to the broker after the commit, publishes receipts.
//!
//! The broker acknowledges a meter before anything is stored here; what tells the meter that its report is safe is the
//! receipt. The connection is plain TCP: run the broker on the same machine, or put the encryption in front of both.
//!
//! One task reads, and writes the acknowledgements in bulk between two packets, so that neither side can wait for the
//! other. rumqttc's event loops are not used: that of MQTT 5 keeps its socket to itself, and would write every
//! acknowledgement alone. Nothing but receipts outlives a connection.

mod connection;
mod link;
mod outgoing;
mod wire;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use service::Statuses;
use thiserror::Error;

use crate::{Level, Queue, Topics};
use connection::{Connection, End};
use outgoing::Outgoing;

const MAX_CLIENT_ID_BYTES: usize = 128;
const MAX_SHARE_BYTES: usize = 64;
const KEEP_ALIVE_SECONDS: u16 = 30;
/// Receipts that may wait for the broker's acknowledgement.
const MAX_INFLIGHT_RECEIPTS: usize = 200;
/// Messages that a broker may send in MQTT 5 before the first is acknowledged: as many as the queue takes.
const MAX_UNACKNOWLEDGED_MESSAGES: u16 = 16_384;
/// How long a broker keeps in MQTT 5 what comes while the server is away: seven days. Meters keep it longer.
const SESSION_SECONDS: u32 = 7 * 24 * 3600;
/// The same where several servers share the reports: long enough for a new start. A broker goes on dealing out to a
/// server that is gone until then, and may deal out the same meters each time they send again.
const SHARED_SESSION_SECONDS: u32 = 10;
const RECONNECT_FIRST_MILLIS: u64 = 100;
const RECONNECT_MAX_MILLIS: u64 = 5_000;

/// A user name and a password for the broker.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// The password, which no log shows.
    pub password: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Which broker, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerConfig {
    /// The client id, under which the broker keeps what this server has not acknowledged: the same one after every
    /// start, and no two servers with the same one.
    pub client_id: String,
    /// The broker's name or address.
    pub host: String,
    /// The broker's port.
    pub port: u16,
    /// The login, if the broker asks for one.
    pub login: Option<Login>,
    /// The version of MQTT.
    pub protocol: Level,
    /// The name under which several servers divide the reports among them: each report goes to one of those that
    /// give the same name (MQTT 5 §4.8.2).
    pub share: Option<String>,
}

impl BrokerConfig {
    fn session_expiry_seconds(&self) -> u32 {
        if self.share.is_some() { SHARED_SESSION_SECONDS } else { SESSION_SECONDS }
    }
}

/// Why a broker's configuration cannot work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BrokerConfigError {
    /// The client id is empty or too long.
    #[error(
        "the client id for the broker is empty or too long: use 1 to {MAX_CLIENT_ID_BYTES} bytes"
    )]
    ClientId,
    /// The host is empty.
    #[error("the broker's host is empty: name the machine that runs the broker")]
    Host,
    /// The share's name cannot stand in a filter.
    #[error(
        "the name of the broker's share is not valid: use 1 to {MAX_SHARE_BYTES} of a-z, 0-9 and '-'"
    )]
    Share,
    /// MQTT 3.1.1 knows no shares.
    #[error("reports are shared among servers in MQTT 5 alone: use MQTT 5 or no share")]
    ShareNeedsV5,
}

/// The client of a broker.
#[derive(Debug)]
pub struct Broker {
    config: BrokerConfig,
}

/// What outlives a connection.
struct Shared {
    config: BrokerConfig,
    topics: Topics,
    statuses: Arc<Statuses>,
    queue: Queue,
    outgoing: Arc<Outgoing>,
}

impl Shared {
    /// Reports and foreign messages may be divided among servers; statuses go to every one.
    fn filters(&self) -> Vec<String> {
        let mut filters = self.divided();
        filters.push(self.topics.every_status());
        filters
    }

    /// What goes to one server of those that share, or to this one alone.
    fn divided(&self) -> Vec<String> {
        let foreign = self.topics.adapters().filters().map(|filter| filter.as_str().to_owned());
        let all = std::iter::once(self.topics.every_report()).chain(foreign);
        all.map(|filter| match &self.config.share {
            Some(name) => format!("$share/{name}/{filter}"),
            None => filter,
        })
        .collect()
    }

    /// The filters of this server's share, if there are others that would take it over.
    fn share(&self) -> Option<Vec<String>> {
        self.config.share.as_ref().map(|_| self.divided())
    }
}

impl Broker {
    /// A client for this broker; fails if the configuration cannot work.
    pub fn new(config: BrokerConfig) -> Result<Self, BrokerConfigError> {
        if config.client_id.is_empty() || config.client_id.len() > MAX_CLIENT_ID_BYTES {
            return Err(BrokerConfigError::ClientId);
        }
        if config.host.is_empty() {
            return Err(BrokerConfigError::Host);
        }
        if let Some(share) = &config.share {
            let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
            if share.is_empty() || share.len() > MAX_SHARE_BYTES || !share.bytes().all(allowed) {
                return Err(BrokerConfigError::Share);
            }
            if config.protocol != Level::V5 {
                return Err(BrokerConfigError::ShareNeedsV5);
            }
        }
        Ok(Self { config })
    }

    /// Connects, and connects again whenever the broker was away, until the shutdown; then waits a few seconds for the
    /// commits that are under way, acknowledges them and says goodbye.
    pub async fn run(
        self,
        topics: Topics,
        statuses: Arc<Statuses>,
        queue: Queue,
        shutdown: impl Future<Output = ()>,
    ) {
        let outgoing = Arc::new(Outgoing::new(Arc::clone(queue.counters())));
        queue.add_sink(Arc::clone(&outgoing) as _);
        let shared = Shared { config: self.config, topics, statuses, queue, outgoing };
        let mut shutdown = pin!(shutdown);
        let mut wait_millis = RECONNECT_FIRST_MILLIS;
        let mut failures = 0_u64;
        loop {
            let end = match Connection::open(&shared, shutdown.as_mut()).await {
                Ok(mut connection) => {
                    let end = connection.run(shutdown.as_mut()).await;
                    if connection.was_subscribed() {
                        (wait_millis, failures) = (RECONNECT_FIRST_MILLIS, 0);
                    }
                    end
                }
                Err(end) => end,
            };
            let End::Lost(error) = end else { return };
            log(&shared.config, failures, &error);
            failures += 1;
            if stopped_while_waiting(wait_millis, shutdown.as_mut()).await {
                return;
            }
            wait_millis = (wait_millis * 2).min(RECONNECT_MAX_MILLIS);
        }
    }
}

fn log(config: &BrokerConfig, failures: u64, error: &link::Lost) {
    let BrokerConfig { host, port, .. } = config;
    if failures == 0 {
        tracing::warn!(host, port, %error, "lost the broker; trying again until it is back");
    } else {
        tracing::debug!(host, port, failures, %error, "the broker is still away");
    }
}

async fn stopped_while_waiting(millis: u64, shutdown: Pin<&mut impl Future<Output = ()>>) -> bool {
    tokio::select! {
        () = shutdown => true,
        () = tokio::time::sleep(Duration::from_millis(millis)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> BrokerConfig {
        BrokerConfig {
            client_id: "mingqu-d".into(),
            host: "localhost".into(),
            port: 1883,
            login: Some(Login { user: "mingqu".into(), password: "hunter2".into() }),
            protocol: Level::V5,
            share: None,
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let shown = format!("{:?}", Broker::new(config()).unwrap());
        assert!(shown.contains("mingqu-d") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn rejects_a_client_id_that_cannot_keep_a_session() {
        for client_id in [String::new(), "x".repeat(MAX_CLIENT_ID_BYTES + 1)] {
            let refused = Broker::new(BrokerConfig { client_id, ..config() });
            assert_eq!(refused.err(), Some(BrokerConfigError::ClientId));
        }
    }

    #[test]
    fn rejects_an_empty_host() {
        let refused = Broker::new(BrokerConfig { host: String::new(), ..config() });
        assert_eq!(refused.err(), Some(BrokerConfigError::Host));
    }

    #[test]
    fn rejects_a_share_that_cannot_stand_in_a_filter() {
        for share in ["", "a/b", "a+", "#", "Pool", &"x".repeat(MAX_SHARE_BYTES + 1)] {
            let refused = Broker::new(BrokerConfig { share: Some(share.into()), ..config() });
            assert_eq!(refused.err(), Some(BrokerConfigError::Share), "{share:?}");
        }
    }

    #[test]
    fn rejects_a_share_in_a_version_that_knows_none() {
        let config = BrokerConfig { share: Some("pool".into()), protocol: Level::V4, ..config() };
        assert_eq!(Broker::new(config).err(), Some(BrokerConfigError::ShareNeedsV5));
    }
}
