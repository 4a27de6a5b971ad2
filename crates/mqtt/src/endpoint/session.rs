//! What each packet of a connected client does.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use service::Arrival;
use thiserror::Error;

use super::Shared;
use super::directory::Client;
use super::outbox::Stop;
use super::wire::{self, Level, Packet, Qos, Unreadable, WireError};
use crate::{Closed, Filter, Incoming, Message, Refusal, foreign, refused, status};

/// The most subscriptions of one connection: enough for a gateway that speaks for many meters.
const MAX_SUBSCRIPTIONS: usize = 1_024;
/// The most refused messages of one connection that the quarantine shows; further ones are counted.
const MAX_REFUSED_LINES: u32 = 100;

/// How a connection comes to its end.
#[derive(Debug, Error)]
pub(super) enum End {
    #[error("the client said goodbye")]
    Goodbye { publish_will: bool },
    #[error("the network connection is gone")]
    Lost,
    #[error(transparent)]
    Wire(Unreadable),
    #[error("the client sent nothing for one and a half keep-alive times")]
    Silent,
    #[error("the client read nothing for too long")]
    Stalled,
    #[error("the client id came in again on a newer connection")]
    TakenOver,
    #[error("the server stops")]
    Shutdown,
}

impl End {
    /// The reason as it is counted; `None` for an ordinary end.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Goodbye { .. } | Self::Lost | Self::Shutdown => None,
            Self::Wire(unreadable) => Some(refusal_of(&unreadable.error)),
            Self::Silent => Some(Refusal::Silent),
            Self::Stalled => Some(Refusal::Stalled),
            Self::TakenOver => Some(Refusal::TakenOver),
        }
    }

    /// The reason as MQTT 5 tells it to the client (§3.14.2.1); `None` where there is nobody to tell.
    pub(super) fn disconnect_code(&self) -> Option<u8> {
        match self {
            Self::Goodbye { .. } | Self::Lost | Self::Stalled => None,
            Self::Wire(unreadable) => Some(match unreadable.error {
                WireError::Malformed(_) => 0x81,
                WireError::Protocol(_) | WireError::Level(_) => 0x82,
                WireError::Oversize { .. } => 0x95,
                WireError::Qos2 => 0x9b,
                WireError::TopicAlias => 0x94,
            }),
            Self::Silent => Some(0x8d),
            Self::TakenOver => Some(0x8e),
            Self::Shutdown => Some(0x8b),
        }
    }
}

pub(super) fn refusal_of(error: &WireError) -> Refusal {
    match error {
        WireError::Malformed(_) => Refusal::Malformed,
        WireError::Protocol(_) | WireError::TopicAlias => Refusal::Protocol,
        WireError::Level(_) => Refusal::Level,
        WireError::Oversize { .. } => Refusal::Oversize,
        WireError::Qos2 => Refusal::Qos2,
    }
}

/// One connected client's dealings with the rest.
pub(super) struct Session {
    pub(super) client: Arc<Client>,
    level: Level,
    shared: Arc<Shared>,
    filters: HashSet<Filter>,
    /// Refused messages that are still shown to the operator.
    lines_left: u32,
}

impl Session {
    pub(super) fn new(client: Arc<Client>, level: Level, shared: Arc<Shared>) -> Self {
        shared.queue.counters().open_connection();
        Self { client, level, shared, filters: HashSet::new(), lines_left: MAX_REFUSED_LINES }
    }

    pub(super) fn level(&self) -> Level {
        self.level
    }

    /// Does what a packet asks for; waits only while the queue in front of the store is full.
    pub(super) async fn handle(&mut self, packet: Packet) -> Result<(), End> {
        match packet {
            Packet::Publish { topic, payload, packet } => {
                self.publish(topic, payload, packet).await;
                Ok(())
            }
            Packet::PubAck(packet) => {
                self.client.outbox.acknowledged(packet);
                Ok(())
            }
            Packet::Subscribe { packet: 0, .. } | Packet::Unsubscribe { packet: 0, .. } => {
                Err(End::Wire(WireError::Protocol("a packet id of 0").into()))
            }
            Packet::Subscribe { packet, filters } => {
                let granted: Vec<_> =
                    filters.iter().map(|(filter, qos)| self.subscribe(filter, *qos)).collect();
                self.client
                    .outbox
                    .answer(|level, out| wire::write_suback(level, packet, &granted, out));
                Ok(())
            }
            Packet::Unsubscribe { packet, filters } => {
                let existed: Vec<_> =
                    filters.iter().map(|filter| self.unsubscribe(filter)).collect();
                self.client
                    .outbox
                    .answer(|level, out| wire::write_unsuback(level, packet, &existed, out));
                Ok(())
            }
            Packet::Ping => {
                self.client.outbox.answer(|_, out| wire::write_pong(out));
                Ok(())
            }
            Packet::Disconnect { publish_will } => Err(End::Goodbye { publish_will }),
        }
    }

    async fn publish(&mut self, topic: String, payload: Bytes, packet: u16) {
        match self.shared.topics.incoming(&topic) {
            Ok(Incoming::Report { meter }) => {
                let meter = meter.to_owned();
                let ticket = self.client.outbox.open(packet, payload.len());
                let payload = payload.to_vec();
                let arrival = Arrival { topic, meter, payload, refused: None, foreign: None };
                self.put(Message { arrival, ack: Some(self.client.ack(ticket)) }).await;
            }
            Ok(Incoming::Status { meter }) => {
                match status::take(&self.shared.statuses, meter.clone(), &payload) {
                    Ok(()) => {
                        let ticket = self.client.outbox.open(packet, 0);
                        self.client.outbox.settle(ticket, 0);
                    }
                    Err(error) => {
                        let line = refused::status(meter.as_str(), &topic, &payload, error);
                        let code = wire::PAYLOAD_FORMAT_INVALID;
                        self.refuse(packet, Refusal::Status, code, line).await;
                    }
                }
            }
            Ok(Incoming::Foreign) => self.foreign(&topic, &payload, packet).await,
            Err(error) => {
                let line = refused::misplaced(&self.client.id, &topic, &payload, error);
                self.refuse(packet, Refusal::Topic, wire::TOPIC_NAME_INVALID, line).await;
            }
        }
    }

    /// Takes a message that an adapter reads; one that carries no reading is acknowledged at once.
    async fn foreign(&self, topic: &str, payload: &[u8], packet: u16) {
        let (shared, outbox) = (&self.shared, &self.client.outbox);
        let arrived_ms = shared.statuses.now().millis();
        let counters = shared.queue.counters();
        match foreign::read(&shared.topics, counters, topic, payload, arrived_ms) {
            Some(message) => {
                let ticket = outbox.open(packet, payload.len());
                self.put(Message { ack: Some(self.client.ack(ticket)), ..message }).await;
            }
            None => outbox.settle(outbox.open(packet, 0), 0),
        }
    }

    /// Queues a message. A connection that is told to end while the queue is full gives the message up, or clients that
    /// come back again and again while the store is away would leave ever more connections behind.
    async fn put(&self, message: Message) {
        let outbox = &self.client.outbox;
        let mut putting = pin!(self.shared.queue.put(message));
        loop {
            tokio::select! {
                biased;
                put = &mut putting => {
                    if put == Err(Closed) {
                        // What was queued earlier may still be stored and acknowledged.
                        outbox.withdraw();
                        outbox.stop(Stop::Shutdown);
                    }
                    return;
                }
                () = outbox.changed() => {
                    if outbox.outlook().stop.is_some() {
                        outbox.withdraw();
                        return;
                    }
                }
            }
        }
    }

    /// Refuses a message and shows it to the operator, as long as it is not the hundredth and first of this connection.
    ///
    /// MQTT 5 says no at once. A PUBACK of 3.1.1 cannot: it comes when the message is in the quarantine, as for a report
    /// that is no good. Closing the connection instead (§3.3.5 allows both) would make the client send it for ever.
    async fn refuse(&mut self, packet: u16, refusal: Refusal, code: u8, line: Message) {
        self.shared.refuse(refusal);
        let ticket = self.client.outbox.open(packet, line.arrival.payload.len());
        let shown = self.lines_left.checked_sub(1);
        self.lines_left = shown.unwrap_or(0);
        match self.level {
            Level::V4 if shown.is_some() => {
                self.put(Message { ack: Some(self.client.ack(ticket)), ..line }).await;
            }
            Level::V4 => self.client.outbox.settle(ticket, 0),
            Level::V5 => {
                if shown.is_some() {
                    self.shared.queue.keep_apart(line);
                }
                self.client.outbox.settle(ticket, code);
            }
        }
    }

    fn subscribe(&mut self, filter: &str, qos: Qos) -> Option<Qos> {
        let filter = self.shared.topics.filter(filter).ok();
        let Some(filter) =
            filter.filter(|f| self.filters.len() < MAX_SUBSCRIPTIONS || self.filters.contains(f))
        else {
            self.shared.refuse(Refusal::Filter);
            return None;
        };
        self.shared.directory.subscribe(&self.client, &filter, qos);
        self.filters.insert(filter);
        Some(qos)
    }

    fn unsubscribe(&mut self, filter: &str) -> bool {
        let Ok(filter) = self.shared.topics.filter(filter) else { return false };
        self.shared.directory.unsubscribe(&self.client, &filter);
        self.filters.remove(&filter)
    }
}

/// However a session ends, nothing of it stays behind with others.
impl Drop for Session {
    fn drop(&mut self) {
        self.shared.directory.leave(&self.client, self.filters.drain());
        self.shared.queue.counters().close_connection();
    }
}
