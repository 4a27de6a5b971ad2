//! Who is connected, and who wants whose receipts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use service::Receipt;
use telemetry::MeterId;

use super::outbox::{Outbox, Stop};
use super::wire::{Qos, Will};
use crate::{Ack, Acknowledge, Counters, Filter, ReceiptSink};

/// One connection, as others see it.
pub(super) struct Client {
    pub(super) id: String,
    pub(super) outbox: Outbox,
    /// Taken by whoever ends the connection, so that a will is carried out once.
    will: Mutex<Option<Will>>,
}

impl Client {
    pub(super) fn new(id: String, outbox: Outbox, will: Option<Will>) -> Self {
        Self { id, outbox, will: Mutex::new(will) }
    }

    pub(super) fn take_will(&self) -> Option<Will> {
        self.will.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn ack(self: &Arc<Self>, ticket: u64) -> Ack {
        Ack::new(Arc::clone(self) as _, ticket)
    }
}

impl Acknowledge for Client {
    fn acknowledge(&self, ticket: u64) {
        self.outbox.settle(ticket, 0);
    }
}

/// All connections of an endpoint.
pub(super) struct Directory {
    counters: Arc<Counters>,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    stopped: bool,
    clients: HashMap<String, Arc<Client>>,
    /// Who wants a meter's receipts.
    by_meter: HashMap<MeterId, Vec<Subscriber>>,
    /// Who wants all meters' receipts.
    every: Vec<Subscriber>,
}

struct Subscriber {
    client: Arc<Client>,
    qos: Qos,
}

impl Directory {
    pub(super) fn new(counters: Arc<Counters>) -> Self {
        Self { counters, entries: Mutex::default() }
    }

    /// Enters a connection and returns the one that it takes over from, which has been told to end.
    pub(super) fn enter(&self, client: &Arc<Client>) -> Option<Arc<Client>> {
        let mut entries = self.lock();
        if entries.stopped {
            client.outbox.stop(Stop::Shutdown);
        }
        let older = entries.clients.insert(client.id.clone(), Arc::clone(client));
        drop(entries);
        if let Some(older) = &older {
            older.outbox.stop(Stop::TakenOver);
        }
        older
    }

    /// Forgets a connection and what it subscribed to.
    pub(super) fn leave(&self, client: &Arc<Client>, filters: impl IntoIterator<Item = Filter>) {
        for filter in filters {
            self.unsubscribe(client, &filter);
        }
        let mut entries = self.lock();
        if entries.clients.get(&client.id).is_some_and(|entered| Arc::ptr_eq(entered, client)) {
            entries.clients.remove(&client.id);
        }
    }

    pub(super) fn subscribe(&self, client: &Arc<Client>, filter: &Filter, qos: Qos) {
        self.unsubscribe(client, filter);
        let subscriber = Subscriber { client: Arc::clone(client), qos };
        let mut entries = self.lock();
        match filter {
            Filter::Stored(meter) => {
                entries.by_meter.entry(meter.clone()).or_default().push(subscriber);
            }
            Filter::EveryStored => entries.every.push(subscriber),
            // Nothing is commanded yet; a meter may wait for it all the same.
            Filter::Command(_) | Filter::EveryCommand => {}
        }
    }

    pub(super) fn unsubscribe(&self, client: &Arc<Client>, filter: &Filter) {
        let others = |subscriber: &Subscriber| !Arc::ptr_eq(&subscriber.client, client);
        let mut entries = self.lock();
        match filter {
            Filter::Stored(meter) => {
                if let Some(subscribers) = entries.by_meter.get_mut(meter) {
                    subscribers.retain(others);
                    if subscribers.is_empty() {
                        entries.by_meter.remove(meter);
                    }
                }
            }
            Filter::EveryStored => entries.every.retain(others),
            Filter::Command(_) | Filter::EveryCommand => {}
        }
    }

    /// Tells every connection, present or to come, to end.
    pub(super) fn stop(&self) {
        let mut entries = self.lock();
        entries.stopped = true;
        for client in entries.clients.values() {
            client.outbox.stop(Stop::Shutdown);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReceiptSink for Directory {
    fn deliver(&self, receipts: &[Receipt]) {
        let entries = self.lock();
        for Receipt { meter, stored } in receipts {
            let wanting = entries.by_meter.get(meter).into_iter().flatten().chain(&entries.every);
            for Subscriber { client, qos } in wanting {
                if !client.outbox.leave(meter, *stored, *qos) {
                    self.counters.add_dropped_receipt();
                }
            }
        }
    }
}
