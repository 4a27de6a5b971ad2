//! The other end of the queue, where two things go on at once: messages gather and are checked, while those checked
//! before them are stored.
//!
//! Both run in the order of the queue, so that acknowledgements do too, and nothing is acknowledged before its
//! transaction has committed. Between them stand at most [`MAX_BATCHES_AHEAD`] batches.

use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use service::{Arrival, Receipt};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::Instant;

use super::{
    Ack, BATCH_TICK_MILLIS, BATCH_WAIT_MILLIS, MAX_BACKLOG_MESSAGES, MAX_BATCH_MESSAGES,
    MAX_QUEUED_BYTES, MAX_QUEUED_MESSAGES, Message, Queue, Shared,
};
use crate::{Counters, Ingest};

/// Full batches that one transaction takes.
const BATCHES_PER_TRANSACTION: usize = MAX_BACKLOG_MESSAGES / MAX_BATCH_MESSAGES;
/// Batches that are checked and wait for the transaction before them. They fill the next two, so that checking goes on
/// while the disk is waited for.
const MAX_BATCHES_AHEAD: usize = 2 * BATCHES_PER_TRANSACTION;
const RETRY_FIRST_MILLIS: u64 = 100;
const RETRY_MAX_MILLIS: u64 = 5_000;

/// Takes messages from the queue, checks and stores them in batches, acknowledges what is stored.
pub struct Batcher<I> {
    messages: mpsc::Receiver<Message>,
    ingest: I,
    shared: Arc<Shared>,
}

impl<I: Ingest> Batcher<I> {
    /// A batcher and the queue in front of it; [`Batcher::run`] does the work.
    pub fn new(ingest: I, counters: Arc<Counters>) -> (Queue, Self) {
        let (sender, messages) = mpsc::channel(MAX_QUEUED_MESSAGES);
        let shared = Arc::new(Shared {
            bytes: Semaphore::new(MAX_QUEUED_BYTES),
            sinks: std::sync::Mutex::default(),
            counters,
        });
        let queue = Queue { messages: sender, shared: Arc::clone(&shared) };
        (queue, Self { messages, ingest, shared })
    }

    /// Runs until every [`Queue`] is gone, or until the shutdown: then takes nothing more, stores what is queued, and
    /// returns. If the store fails during a shutdown, what is left stays unacknowledged.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { messages, ingest, shared } = self;
        let (stop, stopping) = watch::channel(false);
        let (ahead, batches) = mpsc::channel(MAX_BATCHES_AHEAD);
        let checker = Checker {
            messages,
            gathered: Vec::new(),
            ingest: &ingest,
            shared: &shared,
            stopping: stopping.clone(),
        };
        let storer = Storer { ingest: &ingest, shared: &shared, stopping };
        let mut working = pin!(async { tokio::join!(checker.run(ahead), storer.run(batches)) });
        tokio::select! {
            biased;
            () = shutdown => {
                stop.send_replace(true);
                working.await;
            }
            _ = &mut working => {}
        }
    }
}

/// Messages that go the way together.
struct Batch<C> {
    checked: C,
    acks: Vec<Ack>,
    messages: usize,
    /// Those that were not refused before they came here.
    reports: usize,
    cost_bytes: usize,
}

/// Gathers and checks.
struct Checker<'a, I> {
    messages: mpsc::Receiver<Message>,
    gathered: Vec<Message>,
    ingest: &'a I,
    shared: &'a Shared,
    stopping: watch::Receiver<bool>,
}

impl<I: Ingest> Checker<'_, I> {
    async fn run(mut self, checked: mpsc::Sender<Batch<I::Checked>>) {
        let mut stopping = self.stopping.clone();
        let mut closed = false;
        loop {
            tokio::select! {
                biased;
                () = stopped(&mut stopping), if !closed => {
                    closed = true;
                    self.close();
                }
                more = self.gather() => {
                    if !more {
                        return;
                    }
                    let batch = self.check().await;
                    if checked.send(batch).await.is_err() {
                        // Storing was given up, which a shutdown alone does.
                        self.close();
                        return;
                    }
                }
            }
        }
    }

    fn close(&mut self) {
        self.messages.close();
        self.shared.bytes.close();
    }

    /// Fills `self.gathered`; false if the queue has ended and nothing is left. Dropping the future loses nothing.
    async fn gather(&mut self) -> bool {
        let limit = MAX_BATCH_MESSAGES;
        if self.gathered.is_empty() && self.messages.recv_many(&mut self.gathered, limit).await == 0
        {
            return false;
        }
        let deadline = Instant::now() + Duration::from_millis(BATCH_WAIT_MILLIS);
        // Waiting on the queue itself would wake this task for every single message.
        while self.gathered.len() < limit && Instant::now() < deadline && !self.messages.is_closed()
        {
            tokio::time::sleep(Duration::from_millis(BATCH_TICK_MILLIS)).await;
            let before = self.gathered.len();
            while self.gathered.len() < limit
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

    /// Has all that was gathered checked.
    async fn check(&mut self) -> Batch<I::Checked> {
        let messages = self.gathered.len();
        let mut arrivals: Vec<Arrival> = Vec::with_capacity(messages);
        let mut acks = Vec::with_capacity(messages);
        let (mut reports, mut cost_bytes) = (0, 0);
        for message in self.gathered.drain(..) {
            cost_bytes += usize::try_from(message.cost_bytes()).unwrap_or(usize::MAX);
            reports += usize::from(message.arrival.refused.is_none());
            acks.extend(message.ack);
            arrivals.push(message.arrival);
        }
        let checked = self.ingest.check(arrivals).await;
        Batch { checked, acks, messages, reports, cost_bytes }
    }
}

/// Stores and acknowledges.
struct Storer<'a, I> {
    ingest: &'a I,
    shared: &'a Shared,
    stopping: watch::Receiver<bool>,
}

impl<I: Ingest> Storer<'_, I> {
    async fn run(mut self, mut batches: mpsc::Receiver<Batch<I::Checked>>) {
        let mut waiting = Vec::new();
        while batches.recv_many(&mut waiting, BATCHES_PER_TRANSACTION).await > 0 {
            let joined = waiting.drain(..).reduce(|mut earlier, later| {
                I::join(&mut earlier.checked, later.checked);
                earlier.acks.extend(later.acks);
                earlier.messages += later.messages;
                earlier.reports += later.reports;
                earlier.cost_bytes += later.cost_bytes;
                earlier
            });
            if let Some(batch) = joined
                && !self.store(batch).await
            {
                return;
            }
        }
    }

    /// Stores a batch, however often it takes, and acknowledges it; false if a shutdown cut that short.
    async fn store(&mut self, batch: Batch<I::Checked>) -> bool {
        let mut wait_millis = RETRY_FIRST_MILLIS;
        let mut failures = 0_u64;
        loop {
            // A shutdown gives the batch one last chance, at once.
            let last_chance = *self.stopping.borrow();
            let begun = Instant::now();
            match self.ingest.store(&batch.checked).await {
                Ok(receipts) => {
                    if failures > 0 {
                        tracing::info!(failures, messages = batch.messages, "storing works again");
                    }
                    self.shared.counters.add_batch(batch.reports, begun.elapsed());
                    self.finish(batch.acks, &receipts);
                    self.shared.bytes.add_permits(batch.cost_bytes);
                    return true;
                }
                Err(error) => {
                    if failures == 0 {
                        let error: &dyn std::error::Error = &error;
                        tracing::error!(
                            error,
                            messages = batch.messages,
                            "could not store a batch; nothing is acknowledged until it works again"
                        );
                    }
                    failures += 1;
                    self.shared.counters.add_failed_batch();
                }
            }
            if last_chance {
                tracing::warn!(
                    messages = batch.messages,
                    "stopped with messages that could not be stored"
                );
                return false;
            }
            tokio::select! {
                () = stopped(&mut self.stopping) => {}
                () = tokio::time::sleep(Duration::from_millis(wait_millis)) => {}
            }
            wait_millis = (wait_millis * 2).min(RETRY_MAX_MILLIS);
        }
    }

    fn finish(&self, acks: Vec<Ack>, receipts: &[Receipt]) {
        for Ack { to, ticket } in acks {
            to.acknowledge(ticket);
        }
        let sinks = self.shared.sinks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for sink in sinks {
            sink.deliver(receipts);
        }
    }
}

/// Waits for the shutdown.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error means that whoever would tell is gone, which is a stop too.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
