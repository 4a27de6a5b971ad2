//! What is counted while messages pass, for the pages and for whoever watches over the server.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::adapter::Ignored;

/// Upper bounds of the classes in which batches are counted by the time they took to store, in milliseconds.
pub const BATCH_CLASSES_MILLIS: [u64; 10] = [1, 2, 5, 10, 20, 50, 100, 500, 1_000, 10_000];

/// Why a message, a packet or a connection was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// Bytes that are not MQTT.
    Malformed,
    /// A packet that is well formed and out of place: a second CONNECT, a topic alias, a reserved flag.
    Protocol,
    /// A protocol level other than 3.1.1 and 5.
    Level,
    /// A packet longer than [`crate::MAX_PACKET_BYTES`].
    Oversize,
    /// A message with `QoS` 2.
    Qos2,
    /// A topic that no meter publishes to.
    Topic,
    /// A subscription that no meter may have.
    Filter,
    /// A device status other than `online` and `offline`, or of one meter too many.
    Status,
    /// A client id that is missing or too long, or a login that nobody asked for.
    Client,
    /// One connection too many.
    Connections,
    /// A client that sent nothing for one and a half keep-alive times, or no CONNECT in time.
    Silent,
    /// A client that did not read what was written to it.
    Stalled,
    /// A connection whose client id came in again on a newer one.
    TakenOver,
}

impl Refusal {
    /// Every reason, in the order of [`Counts::refused`].
    pub const ALL: [Self; 13] = [
        Self::Malformed,
        Self::Protocol,
        Self::Level,
        Self::Oversize,
        Self::Qos2,
        Self::Topic,
        Self::Filter,
        Self::Status,
        Self::Client,
        Self::Connections,
        Self::Silent,
        Self::Stalled,
        Self::TakenOver,
    ];

    /// The reason's short name, for labels.
    pub fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Protocol => "protocol",
            Self::Level => "level",
            Self::Oversize => "oversize",
            Self::Qos2 => "qos2",
            Self::Topic => "topic",
            Self::Filter => "filter",
            Self::Status => "status",
            Self::Client => "client",
            Self::Connections => "connections",
            Self::Silent => "silent",
            Self::Stalled => "stalled",
            Self::TakenOver => "taken_over",
        }
    }
}

/// Running totals since the start; every part of this crate adds to the same ones.
#[derive(Debug, Default)]
pub struct Counters {
    received: AtomicU64,
    acknowledged: AtomicU64,
    batches: AtomicU64,
    batch_micros: AtomicU64,
    batch_classes: [AtomicU64; BATCH_CLASSES_MILLIS.len()],
    failed_batches: AtomicU64,
    receipts: AtomicU64,
    dropped_receipts: AtomicU64,
    connections: AtomicU64,
    open_connections: AtomicU64,
    broker_connections: AtomicU64,
    stale_acknowledgements: AtomicU64,
    refused: [AtomicU64; Refusal::ALL.len()],
    ignored: [AtomicU64; Ignored::ALL.len()],
}

/// What [`Counters`] held at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// Messages on report topics that were queued for storing.
    pub received: u64,
    /// Of those, the ones that were stored, and acknowledged if their `QoS` asked for it.
    pub acknowledged: u64,
    /// Batches that were stored.
    pub batches: u64,
    /// How long the store took for them all, in microseconds.
    pub batch_micros: u64,
    /// Batches that took at most so many milliseconds, by the bounds of [`BATCH_CLASSES_MILLIS`]; a longer one is in
    /// no class.
    pub batch_classes: [(u64, u64); BATCH_CLASSES_MILLIS.len()],
    /// Attempts to store a batch that failed; the batch was tried again.
    pub failed_batches: u64,
    /// Receipts written to meters or to the broker.
    pub receipts: u64,
    /// Receipts that found their outgoing queue full; the meter resends and gets a newer one.
    pub dropped_receipts: u64,
    /// Connections that completed CONNECT at the endpoint, ever.
    pub connections: u64,
    /// Connections that are open at the endpoint.
    pub open_connections: u64,
    /// Connections to the broker, ever.
    pub broker_connections: u64,
    /// Acknowledgements that came too late for their broker connection and were dropped; the broker redelivers.
    pub stale_acknowledgements: u64,
    /// Refusals by reason, in the order of [`Refusal::ALL`].
    pub refused: [(Refusal, u64); Refusal::ALL.len()],
    /// Foreign messages in order that carry no reading, by kind, in the order of [`Ignored::ALL`].
    pub ignored: [(Ignored, u64); Ignored::ALL.len()],
}

impl Counts {
    /// How often something was refused for this reason.
    pub fn refused_for(&self, reason: Refusal) -> u64 {
        self.refused.iter().find(|(of, _)| *of == reason).map_or(0, |(_, count)| *count)
    }
}

impl Counters {
    /// The present totals. Each is exact; together they are not one instant.
    pub fn counts(&self) -> Counts {
        Counts {
            received: read(&self.received),
            acknowledged: read(&self.acknowledged),
            batches: read(&self.batches),
            batch_micros: read(&self.batch_micros),
            batch_classes: std::array::from_fn(|class| {
                (BATCH_CLASSES_MILLIS[class], read(&self.batch_classes[class]))
            }),
            failed_batches: read(&self.failed_batches),
            receipts: read(&self.receipts),
            dropped_receipts: read(&self.dropped_receipts),
            connections: read(&self.connections),
            open_connections: read(&self.open_connections),
            broker_connections: read(&self.broker_connections),
            stale_acknowledgements: read(&self.stale_acknowledgements),
            refused: Refusal::ALL.map(|reason| (reason, read(&self.refused[slot(reason)]))),
            ignored: std::array::from_fn(|at| (Ignored::ALL[at], read(&self.ignored[at]))),
        }
    }

    pub(crate) fn add_received(&self) {
        add(&self.received, 1);
    }

    pub(crate) fn add_batch(&self, reports: usize, took: Duration) {
        add(&self.batches, 1);
        add(&self.acknowledged, reports);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.batch_micros.fetch_add(micros, Ordering::Relaxed);
        for (bound_millis, class) in BATCH_CLASSES_MILLIS.iter().zip(&self.batch_classes) {
            add(class, usize::from(micros <= bound_millis * 1_000));
        }
    }

    pub(crate) fn add_failed_batch(&self) {
        add(&self.failed_batches, 1);
    }

    pub(crate) fn add_receipts(&self, receipts: usize) {
        add(&self.receipts, receipts);
    }

    pub(crate) fn add_dropped_receipt(&self) {
        add(&self.dropped_receipts, 1);
    }

    pub(crate) fn open_connection(&self) {
        add(&self.connections, 1);
        add(&self.open_connections, 1);
    }

    pub(crate) fn close_connection(&self) {
        self.open_connections.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn add_broker_connection(&self) {
        add(&self.broker_connections, 1);
    }

    pub(crate) fn add_stale_acknowledgement(&self) {
        add(&self.stale_acknowledgements, 1);
    }

    pub(crate) fn ignore(&self, kind: Ignored) {
        let slot = Ignored::ALL.iter().position(|of| *of == kind).unwrap_or(0);
        add(&self.ignored[slot], 1);
    }

    pub(crate) fn refuse(&self, reason: Refusal) {
        add(&self.refused[slot(reason)], 1);
    }
}

fn slot(reason: Refusal) -> usize {
    Refusal::ALL.iter().position(|of| *of == reason).unwrap_or(0)
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn add(counter: &AtomicU64, amount: usize) {
    counter.fetch_add(u64::try_from(amount).unwrap_or(u64::MAX), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_counted_in_every_class_that_it_fits() {
        let counters = Counters::default();
        for millis in [0, 1, 3, 99_999] {
            counters.add_batch(2, Duration::from_millis(millis));
        }
        let counts = counters.counts();
        assert_eq!((counts.batches, counts.acknowledged), (4, 8));
        assert_eq!(counts.batch_micros, 100_003_000);
        assert_eq!(counts.batch_classes[..3], [(1, 2), (2, 2), (5, 3)]);
        assert_eq!(counts.batch_classes[9], (10_000, 3));
    }

    #[test]
    fn every_refusal_has_its_own_count_and_name() {
        let counters = Counters::default();
        for (times, reason) in Refusal::ALL.into_iter().enumerate() {
            for _ in 0..times {
                counters.refuse(reason);
            }
        }
        let counts = counters.counts();
        for (times, reason) in Refusal::ALL.into_iter().enumerate() {
            assert_eq!(counts.refused_for(reason), u64::try_from(times).unwrap(), "{reason:?}");
        }
        let names: std::collections::BTreeSet<_> = Refusal::ALL.map(Refusal::name).into();
        assert_eq!(names.len(), Refusal::ALL.len());
    }
}
