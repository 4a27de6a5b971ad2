//! A field's way to the broker: a few connections that its meters share, or one for each meter.

use std::collections::HashMap;
use std::num::NonZeroU16;
use std::sync::Arc;

use telemetry::MeterId;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::ledger::{Ledger, LedgerSummary};
use crate::options::{Broker, PublisherError, PublisherOptions};
use crate::{Happening, Mishaps, Occurrence, Publisher};

/// The most connections that meters share.
pub const MAX_SHARED_CONNECTIONS: u16 = 64;
/// How many connections ask the broker to be accepted at once.
pub const MAX_CONNECTING: usize = 128;

/// How meters are connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connections {
    /// So many, at most [`MAX_SHARED_CONNECTIONS`], that all meters share. A meter's outage only keeps its reports.
    Shared(NonZeroU16),
    /// Each meter has its own, with its id as client id, a retained `online`, and `offline` as its last will. In an
    /// outage it breaks off.
    OnePerMeter,
}

/// The connections, and which meter speaks on which.
#[derive(Debug)]
pub struct Uplink {
    options: PublisherOptions,
    connections: Connections,
    turns: Arc<Semaphore>,
    lines: Vec<Publisher>,
    line_of: HashMap<MeterId, usize>,
}

impl Uplink {
    /// Starts to connect what is shared; a meter's own connection starts with the meter. Needs a tokio runtime.
    pub fn start(
        options: PublisherOptions,
        connections: Connections,
    ) -> Result<Self, PublisherError> {
        let turns = Arc::new(Semaphore::new(MAX_CONNECTING));
        let mut uplink =
            Self { options, connections, turns, lines: Vec::new(), line_of: HashMap::new() };
        if let Connections::Shared(number) = connections {
            let number = number.get().min(MAX_SHARED_CONNECTIONS);
            for index in 1..=number {
                uplink.connect(uplink.shared_options(index, number))?;
            }
        }
        Ok(uplink)
    }

    /// Connects a meter, if it has no line yet.
    pub fn connect_meter(&mut self, meter: &MeterId) -> Result<(), PublisherError> {
        self.line(meter).map(|_| ())
    }

    /// Carries what happened to a meter to its line: a report, or the radio.
    pub async fn take(&mut self, happening: Happening) -> Result<(), PublisherError> {
        let own = self.connections == Connections::OnePerMeter;
        let line = self.line(&happening.meter)?;
        let Some(line) = self.lines.get(line) else { return Ok(()) };
        match happening.what {
            Occurrence::Report(report) => {
                line.publish(&report.meter, report.seq, report.bytes).await?;
            }
            Occurrence::RadioLost if own => line.set_radio(false),
            Occurrence::RadioBack if own => line.set_radio(true),
            Occurrence::Removed if own => line.leave(),
            Occurrence::RadioLost
            | Occurrence::RadioBack
            | Occurrence::Installed
            | Occurrence::Removed
            | Occurrence::Befell { .. } => {}
        }
        Ok(())
    }

    /// Returns once every report has its receipt.
    pub async fn drained(&self) -> Result<(), PublisherError> {
        for line in &self.lines {
            line.drained().await?;
        }
        Ok(())
    }

    /// Reports without a receipt.
    pub fn outstanding(&self) -> usize {
        self.lines.iter().map(Publisher::outstanding).sum()
    }

    /// Connections that the broker has accepted and not closed since.
    pub fn connected(&self) -> usize {
        self.lines.iter().filter(|line| line.connected()).count()
    }

    /// All ledgers' sums so far.
    pub fn summary(&self) -> LedgerSummary {
        let none = LedgerSummary::default();
        self.lines.iter().fold(none, |sums, line| sums.plus(line.summary()))
    }

    /// One meter's sums so far.
    pub fn summary_of(&self, meter: &MeterId) -> LedgerSummary {
        let line = self.line_of.get(meter).and_then(|line| self.lines.get(*line));
        line.map_or_else(LedgerSummary::default, |line| line.summary_of(meter))
    }

    /// How many first tries went wrong, and how.
    pub fn mishaps(&self) -> Mishaps {
        let none = Mishaps::default();
        self.lines.iter().fold(none, |sums, line| sums.plus(line.mishaps()))
    }

    /// Says farewell on every line.
    pub async fn shutdown(self) -> Result<(), PublisherError> {
        let mut farewells = JoinSet::new();
        for line in self.lines {
            farewells.spawn(line.shutdown());
        }
        while let Some(farewell) = farewells.join_next().await {
            // A farewell that panicked has nothing to tell.
            if let Ok(ended) = farewell {
                ended?;
            }
        }
        Ok(())
    }

    /// The meter's line; a new one, or the next of those that are shared, when it has none yet.
    fn line(&mut self, meter: &MeterId) -> Result<usize, PublisherError> {
        if let Some(line) = self.line_of.get(meter) {
            return Ok(*line);
        }
        let line = match self.connections {
            Connections::Shared(_) => self.line_of.len() % self.lines.len().max(1),
            Connections::OnePerMeter => {
                self.connect(self.options.of_meter(meter))?;
                self.lines.len() - 1
            }
        };
        self.line_of.insert(meter.clone(), line);
        Ok(line)
    }

    fn connect(&mut self, options: PublisherOptions) -> Result<(), PublisherError> {
        let turns = Arc::clone(&self.turns);
        self.lines.push(Publisher::start_in_turn(options, Ledger::counting(), turns)?);
        Ok(())
    }

    /// One of several that share what may wait. A single one keeps its client id.
    fn shared_options(&self, index: u16, number: u16) -> PublisherOptions {
        let client_id = match number {
            1 => self.options.broker.client_id.clone(),
            _ => format!("{}-{index}", self.options.broker.client_id),
        };
        let max_outstanding_reports =
            (self.options.max_outstanding_reports / usize::from(number)).max(1);
        PublisherOptions {
            broker: Broker { client_id, ..self.options.broker.clone() },
            max_outstanding_reports,
            ..self.options.clone()
        }
    }
}
