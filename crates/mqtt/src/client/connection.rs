//! One connection to the broker, from CONNECT to its end.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::BufMut;
use service::{Arrival, QuarantineReason, Refused};
use tokio::time::Instant;

use super::link::{Link, Lost};
use super::outgoing::Epoch;
use super::wire::{self, FIRST_FAILURE, Packet, Publish};
use super::{MAX_INFLIGHT_RECEIPTS, Shared};
use crate::window::Window;
use crate::wire::{write_puback, write_publish};
use crate::{Ack, Acknowledge, Closed, Incoming, Message, Refusal, foreign, refused, status};

const SHUTDOWN_GRACE_SECONDS: u64 = 5;

/// How a connection ends.
pub(super) enum End {
    Shutdown,
    Lost(Lost),
}

impl From<Lost> for End {
    fn from(lost: Lost) -> Self {
        Self::Lost(lost)
    }
}

/// One connection that the broker has accepted.
pub(super) struct Connection<'a> {
    shared: &'a Shared,
    link: Link,
    epoch: Arc<Epoch>,
    /// Our receipts that the broker has not acknowledged.
    window: Window,
    subscribed: bool,
    /// How often the broker hears from us, and when next.
    ping_pause: Duration,
    ping_at: Instant,
    /// Whether the broker said anything since the last ping.
    heard: bool,
    /// Whether it was said already that the broker takes no receipts.
    complained: bool,
}

impl<'a> Connection<'a> {
    /// Connects and subscribes: at every connection, for a broker that lost its memory would not do it by itself.
    pub(super) async fn open(
        shared: &'a Shared,
        shutdown: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<Self, End> {
        let (link, granted) = tokio::select! {
            biased;
            () = shutdown => return Err(End::Shutdown),
            opened = Link::open(&shared.config) => opened?,
        };
        let counters = shared.queue.counters();
        counters.add_broker_connection();
        let ping_pause = Duration::from_millis(u64::from(granted.keep_alive_seconds.max(2)) * 500);
        let mut connection = Self {
            shared,
            link,
            epoch: Arc::new(Epoch::new(Arc::clone(counters))),
            window: Window::new(MAX_INFLIGHT_RECEIPTS.min(usize::from(granted.receive_max))),
            subscribed: false,
            ping_pause,
            ping_at: Instant::now() + ping_pause,
            heard: true,
            complained: false,
        };
        let packet = connection.window.open_beyond();
        let level = connection.link.level();
        wire::write_subscribe(level, packet, shared.filters(), &mut connection.link.out);
        connection.link.flush().await?;
        Ok(connection)
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
                () = self.shared.outgoing.changed() => self.write_out().await,
                packet = self.link.next() => match packet {
                    Ok(packet) => {
                        self.heard = true;
                        match self.handle(packet, shutdown.as_mut()).await {
                            Ok(true) => Ok(()),
                            Ok(false) => break End::Shutdown,
                            Err(lost) => Err(lost),
                        }
                    }
                    Err(lost) => Err(lost),
                },
                // Last, so that a busy connection sets no timer for each message: it is alive, and its
                // acknowledgements tell the broker so.
                () = tokio::time::sleep_until(self.ping_at) => self.ping().await,
            };
            if let Err(lost) = step {
                break End::Lost(lost);
            }
        };
        if matches!(end, End::Shutdown) {
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
            Packet::Publish(publish) => return self.publish(publish, shutdown).await,
            Packet::PubAck { packet, reason } => self.acknowledged(packet, reason),
            Packet::Subscribed { refused: Some(code), .. } => {
                return Err(Lost::Unsubscribed { code });
            }
            Packet::Subscribed { packet, refused: None } => {
                self.window.close(packet);
                self.subscribed = true;
                tracing::info!("subscribed at the broker");
                self.shared.outgoing.wake();
            }
            Packet::Goodbye { reason } => return Err(Lost::Goodbye { reason }),
            Packet::Pong | Packet::Connected(_) => {}
        }
        Ok(true)
    }

    /// The broker has a receipt of ours, or says in MQTT 5 that it does not want it.
    fn acknowledged(&mut self, packet: u16, reason: u8) {
        self.window.close(packet);
        if reason >= FIRST_FAILURE {
            self.shared.queue.counters().add_dropped_receipt();
            if !self.complained {
                self.complained = true;
                let code = format!("{reason:#04x}");
                tracing::warn!(
                    code,
                    "the broker takes no receipts: allow this client to write …/stored"
                );
            }
        }
        // Not at every single one, so that receipts go out in groups.
        if self.window.len() <= MAX_INFLIGHT_RECEIPTS / 2 {
            self.shared.outgoing.wake();
        }
    }

    /// Takes a message; false if the server stops.
    async fn publish(
        &mut self,
        publish: Publish,
        shutdown: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<bool, Lost> {
        let ticket = self.epoch.open(publish.packet);
        let ack = Ack::new(Arc::clone(&self.epoch) as _, ticket);
        if let Some(message) = self.read(publish) {
            return self.put(Message { ack: Some(ack), ..message }, shutdown).await;
        }
        // Nothing to store: acknowledged in its turn.
        self.epoch.acknowledge(ticket);
        self.shared.outgoing.wake();
        Ok(true)
    }

    /// What is to be stored of a message: a report, or what was refused with its reason.
    fn read(&self, publish: Publish) -> Option<Message> {
        let Publish { topic, payload, skipped_bytes, .. } = publish;
        let whole_bytes = (skipped_bytes > 0)
            .then(|| u64::try_from(payload.len() + skipped_bytes).unwrap_or(u64::MAX));
        let counters = self.shared.queue.counters();
        match self.shared.topics.incoming(&topic) {
            Ok(Incoming::Report { meter }) => {
                let meter = meter.to_owned();
                let refused = whole_bytes.map(|bytes| Refused {
                    reason: QuarantineReason::Oversize,
                    detail: format!(
                        "{bytes} bytes; a report has at most {}",
                        telemetry::MAX_REPORT_BYTES
                    ),
                    whole_bytes,
                });
                let payload = payload.to_vec();
                let arrival = Arrival { topic, meter, payload, refused, foreign: None };
                Some(Message { arrival, ack: None })
            }
            Ok(Incoming::Status { meter }) => {
                let taken = status::take(&self.shared.statuses, meter.clone(), &payload);
                let error = taken.err()?;
                counters.refuse(Refusal::Status);
                Some(refused::status(meter.as_str(), &topic, &payload, error))
            }
            Ok(Incoming::Foreign) => {
                // One that was cut is longer than any that an adapter reads.
                let arrived_ms = self.shared.statuses.now().millis();
                let mut read =
                    foreign::read(&self.shared.topics, counters, &topic, &payload, arrived_ms)?;
                if let Some(refused) = &mut read.arrival.refused {
                    refused.whole_bytes = whole_bytes;
                }
                Some(read)
            }
            Err(error) => {
                counters.refuse(Refusal::Topic);
                tracing::info!(topic, %error, "refused a message from the broker");
                Some(refused::misplaced("", &topic, &payload, error))
            }
        }
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
                () = tokio::time::sleep_until(self.ping_at) => {
                    // It may well have spoken; we did not listen.
                    self.heard = true;
                    self.ping().await?;
                }
            }
        }
    }

    async fn ping(&mut self) -> Result<(), Lost> {
        if !self.heard {
            return Err(Lost::Silent);
        }
        self.heard = false;
        self.ping_at = Instant::now() + self.ping_pause;
        self.link.out.put_slice(&wire::PING);
        self.link.flush().await
    }

    /// Writes the acknowledgements that are due, and receipts as far as the broker takes them.
    async fn write_out(&mut self) -> Result<(), Lost> {
        let level = self.link.level();
        for packet in self.epoch.take() {
            write_puback(packet, 0, &mut self.link.out);
        }
        while self.window.has_room()
            && let Some((meter, stored)) = self.shared.outgoing.next_receipt()
            && let Some(packet) = self.window.open()
        {
            let (topic, stored) = (self.shared.topics.stored(&meter), stored.to_string());
            write_publish(level, &topic, stored.as_bytes(), packet, &mut self.link.out);
            self.shared.queue.counters().add_receipts(1);
        }
        self.link.flush().await
    }

    /// Acknowledges what is still being stored, then says goodbye. Where reports are shared, those that come from now on
    /// go to the other servers; what was on its way here waits for a new start, or for the meters to send it again.
    async fn farewell(&mut self) -> Result<(), Lost> {
        if let Some(share) = self.shared.share() {
            let packet = self.window.open_beyond();
            wire::write_unsubscribe(packet, share, &mut self.link.out);
            self.link.flush().await?;
        }
        while !self.epoch.is_idle() {
            self.shared.outgoing.changed().await;
            self.write_out().await?;
        }
        self.write_out().await?;
        self.link.out.put_slice(&wire::DISCONNECT);
        self.link.flush().await
    }
}
