//! Sends reports to a broker and keeps each until the server's receipt covers it.
//!
//! One task polls the connection and never waits for anything else; whoever has news (a new report, an
//! acknowledgement, a passed interval) takes a short lock and queues what is due without waiting. So no task can
//! wait for another in a circle.

mod receipt;
mod tasks;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rumqttc::AsyncClient;
use telemetry::MeterId;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::Mishaps;
use crate::ledger::{Ledger, LedgerError, LedgerSummary};
use crate::link::Link;
use crate::options::{PublisherError, PublisherOptions};
use crate::outbox::Outbox;
use receipt::parse_receipt;
use tasks::{stay_connected, watch_the_time};

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
        Self::start_in_turn(options, ledger, Arc::new(Semaphore::new(1)))
    }

    /// Starts to connect once there is a permit, which is given back when the broker has answered. So many
    /// connections do not all ask at once.
    pub(crate) fn start_in_turn(
        options: PublisherOptions,
        ledger: Ledger,
        turns: Arc<Semaphore>,
    ) -> Result<Self, PublisherError> {
        options.check()?;
        let shared = Arc::new(Shared::new(options, ledger));
        let tasks = vec![
            tokio::spawn(stay_connected(shared.clone(), turns)),
            tokio::spawn(watch_the_time(shared.clone())),
        ];
        Ok(Self { shared, tasks })
    }

    /// Takes a report over; waits only while as many as the options allow have no receipt.
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

    /// Loses or regains the radio. Without it the connection breaks off and says no farewell, and reports are kept.
    pub fn set_radio(&self, on: bool) {
        self.shared.radio.send_if_modified(|radio| std::mem::replace(radio, on) != on);
    }

    /// Says farewell to the broker as soon as every report has its receipt.
    pub fn leave(&self) {
        let mut state = self.shared.state();
        state.leaving = true;
        self.shared.leave_if_done(&mut state);
    }

    /// How many first tries went wrong, and how.
    pub fn mishaps(&self) -> Mishaps {
        self.shared.state().outbox.mishaps()
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

    /// The ledger's sums of one meter so far.
    pub fn summary_of(&self, meter: &MeterId) -> LedgerSummary {
        self.shared.state().ledger.summary_of(meter)
    }

    /// Says farewell to the broker and yields the ledger.
    pub async fn shutdown(mut self) -> Result<Ledger, PublisherError> {
        self.shared.closing.send_replace(true);
        let farewell = self.shared.state().link.as_mut().is_some_and(Link::disconnect);
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
    /// When a report is due that could be sent then.
    alarm: watch::Sender<Option<Instant>>,
    radio: watch::Sender<bool>,
    closing: watch::Sender<bool>,
}

#[derive(Debug)]
struct State {
    outbox: Outbox,
    ledger: Ledger,
    link: Option<Link>,
    failure: Option<LedgerError>,
    leaving: bool,
}

impl Shared {
    fn new(options: PublisherOptions, ledger: Ledger) -> Self {
        let outbox = Outbox::new(options.resend_interval, options.faults, options.seed);
        let state = Mutex::new(State { outbox, ledger, link: None, failure: None, leaving: false });
        Self {
            options,
            state,
            news: watch::Sender::new(()),
            alarm: watch::Sender::new(None),
            radio: watch::Sender::new(true),
            closing: watch::Sender::new(false),
        }
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
        if state.ledger.is_receipted(meter, seq) {
            return Ok(true);
        }
        if state.outbox.len() >= self.options.max_outstanding_reports {
            return Ok(false);
        }
        state.outbox.keep(meter, seq, bytes.clone());
        self.send_due(&mut state);
        Ok(true)
    }

    fn send_due(&self, state: &mut State) {
        let Some(link) = &mut state.link else {
            self.set_alarm(None);
            return;
        };
        let now = Instant::now();
        let has_room = |link: &Link| link.in_flight() < self.options.in_flight_reports.into();
        while has_room(link)
            && let Some(due) = state.outbox.next(now)
        {
            let topic = format!("mingqu/v1/{}/{}/report", self.options.district, due.key.0);
            link.send(&topic, &due);
        }
        // Without room it is an acknowledgement that matters next, not the time.
        self.set_alarm(state.outbox.next_due().filter(|_| has_room(link)));
    }

    fn set_alarm(&self, due: Option<Instant>) {
        self.alarm.send_if_modified(|alarm| std::mem::replace(alarm, due) != due);
    }

    fn leave_if_done(&self, state: &mut State) {
        if state.leaving && state.outbox.len() == 0 && !self.closing.send_replace(true) {
            let _told = state.link.as_mut().is_some_and(Link::disconnect);
        }
    }

    fn connected(&self, client: AsyncClient) {
        let mut state = self.state();
        let mut link = Link::new(client, &self.options);
        if *self.closing.borrow() {
            let _told = link.disconnect();
        }
        state.link = Some(link);
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
        self.leave_if_done(state);
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
