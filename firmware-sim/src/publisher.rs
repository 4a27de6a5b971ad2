//! Sends reports to a broker and keeps each until the server's receipt covers it.
//!
//! One task polls the connection and never waits for anything else; whoever has news (a new report, an
//! acknowledgement, a passed interval) takes a short lock and queues what is due without waiting. So no task can
//! wait for another in a circle.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rumqttc::{AsyncClient, Event, Packet};
use telemetry::MeterId;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::ledger::{Ledger, LedgerError, LedgerSummary};
use crate::link::Link;
use crate::options::{
    MAX_OUTSTANDING_REPORTS, PublisherError, PublisherOptions, RECONNECT_MAX, RECONNECT_MIN,
};
use crate::outbox::Outbox;

/// How often the time of delayed and unreceipted reports is looked at.
const TICK: Duration = Duration::from_millis(20);
/// How long a farewell may take.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// A connection that renews itself, the reports without a receipt, and the ledger.
#[derive(Debug)]
pub struct Publisher {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

impl Publisher {
    /// Starts to connect. Needs a tokio runtime.
    pub fn start(options: PublisherOptions, ledger: Ledger) -> Result<Self, PublisherError> {
        options.check()?;
        let shared = Arc::new(Shared::new(options, ledger));
        let tasks =
            vec![tokio::spawn(stay_connected(shared.clone())), tokio::spawn(tick(shared.clone()))];
        Ok(Self { shared, tasks })
    }

    /// Takes a report over; waits only while [`MAX_OUTSTANDING_REPORTS`] have no receipt.
    ///
    /// A report whose receipt stands in the ledger already is done with.
    pub async fn publish(
        &self,
        meter: &MeterId,
        seq: u64,
        bytes: impl Into<Bytes>,
    ) -> Result<(), PublisherError> {
        let bytes = bytes.into();
        let mut news = self.shared.news.subscribe();
        loop {
            news.borrow_and_update();
            if self.shared.take_over(meter, seq, &bytes)? {
                return Ok(());
            }
            if news.changed().await.is_err() {
                return Ok(());
            }
        }
    }

    /// Reports without a receipt.
    pub fn outstanding(&self) -> usize {
        self.shared.state().outbox.len()
    }

    /// Returns once every report has its receipt, or the ledger failed.
    pub async fn drained(&self) -> Result<(), PublisherError> {
        let mut news = self.shared.news.subscribe();
        loop {
            news.borrow_and_update();
            {
                let mut state = self.shared.state();
                if let Some(failure) = state.failure.take() {
                    return Err(failure.into());
                }
                if state.outbox.len() == 0 {
                    return Ok(());
                }
            }
            if news.changed().await.is_err() {
                return Ok(());
            }
        }
    }

    /// Whether the broker has accepted the connection and not closed it since.
    pub fn connected(&self) -> bool {
        self.shared.state().link.is_some()
    }

    /// The ledger's sums so far.
    pub fn summary(&self) -> LedgerSummary {
        self.shared.state().ledger.summary()
    }

    /// Says farewell to the broker and yields the ledger.
    pub async fn shutdown(mut self) -> Result<Ledger, PublisherError> {
        self.shared.closing.send_replace(true);
        let farewell = self.shared.state().link.as_ref().is_some_and(Link::disconnect);
        for mut task in self.tasks.drain(..) {
            if !farewell || timeout(SHUTDOWN_GRACE, &mut task).await.is_err() {
                task.abort();
            }
        }
        let mut state = self.shared.state();
        match state.failure.take() {
            Some(failure) => Err(failure.into()),
            None => Ok(std::mem::take(&mut state.ledger)),
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

#[derive(Debug)]
struct Shared {
    options: PublisherOptions,
    state: Mutex<State>,
    /// Changes whenever a report leaves the outbox or the ledger fails.
    news: watch::Sender<()>,
    closing: watch::Sender<bool>,
}

#[derive(Debug)]
struct State {
    outbox: Outbox,
    ledger: Ledger,
    link: Option<Link>,
    failure: Option<LedgerError>,
}

impl Shared {
    fn new(options: PublisherOptions, ledger: Ledger) -> Self {
        let outbox = Outbox::new(options.resend_interval, options.faults, options.seed);
        let state = Mutex::new(State { outbox, ledger, link: None, failure: None });
        Self { options, state, news: watch::Sender::new(()), closing: watch::Sender::new(false) }
    }

    /// No task panics while it holds the lock with the state half changed, so a poisoned one is as good.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `false` when the outbox is full.
    fn take_over(&self, meter: &MeterId, seq: u64, bytes: &Bytes) -> Result<bool, PublisherError> {
        let mut state = self.state();
        if let Some(failure) = state.failure.take() {
            return Err(failure.into());
        }
        if state.ledger.record(meter, seq).is_some_and(|record| record.receipted) {
            return Ok(true);
        }
        if state.outbox.len() >= MAX_OUTSTANDING_REPORTS {
            return Ok(false);
        }
        state.outbox.keep(meter, seq, bytes.clone());
        self.send_due(&mut state);
        Ok(true)
    }

    fn send_due(&self, state: &mut State) {
        let Some(link) = &mut state.link else { return };
        let now = Instant::now();
        while link.in_flight() < usize::from(self.options.in_flight_reports)
            && let Some(due) = state.outbox.next(now)
        {
            let topic = format!("mingqu/v1/{}/{}/report", self.options.district, due.key.0);
            link.send(&topic, &due);
        }
    }

    fn connected(&self, client: AsyncClient) {
        let mut state = self.state();
        let receipts = format!("mingqu/v1/{}/+/stored", self.options.district);
        state.link = Some(Link::new(client, &receipts));
        state.outbox.resend_all();
        self.send_due(&mut state);
    }

    fn disconnected(&self) {
        self.state().link = None;
    }

    fn wrote(&self, packet: u16) {
        if let Some(link) = &mut self.state().link {
            link.wrote(packet);
        }
    }

    fn acknowledged(&self, packet: u16) {
        let mut guard = self.state();
        let state = &mut *guard;
        if let Some(((meter, seq), bytes)) =
            state.link.as_mut().and_then(|link| link.acknowledged(packet))
        {
            let booked = state.ledger.acknowledged(&meter, seq, &bytes);
            self.check(&mut state.failure, booked);
        }
        self.send_due(state);
    }

    fn receipt(&self, topic: &str, payload: &[u8]) {
        let Some((meter, stored)) = parse_receipt(&self.options.district, topic, payload) else {
            tracing::warn!(topic, "a message is no receipt: ignored");
            return;
        };
        let mut guard = self.state();
        let state = &mut *guard;
        for (seq, bytes) in state.outbox.receipt(&meter, stored) {
            let booked = state.ledger.receipted(&meter, seq, &bytes);
            self.check(&mut state.failure, booked);
        }
        self.send_due(state);
        drop(guard);
        self.news.send_replace(());
    }

    fn check(&self, failure: &mut Option<LedgerError>, booked: Result<(), LedgerError>) {
        if let Err(error) = booked {
            tracing::error!(%error, "the ledger failed");
            failure.get_or_insert(error);
            self.news.send_replace(());
        }
    }
}

/// `mingqu/v1/{district}/{meter}/stored` with a decimal number: the meter and up to which report all are stored.
fn parse_receipt(district: &str, topic: &str, payload: &[u8]) -> Option<(MeterId, u64)> {
    let meter = topic
        .strip_prefix("mingqu/v1/")?
        .strip_prefix(district)?
        .strip_prefix('/')?
        .strip_suffix("/stored")?;
    if !payload.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let stored = std::str::from_utf8(payload).ok()?.parse().ok()?;
    Some((MeterId::new(meter).ok()?, stored))
}

async fn tick(shared: Arc<Shared>) {
    let mut closing = shared.closing.subscribe();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !*closing.borrow() {
        tokio::select! {
            _ = ticks.tick() => shared.send_due(&mut shared.state()),
            _ = closing.changed() => {}
        }
    }
}

async fn stay_connected(shared: Arc<Shared>) {
    let mut closing = shared.closing.subscribe();
    let mut pause = RECONNECT_MIN;
    while !*closing.borrow() {
        let was_connected = connection(&shared).await;
        shared.disconnected();
        pause = if was_connected { RECONNECT_MIN } else { (pause * 2).min(RECONNECT_MAX) };
        tokio::select! {
            () = sleep(pause) => {}
            _ = closing.changed() => {}
        }
    }
}

/// Runs one connection to its end; whether the broker ever accepted it.
async fn connection(shared: &Shared) -> bool {
    let (client, mut events) = AsyncClient::new(shared.options.mqtt(), shared.options.requests());
    let mut accepted = false;
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                accepted = true;
                shared.connected(client.clone());
            }
            Ok(Event::Incoming(Packet::PubAck(ack))) => shared.acknowledged(ack.pkid),
            Ok(Event::Incoming(Packet::Publish(message))) => {
                shared.receipt(&message.topic, &message.payload);
            }
            Ok(Event::Outgoing(rumqttc::Outgoing::Publish(packet))) => shared.wrote(packet),
            Ok(Event::Outgoing(rumqttc::Outgoing::Disconnect)) => return accepted,
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(%error, "the connection to the broker ended");
                return accepted;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_receipts_and_nothing_else() {
        let meter = MeterId::new("well-07").unwrap();
        let read = |topic, payload: &str| parse_receipt("d1", topic, payload.as_bytes());
        assert_eq!(read("mingqu/v1/d1/well-07/stored", "57"), Some((meter, 57)));
        for (topic, payload) in [
            ("mingqu/v1/d1/well-07/stored", ""),
            ("mingqu/v1/d1/well-07/stored", "+5"),
            ("mingqu/v1/d1/well-07/stored", "5 "),
            ("mingqu/v1/d1/well-07/stored", "18446744073709551616"),
            ("mingqu/v1/d2/well-07/stored", "5"),
            ("mingqu/v1/d1/Well/stored", "5"),
            ("mingqu/v1/d1/a/b/stored", "5"),
            ("mingqu/v1/d1/well-07/report", "5"),
        ] {
            assert_eq!(read(topic, payload), None, "{topic} {payload}");
        }
    }
}
