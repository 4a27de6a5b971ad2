//! One connection to the broker, from its `ConnAck` to its end: which packet carries which report.
//!
//! Each connection has its own rumqttc client and event loop, so nothing that was queued for a lost connection can
//! reach the next one, and the n-th publish that the event loop reports is the n-th that was queued here.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use rumqttc::{AsyncClient, QoS};

use crate::options::{OFFLINE, ONLINE, PublisherOptions};
use crate::outbox::{Due, Key};

/// Room in the client's channel beside the reports in flight: the subscription, the status and the farewell.
pub(crate) const SPARE_REQUESTS: usize = 8;

#[derive(Debug)]
pub(crate) struct Link {
    client: AsyncClient,
    status_topic: Option<String>,
    /// Queued with the client, not yet written to the connection; a status is no report.
    queued: VecDeque<Option<(Key, Bytes)>>,
    /// Written, not yet acknowledged.
    written: HashMap<u16, (Key, Bytes)>,
}

impl Link {
    /// Renews the subscription first of all, so that no receipt of this connection is missed.
    pub(crate) fn new(client: AsyncClient, options: &PublisherOptions) -> Self {
        if let Err(error) = client.try_subscribe(options.receipts_topic(), QoS::AtLeastOnce) {
            tracing::warn!(%error, "cannot subscribe to receipts: reports will be sent again");
        }
        let status_topic = options.status_topic();
        let mut link =
            Self { client, status_topic, queued: VecDeque::new(), written: HashMap::new() };
        link.tell(ONLINE);
        link
    }

    /// Says whether the meter is there, if it is a meter's own connection.
    fn tell(&mut self, status: &str) {
        let Some(topic) = &self.status_topic else { return };
        match self.client.try_publish(topic, QoS::AtLeastOnce, true, status) {
            Ok(()) => self.queued.push_back(None),
            Err(error) => tracing::warn!(%error, topic, "cannot queue a status"),
        }
    }

    /// Reports without the broker's acknowledgement.
    pub(crate) fn in_flight(&self) -> usize {
        self.queued.len().saturating_add(self.written.len())
    }

    /// Hands a report to the client, as often as it says. A full channel cannot occur within the in-flight limit; if
    /// it did, the report would be due again after the resend interval.
    pub(crate) fn send(&mut self, topic: &str, due: &Due) {
        for _ in 0..due.copies {
            match self.client.try_publish(topic, QoS::AtLeastOnce, false, due.bytes.as_ref()) {
                Ok(()) => self.queued.push_back(Some((due.key.clone(), due.bytes.clone()))),
                Err(error) => tracing::warn!(%error, topic, "cannot queue a report"),
            }
        }
    }

    /// The event loop has written the next publish under this packet id.
    pub(crate) fn wrote(&mut self, packet: u16) {
        if let Some(Some(report)) = self.queued.pop_front() {
            self.written.insert(packet, report);
        }
    }

    /// The broker has acknowledged a packet: the report that it carried. Its receipt may have come first.
    pub(crate) fn acknowledged(&mut self, packet: u16) -> Option<(Key, Bytes)> {
        self.written.remove(&packet)
    }

    /// Says farewell; the event loop reports when it is written.
    pub(crate) fn disconnect(&mut self) -> bool {
        self.tell(OFFLINE);
        self.client.try_disconnect().is_ok()
    }
}
