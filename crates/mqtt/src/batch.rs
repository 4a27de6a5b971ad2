//! One queue in front of the store: messages gather, go in as one batch, and are acknowledged after the commit.

use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use service::{Arrival, Receipt};
use thiserror::Error;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use crate::{Counters, Ingest};

/// A batch of this many messages waits for no more.
pub const MAX_BATCH_MESSAGES: usize = 1_000;
/// Under backlog a batch takes up to this many messages, if they are there already.
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
const RETRY_FIRST_MILLIS: u64 = 100;
const RETRY_MAX_MILLIS: u64 = 5_000;

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

/// Takes messages from the queue, stores them in batches, acknowledges what is stored.
pub struct Batcher<I> {
    messages: mpsc::Receiver<Message>,
    gathered: Vec<Message>,
    ingest: I,
    shared: Arc<Shared>,
}

impl<I: Ingest> Batcher<I> {
    /// A batcher and the queue in front of it; [`Batcher::run`] does the work.
    pub fn new(ingest: I, counters: Arc<Counters>) -> (Queue, Self) {
        let (sender, messages) = mpsc::channel(MAX_QUEUED_MESSAGES);
        let shared = Arc::new(Shared {
            bytes: Semaphore::new(MAX_QUEUED_BYTES),
            sinks: Mutex::default(),
            counters,
        });
        let queue = Queue { messages: sender, shared: Arc::clone(&shared) };
        (queue, Self { messages, gathered: Vec::new(), ingest, shared })
    }

    /// Runs until every [`Queue`] is gone, or until the shutdown: then takes nothing more, stores what is queued, and
    /// returns. If the store fails during a shutdown, what is left stays unacknowledged.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) {
        let mut shutdown = pin!(shutdown);
        let mut stopping = false;
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown, if !stopping => {
                    stopping = true;
                    self.stop();
                }
                more = self.gather() => {
                    if !more || !self.store(&mut stopping, shutdown.as_mut()).await {
                        self.stop();
                        return;
                    }
                }
            }
        }
    }

    fn stop(&mut self) {
        self.messages.close();
        self.shared.bytes.close();
    }

    /// Fills `self.gathered`; false if the queue has ended and nothing is left. Dropping the future loses nothing.
    async fn gather(&mut self) -> bool {
        if self.gathered.is_empty() {
            let limit = MAX_BACKLOG_MESSAGES;
            if self.messages.recv_many(&mut self.gathered, limit).await == 0 {
                return false;
            }
        }
        let deadline = Instant::now() + Duration::from_millis(BATCH_WAIT_MILLIS);
        // Waiting on the queue itself would wake this task for every single message.
        while self.gathered.len() < MAX_BATCH_MESSAGES
            && Instant::now() < deadline
            && !self.messages.is_closed()
        {
            tokio::time::sleep(Duration::from_millis(BATCH_TICK_MILLIS)).await;
            let before = self.gathered.len();
            while self.gathered.len() < MAX_BACKLOG_MESSAGES
                && let Ok(message) = self.messages.try_recv()
            {
                self.gathered.push(message);
            }
            if self.gathered.len() == before {
                break;
            }
        }
        true
    }

    /// Stores what was gathered, however often it takes, and acknowledges it; false if a shutdown cut that short.
    async fn store(
        &mut self,
        stopping: &mut bool,
        mut shutdown: std::pin::Pin<&mut impl Future<Output = ()>>,
    ) -> bool {
        let batch = Batch::of(&mut self.gathered);
        let mut wait_millis = RETRY_FIRST_MILLIS;
        let mut failures = 0_u64;
        loop {
            let begun = Instant::now();
            match self.ingest.ingest(batch.arrivals.clone()).await {
                Ok(receipts) => {
                    if failures > 0 {
                        tracing::info!(failures, messages = batch.len(), "storing works again");
                    }
                    self.shared.counters.add_batch(batch.reports, begun.elapsed());
                    self.finish(batch, &receipts);
                    return true;
                }
                Err(error) => {
                    if failures == 0 {
                        let error: &dyn std::error::Error = &error;
                        tracing::error!(
                            error,
                            messages = batch.len(),
                            "could not store a batch; nothing is acknowledged until it works again"
                        );
                    }
                    failures += 1;
                    self.shared.counters.add_failed_batch();
                }
            }
            if *stopping {
                tracing::warn!(
                    messages = batch.len(),
                    "stopped with messages that could not be stored"
                );
                return false;
            }
            tokio::select! {
                // A shutdown gives the batch one last chance, at once.
                () = &mut shutdown => { *stopping = true; self.stop(); }
                () = tokio::time::sleep(Duration::from_millis(wait_millis)) => {}
            }
            wait_millis = (wait_millis * 2).min(RETRY_MAX_MILLIS);
        }
    }

    fn finish(&self, batch: Batch, receipts: &[Receipt]) {
        for Ack { to, ticket } in batch.acks {
            to.acknowledge(ticket);
        }
        let sinks = self.shared.sinks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for sink in sinks {
            sink.deliver(receipts);
        }
        self.shared.bytes.add_permits(batch.cost_bytes);
    }
}

/// What is stored at once.
struct Batch {
    arrivals: Vec<Arrival>,
    acks: Vec<Ack>,
    /// Those that were not refused already.
    reports: usize,
    cost_bytes: usize,
}

impl Batch {
    /// Takes all messages over.
    fn of(messages: &mut Vec<Message>) -> Self {
        let mut batch = Self {
            arrivals: Vec::with_capacity(messages.len()),
            acks: Vec::with_capacity(messages.len()),
            reports: 0,
            cost_bytes: 0,
        };
        for message in messages.drain(..) {
            batch.cost_bytes += usize::try_from(message.cost_bytes()).unwrap_or(usize::MAX);
            batch.reports += usize::from(message.arrival.refused.is_none());
            batch.acks.extend(message.ack);
            batch.arrivals.push(message.arrival);
        }
        batch
    }

    fn len(&self) -> usize {
        self.arrivals.len()
    }
}

#[cfg(test)]
mod tests;
