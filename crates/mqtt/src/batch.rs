//! One queue in front of the store: messages gather, are checked and stored in batches, and are acknowledged after the
//! commit.

mod batcher;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use service::{Arrival, Receipt};
use thiserror::Error;
use tokio::sync::{Semaphore, mpsc};

use crate::Counters;

pub use batcher::Batcher;

/// A batch of this many messages waits for no more.
pub const MAX_BATCH_MESSAGES: usize = 1_000;
/// Under backlog one transaction takes up to this many messages, if they are checked already.
pub const MAX_BACKLOG_MESSAGES: usize = 4_000;
/// How long a batch waits to fill, in milliseconds from its first message.
pub const BATCH_WAIT_MILLIS: u64 = 20;
/// How often a filling batch looks for more, in milliseconds; one look that finds nothing ends the wait, so that a few
/// meters which wait for their acknowledgements are not held up for the whole of [`BATCH_WAIT_MILLIS`].
pub const BATCH_TICK_MILLIS: u64 = 1;
/// The most messages that wait for a batch; a source that has one more must wait.
pub const MAX_QUEUED_MESSAGES: usize = 16_384;
/// The most bytes that wait or are being stored, counting topics, payloads and 128 bytes more for each.
pub const MAX_QUEUED_BYTES: usize = 32 * 1024 * 1024;

const MESSAGE_OVERHEAD_BYTES: usize = 128;

/// Where acknowledgements go: a connection of the endpoint, or the broker's client.
pub trait Acknowledge: Send + Sync + 'static {
    /// The message with this ticket is on disk. Called at most once per ticket, in the order in which the messages
    /// were queued; must not block.
    fn acknowledge(&self, ticket: u64);
}

/// Where receipts go: the endpoint's subscribers, or the broker.
pub trait ReceiptSink: Send + Sync + 'static {
    /// These reports are on disk. Called once for each batch, after its acknowledgements, even if there are no
    /// receipts; must not block.
    fn deliver(&self, receipts: &[Receipt]);
}

/// The right to acknowledge one message, used up after its commit; dropped unused, the message stays unacknowledged.
pub struct Ack {
    to: Arc<dyn Acknowledge>,
    ticket: u64,
}

impl Ack {
    /// An acknowledgement to this place; what the ticket says is that place's own business.
    pub fn new(to: Arc<dyn Acknowledge>, ticket: u64) -> Self {
        Self { to, ticket }
    }
}

impl fmt::Debug for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ack").field("ticket", &self.ticket).finish_non_exhaustive()
    }
}

/// An arrival on its way to the store.
#[derive(Debug)]
pub struct Message {
    /// What came in.
    pub arrival: Arrival,
    /// Who is told that it is stored; none where nobody waits for that.
    pub ack: Option<Ack>,
}

impl Message {
    fn cost_bytes(&self) -> u32 {
        let Arrival { topic, meter, payload, .. } = &self.arrival;
        let bytes = topic.len() + meter.len() + payload.len() + MESSAGE_OVERHEAD_BYTES;
        // One message never asks for more than the whole, or it would wait for ever.
        u32::try_from(bytes.min(MAX_QUEUED_BYTES)).unwrap_or(u32::MAX)
    }
}

/// The batcher has stopped: nothing more is taken or acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the server is stopping and takes no more messages: keep them and send them again later")]
pub struct Closed;

/// The end of the queue that sources put messages into; clones share one queue.
#[derive(Clone)]
pub struct Queue {
    messages: mpsc::Sender<Message>,
    shared: Arc<Shared>,
}

struct Shared {
    /// Bytes that are still free.
    bytes: Semaphore,
    sinks: Mutex<Vec<Arc<dyn ReceiptSink>>>,
    counters: Arc<Counters>,
}

impl Queue {
    /// Queues a message, waiting while the queue is full.
    ///
    /// Dropping the future before it is done drops the message, unacknowledged.
    pub async fn put(&self, message: Message) -> Result<(), Closed> {
        let cost = message.cost_bytes();
        let is_report = message.arrival.refused.is_none();
        self.shared.bytes.acquire_many(cost).await.map_err(|_| Closed)?.forget();
        self.messages.send(message).await.map_err(|_| Closed)?;
        if is_report {
            self.shared.counters.add_received();
        }
        Ok(())
    }

    /// Queues a refused message for the quarantine, unless the queue is full: then its reason is counted and nothing
    /// more. Reports come first.
    pub(crate) fn keep_apart(&self, refused: Message) {
        let cost = refused.cost_bytes();
        if let Ok(room) = self.shared.bytes.try_acquire_many(cost)
            && self.messages.try_send(refused).is_ok()
        {
            room.forget();
        }
    }

    /// From now on, hands this sink the receipts of every batch, whatever source its messages came from: a meter may
    /// have moved from one source to another.
    pub fn add_sink(&self, sink: Arc<dyn ReceiptSink>) {
        self.shared.sinks.lock().unwrap_or_else(PoisonError::into_inner).push(sink);
    }

    /// The totals that every part adds to.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.shared.counters
    }
}

#[cfg(test)]
mod tests;
