//! Where a publisher sends to and how it behaves.

use std::time::Duration;

use rumqttc::{LastWill, MqttOptions, QoS};
use telemetry::MeterId;
use thiserror::Error;

use crate::faults::{Faults, FaultsError};
use crate::ledger::LedgerError;
use crate::link::SPARE_REQUESTS;

/// The most reports that wait for a receipt, unless the options say otherwise; [`crate::Publisher::publish`] waits
/// while there are as many.
pub const MAX_OUTSTANDING_REPORTS: usize = 100_000;
/// The most reports that wait for the broker's acknowledgement, unless the options say otherwise.
pub const IN_FLIGHT_REPORTS: u16 = 1000;
/// How long a report waits for a receipt before it is sent again, unless the options say otherwise.
/// The wait doubles four times while none comes, and starts anew with a new connection.
pub const RESEND_INTERVAL: Duration = Duration::from_secs(5);
/// The first pause before connecting again; it doubles up to [`RECONNECT_MAX`].
pub const RECONNECT_MIN: Duration = Duration::from_millis(100);
/// The longest pause before connecting again.
pub const RECONNECT_MAX: Duration = Duration::from_secs(5);
/// How often an idle connection is probed.
pub const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// The same for a meter's own connection, of which there are many.
pub const METER_KEEP_ALIVE: Duration = Duration::from_mins(1);
/// The most reports of a meter's own connection that wait for the broker's acknowledgement.
pub const METER_IN_FLIGHT_REPORTS: u16 = 16;
/// The most reports of a meter's own connection that wait for a receipt.
pub const METER_OUTSTANDING_REPORTS: usize = 1_000;

/// The longest MQTT packet in either direction.
const MAX_PACKET_BYTES: usize = 16 * 1024;
/// The longest district name, in bytes.
const MAX_DISTRICT_BYTES: usize = 64;

/// What a meter's own connection says of itself, retained.
pub(crate) const ONLINE: &str = "online";
/// What it says at its end, or its last will for it.
pub(crate) const OFFLINE: &str = "offline";

/// Where the broker is and who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// MQTT client id, one of its own for each connected program.
    pub client_id: String,
    /// User name and password, if the broker asks.
    pub credentials: Option<(String, String)>,
}

/// How a publisher behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublisherOptions {
    /// The broker.
    pub broker: Broker,
    /// The district in the topics.
    pub district: String,
    /// See [`RESEND_INTERVAL`].
    pub resend_interval: Duration,
    /// See [`IN_FLIGHT_REPORTS`].
    pub in_flight_reports: u16,
    /// See [`MAX_OUTSTANDING_REPORTS`].
    pub max_outstanding_reports: usize,
    /// The meter whose own connection it is: the connection hears of this meter's receipts alone, and says whether the
    /// meter is online, in a last will if need be. Without one, the connection is many meters'.
    pub own_meter: Option<MeterId>,
    /// What goes wrong on the way.
    pub faults: Faults,
    /// Decides whom faults befall.
    pub seed: u64,
}

impl PublisherOptions {
    /// The usual behaviour, without faults.
    pub fn new(broker: Broker, district: &str) -> Self {
        Self {
            broker,
            district: district.into(),
            resend_interval: RESEND_INTERVAL,
            in_flight_reports: IN_FLIGHT_REPORTS,
            max_outstanding_reports: MAX_OUTSTANDING_REPORTS,
            own_meter: None,
            faults: Faults::NONE,
            seed: 0,
        }
    }

    /// The same for a meter's own connection, with the meter's id as client id.
    #[must_use]
    pub fn of_meter(&self, meter: &MeterId) -> Self {
        Self {
            broker: Broker { client_id: meter.to_string(), ..self.broker.clone() },
            in_flight_reports: self.in_flight_reports.min(METER_IN_FLIGHT_REPORTS),
            max_outstanding_reports: self.max_outstanding_reports.min(METER_OUTSTANDING_REPORTS),
            own_meter: Some(meter.clone()),
            ..self.clone()
        }
    }

    /// Refuses what cannot work.
    pub(crate) fn check(&self) -> Result<(), PublisherError> {
        self.faults.check()?;
        let level = !self.district.is_empty()
            && !self.district.contains(['/', '+', '#', '\0'])
            && self.district.len() <= MAX_DISTRICT_BYTES;
        if !level {
            return Err(PublisherError::District(self.district.clone()));
        }
        if self.in_flight_reports == 0 || self.max_outstanding_reports == 0 {
            return Err(PublisherError::InFlight);
        }
        Ok(())
    }

    /// The connection as rumqttc wants it described.
    pub(crate) fn mqtt(&self) -> MqttOptions {
        let broker = &self.broker;
        let mut options = MqttOptions::new(&broker.client_id, &broker.host, broker.port);
        options
            .set_keep_alive(KEEP_ALIVE)
            // The outbox sends again what no receipt covers; a session on the broker would send it a third time.
            .set_clean_session(true)
            .set_inflight(self.in_flight_reports)
            .set_max_packet_size(MAX_PACKET_BYTES, MAX_PACKET_BYTES);
        if let Some((user, password)) = &broker.credentials {
            options.set_credentials(user, password);
        }
        if let Some(topic) = self.status_topic() {
            options.set_keep_alive(METER_KEEP_ALIVE);
            options.set_last_will(LastWill::new(topic, OFFLINE, QoS::AtLeastOnce, true));
        }
        options
    }

    /// Where this connection's receipts come.
    pub(crate) fn receipts_topic(&self) -> String {
        let meter = self.own_meter.as_ref().map_or("+", MeterId::as_str);
        format!("mingqu/v1/{}/{meter}/stored", self.district)
    }

    /// Where a meter's own connection says whether the meter is there.
    pub(crate) fn status_topic(&self) -> Option<String> {
        self.own_meter.as_ref().map(|meter| format!("mingqu/v1/{}/{meter}/status", self.district))
    }

    /// Room for all that may be queued with the client at once.
    pub(crate) fn requests(&self) -> usize {
        // A doubled report takes two places.
        usize::from(self.in_flight_reports).saturating_add(1).saturating_add(SPARE_REQUESTS)
    }
}

/// Why a publisher cannot start or go on.
#[derive(Debug, Error)]
pub enum PublisherError {
    /// The district cannot be a level of a topic.
    #[error(
        "the district '{0}' cannot stand in a topic: use 1 to {MAX_DISTRICT_BYTES} bytes without '/', '+' and '#'"
    )]
    District(String),
    /// Nothing may be in flight.
    #[error("0 reports may be in flight or wait for a receipt: allow at least 1")]
    InFlight,
    /// The faults are not chances.
    #[error(transparent)]
    Faults(#[from] FaultsError),
    /// The ledger failed; nothing was booked since.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_a_district_that_is_no_topic_level() {
        for district in ["", "a/b", "+", "#", "a\0"] {
            let broker = Broker {
                host: "127.0.0.1".into(),
                port: 1,
                client_id: "test".into(),
                credentials: None,
            };
            let checked = PublisherOptions::new(broker, district).check();
            assert!(matches!(checked, Err(PublisherError::District(_))), "{district}");
        }
    }
}
