//! What waits to be written to the broker.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use service::Receipt;
use telemetry::MeterId;
use tokio::sync::Notify;

use crate::order::InOrder;
use crate::{Acknowledge, Counters, ReceiptSink};

/// Meters whose newest receipt may wait; an older receipt of the same meter is replaced, not queued.
const MAX_WAITING_RECEIPTS: usize = 65_536;

/// Receipts, which outlive a connection, and the sign that a batch is done.
pub(super) struct Outgoing {
    receipts: Mutex<BTreeMap<MeterId, u64>>,
    changed: Notify,
    counters: Arc<Counters>,
}

impl Outgoing {
    pub(super) fn new(counters: Arc<Counters>) -> Self {
        Self { receipts: Mutex::default(), changed: Notify::new(), counters }
    }

    /// Waits until something may be written; remembers one call that came before.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    pub(super) fn wake(&self) {
        self.changed.notify_one();
    }

    pub(super) fn next_receipt(&self) -> Option<(MeterId, u64)> {
        self.lock().pop_first()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<MeterId, u64>> {
        self.receipts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReceiptSink for Outgoing {
    fn deliver(&self, receipts: &[Receipt]) {
        let mut waiting = self.lock();
        for Receipt { meter, stored } in receipts {
            if let Some(older) = waiting.get_mut(meter) {
                *older = *stored;
            } else if waiting.len() < MAX_WAITING_RECEIPTS {
                waiting.insert(meter.clone(), *stored);
            } else {
                self.counters.add_dropped_receipt();
            }
        }
        drop(waiting);
        // The acknowledgements of the same batch are there by now and go out with one write.
        self.wake();
    }
}

/// The acknowledgements of one connection. Those that come after its end go nowhere: on the next connection their
/// packet ids may stand for other messages.
pub(super) struct Epoch {
    counters: Arc<Counters>,
    state: Mutex<EpochState>,
}

#[derive(Default)]
struct EpochState {
    ended: bool,
    inflight: InOrder,
    /// Packet ids that may be acknowledged now.
    acknowledged: Vec<u16>,
}

impl Epoch {
    pub(super) fn new(counters: Arc<Counters>) -> Self {
        Self { counters, state: Mutex::default() }
    }

    /// Takes a message's place among those that wait for their commit, and returns its ticket.
    pub(super) fn open(&self, packet: u16) -> u64 {
        self.lock().inflight.open(packet, 0)
    }

    /// Takes back the newest place: its message was not queued and never will be.
    pub(super) fn withdraw(&self) {
        self.lock().inflight.withdraw();
    }

    /// Packet ids to acknowledge, in the order in which the broker sent them.
    pub(super) fn take(&self) -> Vec<u16> {
        std::mem::take(&mut self.lock().acknowledged)
    }

    /// Whether no message waits for its commit.
    pub(super) fn is_idle(&self) -> bool {
        self.lock().inflight.len() == 0
    }

    /// The connection is over.
    pub(super) fn end(&self) {
        self.lock().ended = true;
    }

    fn lock(&self) -> MutexGuard<'_, EpochState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Acknowledge for Epoch {
    fn acknowledge(&self, ticket: u64) {
        let mut state = self.lock();
        if state.ended {
            drop(state);
            self.counters.add_stale_acknowledgement();
            return;
        }
        let EpochState { inflight, acknowledged, .. } = &mut *state;
        inflight.settle(ticket, 0);
        while let Some((packet, _)) = inflight.pop() {
            if packet != 0 {
                acknowledged.push(packet);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acknowledgement_after_the_end_goes_nowhere() {
        let counters = Arc::new(Counters::default());
        let epoch = Epoch::new(Arc::clone(&counters));
        let tickets = [5, 6].map(|packet| epoch.open(packet));
        epoch.acknowledge(tickets[0]);
        assert_eq!(epoch.take(), [5]);
        epoch.end();
        epoch.acknowledge(tickets[1]);
        assert_eq!(epoch.take(), [0_u16; 0]);
        assert_eq!(counters.counts().stale_acknowledgements, 1);
    }

    #[test]
    fn rejects_one_meters_receipt_too_many_and_replaces_known_ones() {
        let outgoing = Outgoing::new(Arc::default());
        let receipt = |number: usize, stored| Receipt {
            meter: MeterId::new(&format!("m{number}")).unwrap(),
            stored,
        };
        let all: Vec<_> = (0..=MAX_WAITING_RECEIPTS).map(|number| receipt(number, 1)).collect();
        outgoing.deliver(&all);
        assert_eq!(outgoing.counters.counts().dropped_receipts, 1);
        outgoing.deliver(&[receipt(0, 9)]);
        assert_eq!(outgoing.next_receipt().map(|(_, stored)| stored), Some(9));
    }
}
