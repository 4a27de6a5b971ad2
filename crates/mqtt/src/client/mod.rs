//! The client of a broker: takes reports and statuses, acknowledges to the broker after the commit, publishes receipts.
//!
//! The broker acknowledges a meter before anything is stored here; what tells the meter that its report is safe is the
//! receipt. The connection is plain TCP: run the broker on the same machine, or put the encryption in front of both.
//!
//! rumqttc's event loop is driven by one task that also writes the acknowledgements itself, in bulk, between two polls.
//! Nothing goes through the request channel, so that neither side can wait for the other. An event loop lives for one
//! connection: after an error it would hand out events, packet ids and collisions of the old one.

mod connection;
mod outgoing;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use rumqttc::MqttOptions;
use thiserror::Error;

use crate::{Queue, Statuses, Topics};
use connection::{Connection, End};
use outgoing::Outgoing;

const MAX_CLIENT_ID_BYTES: usize = 128;
const KEEP_ALIVE_SECONDS: u64 = 30;
/// Receipts that may wait for the broker's acknowledgement.
const MAX_INFLIGHT_RECEIPTS: u16 = 200;
/// The largest packet that MQTT knows. A smaller limit would make one long message end every connection, because the
/// broker delivers it again on each; the broker's own limit is the place to be strict.
const MAX_BROKER_PACKET_BYTES: usize = 268_435_455;
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
}

/// The client of a broker.
#[derive(Debug)]
pub struct Broker {
    config: BrokerConfig,
}

/// What outlives a connection.
struct Shared {
    topics: Topics,
    statuses: Arc<Statuses>,
    queue: Queue,
    outgoing: Arc<Outgoing>,
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
        let shared = Shared { topics, statuses, queue, outgoing };
        let mut shutdown = pin!(shutdown);
        let mut wait_millis = RECONNECT_FIRST_MILLIS;
        let mut failures = 0_u64;
        loop {
            let mut connection = Connection::new(&shared, self.options());
            let end = connection.run(shutdown.as_mut()).await;
            let End::Lost(error) = end else { return };
            if connection.was_subscribed() {
                (wait_millis, failures) = (RECONNECT_FIRST_MILLIS, 0);
            }
            self.log(failures, &error);
            failures += 1;
            if stopped_while_waiting(wait_millis, shutdown.as_mut()).await {
                return;
            }
            wait_millis = (wait_millis * 2).min(RECONNECT_MAX_MILLIS);
        }
    }

    fn options(&self) -> MqttOptions {
        let BrokerConfig { client_id, host, port, login } = &self.config;
        let mut options = MqttOptions::new(client_id, host, *port);
        options
            .set_clean_session(false)
            .set_manual_acks(true)
            .set_keep_alive(Duration::from_secs(KEEP_ALIVE_SECONDS))
            .set_inflight(MAX_INFLIGHT_RECEIPTS)
            .set_max_packet_size(MAX_BROKER_PACKET_BYTES, crate::MAX_PACKET_BYTES);
        if let Some(Login { user, password }) = login {
            options.set_credentials(user, password);
        }
        options
    }

    fn log(&self, failures: u64, error: &connection::Lost) {
        let BrokerConfig { host, port, .. } = &self.config;
        if failures == 0 {
            tracing::warn!(host, port, %error, "lost the broker; trying again until it is back");
        } else {
            tracing::debug!(host, port, failures, %error, "the broker is still away");
        }
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
}
