//! One connection to the broker, from CONNECT to its end.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use rumqttc::{
    ConnectionError, Event, EventLoop, MqttOptions, Packet, PubAck, Publish, QoS, Request,
    Subscribe, SubscribeFilter, SubscribeReasonCode,
};
use service::Arrival;
use thiserror::Error;

use super::outgoing::Epoch;
use super::{KEEP_ALIVE_SECONDS, MAX_INFLIGHT_RECEIPTS, Shared};
use crate::{Ack, Closed, Incoming, MAX_PACKET_BYTES, Message, Refusal};

const WRITE_TIMEOUT_SECONDS: u64 = 10;
const SHUTDOWN_GRACE_SECONDS: u64 = 5;
/// rumqttc wants a request channel; nothing is ever put into it.
const REQUEST_CHANNEL_MESSAGES: usize = 1;

/// How a connection ends.
pub(super) enum End {
    Shutdown,
    Lost(Lost),
}

/// Why a connection is gone.
#[derive(Debug, Error)]
pub(super) enum Lost {
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error("the broker took nothing for {WRITE_TIMEOUT_SECONDS} seconds")]
    Stalled,
    #[error("the broker refuses the subscription: allow this client to read …/report and …/status")]
    Refused,
}

impl From<rumqttc::StateError> for Lost {
    fn from(error: rumqttc::StateError) -> Self {
        Self::Connection(error.into())
    }
}

/// One connection to the broker.
pub(super) struct Connection<'a> {
    shared: &'a Shared,
    events: EventLoop,
    epoch: Arc<Epoch>,
    accepted: bool,
    subscribed: bool,
}

impl<'a> Connection<'a> {
    pub(super) fn new(shared: &'a Shared, options: MqttOptions) -> Self {
        let mut events = EventLoop::new(options, REQUEST_CHANNEL_MESSAGES);
        events.network_options.set_tcp_nodelay(true);
        let epoch = Arc::new(Epoch::new(Arc::clone(shared.queue.counters())));
        Self { shared, events, epoch, accepted: false, subscribed: false }
    }

    /// Whether it ever got as far as it should.
    pub(super) fn was_subscribed(&self) -> bool {
        self.subscribed
    }

    /// Runs until the connection is lost or the server stops.
    pub(super) async fn run(&mut self, mut shutdown: Pin<&mut impl Future<Output = ()>>) -> End {
        let end = loop {
            let step = tokio::select! {
                biased;
                () = shutdown.as_mut() => break End::Shutdown,
                () = self.shared.outgoing.changed(), if self.accepted => self.write_out().await,
                event = self.events.poll() => match event {
                    Ok(Event::Incoming(packet)) => match self.handle(packet, shutdown.as_mut()).await {
                        Ok(true) => Ok(()),
                        Ok(false) => break End::Shutdown,
                        Err(lost) => Err(lost),
                    },
                    Ok(Event::Outgoing(_)) => Ok(()),
                    Err(error) => Err(error.into()),
                }
            };
            if let Err(lost) = step {
                break End::Lost(lost);
            }
        };
        if matches!(end, End::Shutdown) && self.accepted {
            let grace = Duration::from_secs(SHUTDOWN_GRACE_SECONDS);
            // Whatever is not acknowledged by then is delivered again at the next start.
            let _ = tokio::time::timeout(grace, self.farewell()).await;
        }
        self.epoch.end();
        end
    }

    /// Does what a packet asks for; false if the server stops.
    async fn handle(
        &mut self,
        packet: Packet,
        shutdown: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<bool, Lost> {
        match packet {
            Packet::ConnAck(_) => {
                self.accepted = true;
                self.shared.queue.counters().add_broker_connection();
                // At every connection: neither rumqttc nor a broker that lost its memory would do it.
                self.subscribe().await?;
                self.shared.outgoing.wake();
                Ok(true)
            }
            Packet::SubAck(answer)
                if answer.return_codes.contains(&SubscribeReasonCode::Failure) =>
            {
                Err(Lost::Refused)
            }
            Packet::SubAck(_) => {
                self.subscribed = true;
                tracing::info!("subscribed at the broker");
                Ok(true)
            }
            Packet::PubAck(_) => {
                // Not at every single one, so that receipts go out in groups.
                if self.events.state.inflight() <= MAX_INFLIGHT_RECEIPTS / 2 {
                    self.shared.outgoing.wake();
                }
                Ok(true)
            }
            Packet::Publish(publish) => self.publish(publish, shutdown).await,
            _ => Ok(true),
        }
    }

    async fn subscribe(&mut self) -> Result<(), Lost> {
        let topics = &self.shared.topics;
        let filters = [topics.every_report(), topics.every_status()]
            .map(|filter| SubscribeFilter::new(filter, QoS::AtLeastOnce));
        let subscribe = Request::Subscribe(Subscribe::new_many(filters));
        if let Some(packet) = self.events.state.handle_outgoing_packet(subscribe)? {
            self.write([packet]).await?;
        }
        Ok(())
    }

    /// Takes a message; false if the server stops.
    async fn publish(
        &mut self,
        publish: Publish,
        shutdown: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<bool, Lost> {
        let Publish { topic, pkid, payload, .. } = publish;
        match self.shared.topics.incoming(&topic) {
            Ok(Incoming::Report { meter }) => {
                let meter = meter.to_owned();
                // Far too long for a report; its beginning is enough for the quarantine.
                let payload = payload[..payload.len().min(MAX_PACKET_BYTES)].to_vec();
                let ticket = self.epoch.open(pkid);
                let ack = Ack::new(Arc::clone(&self.epoch) as _, ticket);
                let arrival = Arrival { topic, meter, payload };
                self.put(Message { arrival, ack }, shutdown).await
            }
            Ok(Incoming::Status { meter }) => {
                if !self.shared.statuses.take(meter, &payload) {
                    self.shared.queue.counters().refuse(Refusal::Status);
                }
                self.done_with(pkid);
                Ok(true)
            }
            Err(error) => {
                // Unacknowledged, the broker would deliver it for ever.
                self.shared.queue.counters().refuse(Refusal::Topic);
                tracing::info!(topic, %error, "refused a message from the broker");
                self.done_with(pkid);
                Ok(true)
            }
        }
    }

    /// Acknowledges, in its turn, a message that there was nothing to store of.
    fn done_with(&self, packet: u16) {
        let ticket = self.epoch.open(packet);
        crate::Acknowledge::acknowledge(&*self.epoch, ticket);
        self.shared.outgoing.wake();
    }

    /// Queues a message; false if the server stops. While the queue is full nothing more is read, but acknowledgements
    /// still go out and the broker still hears from us: a store that is away for hours costs no connection.
    async fn put(
        &mut self,
        message: Message,
        mut shutdown: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<bool, Lost> {
        let shared = self.shared;
        let mut putting = pin!(shared.queue.put(message));
        let pause = Duration::from_secs(KEEP_ALIVE_SECONDS / 2);
        loop {
            tokio::select! {
                biased;
                put = &mut putting => {
                    if put == Err(Closed) {
                        self.epoch.withdraw();
                    }
                    return Ok(put.is_ok());
                }
                () = shutdown.as_mut() => {
                    self.epoch.withdraw();
                    return Ok(false);
                }
                () = shared.outgoing.changed() => self.write_out().await?,
                () = tokio::time::sleep(pause) => self.write([Packet::PingReq]).await?,
            }
        }
    }

    /// Writes the acknowledgements that are due, and receipts as far as the broker takes them.
    async fn write_out(&mut self) -> Result<(), Lost> {
        let mut packets: Vec<_> = self
            .epoch
            .take()
            .into_iter()
            .map(|packet| Packet::PubAck(PubAck::new(packet)))
            .collect();
        let state = &mut self.events.state;
        while state.inflight() < MAX_INFLIGHT_RECEIPTS
            && state.collision.is_none()
            && let Some((meter, stored)) = self.shared.outgoing.next_receipt()
        {
            let topic = self.shared.topics.stored(&meter);
            let receipt = Publish::new(topic, QoS::AtLeastOnce, stored.to_string());
            packets.extend(state.handle_outgoing_packet(Request::Publish(receipt))?);
            self.shared.queue.counters().add_receipts(1);
        }
        self.write(packets).await
    }

    async fn write(&mut self, packets: impl IntoIterator<Item = Packet>) -> Result<(), Lost> {
        let Some(network) = &mut self.events.network else { return Ok(()) };
        let all = async {
            for packet in packets {
                network.write(packet).await?;
            }
            network.flush().await
        };
        let limit = Duration::from_secs(WRITE_TIMEOUT_SECONDS);
        Ok(tokio::time::timeout(limit, all).await.map_err(|_| Lost::Stalled)??)
    }

    /// Acknowledges what is still being stored, then says goodbye.
    async fn farewell(&mut self) -> Result<(), Lost> {
        while !self.epoch.is_idle() {
            self.shared.outgoing.changed().await;
            self.write_out().await?;
        }
        self.write_out().await?;
        self.write([Packet::Disconnect]).await
    }
}
