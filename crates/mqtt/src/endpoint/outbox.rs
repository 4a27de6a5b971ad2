//! What waits to be written to one client: acknowledgements in the order of its messages, answers, receipts.
//!
//! The connection's task, the batcher and other connections reach it at once; nothing here waits.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use telemetry::MeterId;
use tokio::sync::Notify;

use super::wire::{self, Level, Qos};
use super::{MAX_INFLIGHT_BYTES, MAX_INFLIGHT_MESSAGES};
use crate::order::InOrder;
use crate::window::Window;
use crate::{Counters, Topics};

/// Answers that may wait for a client to read them; beyond that nothing more is read from it.
const MAX_ANSWER_BYTES: usize = 16 * 1024;
/// Meters whose newest receipt may wait for a client; an older receipt of the same meter is replaced, not queued.
const MAX_WAITING_RECEIPTS: usize = 16_384;
/// Receipts with `QoS` 1 that a client may leave unacknowledged before it gets more.
const MAX_UNACKNOWLEDGED_RECEIPTS: usize = 256;
/// Receipts that are made into packets at once.
const MAX_RECEIPTS_PER_WRITE: usize = 256;

/// Why a connection ends before its client wants it to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The same client id came in again.
    TakenOver,
    /// The server stops; what is in flight may still be acknowledged.
    Shutdown,
}

/// One client's outgoing side.
pub(super) struct Outbox {
    level: Level,
    max_packet_bytes: usize,
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    inflight: InOrder,
    /// Packets that are ready to be written.
    answers: BytesMut,
    receipts: BTreeMap<MeterId, (u64, Qos)>,
    /// Receipts with `QoS` 1 that the client has not acknowledged.
    window: Window,
    stop: Option<Stop>,
}

/// What the connection's task has to know before it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outlook {
    /// More may be read.
    pub(super) room: bool,
    /// No message waits for its commit, nothing waits to be written.
    pub(super) idle: bool,
    pub(super) stop: Option<Stop>,
}

impl Outbox {
    pub(super) fn new(level: Level, receive_max: u16, max_packet_bytes: u32) -> Self {
        let window = Window::new(usize::from(receive_max).min(MAX_UNACKNOWLEDGED_RECEIPTS));
        Self {
            level,
            max_packet_bytes: usize::try_from(max_packet_bytes).unwrap_or(usize::MAX),
            state: Mutex::new(State {
                inflight: InOrder::default(),
                answers: BytesMut::new(),
                receipts: BTreeMap::new(),
                window,
                stop: None,
            }),
            changed: Notify::new(),
        }
    }

    /// Waits for something to look at; remembers one call that came before.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    pub(super) fn outlook(&self) -> Outlook {
        let state = self.lock();
        Outlook {
            room: state.inflight.len() < MAX_INFLIGHT_MESSAGES
                && state.inflight.bytes() < MAX_INFLIGHT_BYTES
                && state.answers.len() < MAX_ANSWER_BYTES,
            idle: state.inflight.len() == 0 && state.answers.is_empty(),
            stop: state.stop,
        }
    }

    pub(super) fn stop(&self, stop: Stop) {
        self.lock().stop.get_or_insert(stop);
        self.changed.notify_one();
    }

    /// Takes a message's place among those that wait for their commit, and returns its ticket.
    pub(super) fn open(&self, packet: u16, bytes: usize) -> u64 {
        self.lock().inflight.open(packet, bytes)
    }

    /// Takes back the newest place: its message was not queued and never will be.
    pub(super) fn withdraw(&self) {
        self.lock().inflight.withdraw();
    }

    /// Answers a message for good, once those before it are answered.
    pub(super) fn settle(&self, ticket: u64, reason: u8) {
        let mut state = self.lock();
        let State { inflight, answers, .. } = &mut *state;
        inflight.settle(ticket, reason);
        let mut moved = false;
        while let Some((packet, reason)) = inflight.pop() {
            moved = true;
            if packet != 0 {
                wire::write_puback(packet, reason, answers);
            }
        }
        drop(state);
        if moved {
            self.changed.notify_one();
        }
    }

    /// Adds an answer other than an acknowledgement.
    pub(super) fn answer(&self, write: impl FnOnce(Level, &mut BytesMut)) {
        write(self.level, &mut self.lock().answers);
    }

    /// Leaves a receipt; false if too many meters' receipts wait already.
    pub(super) fn leave(&self, meter: &MeterId, stored: u64, qos: Qos) -> bool {
        let mut state = self.lock();
        if let Some(waiting) = state.receipts.get_mut(meter) {
            *waiting = (stored, waiting.1.max(qos));
        } else if state.receipts.len() >= MAX_WAITING_RECEIPTS {
            return false;
        } else {
            state.receipts.insert(meter.clone(), (stored, qos));
        }
        drop(state);
        self.changed.notify_one();
        true
    }

    /// The client acknowledged a receipt.
    pub(super) fn acknowledged(&self, packet: u16) {
        self.lock().window.close(packet);
    }

    /// Moves what may be written now into `out`; true if more may be written after it.
    pub(super) fn take(&self, topics: &Topics, counters: &Counters, out: &mut BytesMut) -> bool {
        let mut state = self.lock();
        let State { answers, receipts, window, .. } = &mut *state;
        if out.is_empty() {
            std::mem::swap(out, answers);
        } else {
            out.extend_from_slice(&answers.split());
        }
        for _ in 0..MAX_RECEIPTS_PER_WRITE {
            let Some(entry) = receipts.first_entry() else { return false };
            let (stored, qos) = *entry.get();
            if qos == Qos::AtLeastOnce && !window.has_room() {
                // The acknowledgements that it waits for come in as packets.
                return false;
            }
            let (topic, payload) = (topics.stored(entry.key()), stored.to_string());
            entry.remove();
            if wire::publish_bytes(&topic, payload.as_bytes()) > self.max_packet_bytes {
                counters.add_dropped_receipt();
                continue;
            }
            let packet = match qos {
                Qos::AtMostOnce => 0,
                Qos::AtLeastOnce => window.open().unwrap_or(0),
            };
            wire::write_publish(self.level, &topic, payload.as_bytes(), packet, out);
            counters.add_receipts(1);
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
