//! Figures of the way through a broker: live, from its backlog, beside the broker alone and beside the peer script.

use std::time::Instant;

use anyhow::Context;
use firmware_sim::Outgoing;

use super::client::{self, Client};
use super::expense::Expense;
use super::fleet::Fleet;
use super::ground::Ground;
use super::load::Target;
use super::peer::Peer;
use super::process::{Mosquitto, Process, Server};
use super::row::Row;
use super::statistics::rate;
use super::{Run, step, target};
use crate::command::tell;

/// How much less of the reports the peer gets, so that its figures take no longer than the others.
const PEER_SHARE: usize = 4;

/// Whether the messages come while they are taken, or wait at the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Live,
    Backlog,
}

impl Mode {
    const BOTH: [Self; 2] = [Self::Live, Self::Backlog];

    fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Backlog => "backlog",
        }
    }
}

impl Run<'_> {
    /// All that goes through a broker; without one, only the names of what is missing.
    pub(super) async fn broker(
        &mut self,
        fleet: &mut Fleet,
        ground: &Ground,
    ) -> anyhow::Result<()> {
        let own = match self.plan.broker {
            Some(_) => None,
            None => Mosquitto::start(self.folder)?,
        };
        let Some(address) = self.plan.broker.or(own.as_ref().map(|own| own.address)) else {
            tell(
                "no broker: install mosquitto, or name one with --broker; its figures are missing",
            );
            self.without_broker();
            return Ok(());
        };
        let at = target(address, ground);
        let reports = self.next_reports(fleet)?;
        let way = Way { at, broker: own.as_ref().map(|own| &own.process), ground };
        // The same reports for all who do not store them in Mingqu's database.
        let mut alone = [None; 2];
        let mut peer = [None; 2];
        for (mode, (alone, peer)) in Mode::BOTH.into_iter().zip(alone.iter_mut().zip(&mut peer)) {
            let name = format!("broker and client alone, {}", mode.name());
            step(&name);
            let (speed, spent) = way.measure_alone(&name, &reports, mode).await?;
            self.add_all(spent);
            *alone = Some(speed);
            *peer = self.peer(at, fleet, &reports, mode).await?;
        }
        self.through_broker(way, fleet, reports, alone, peer).await?;
        let server = Server::start(ground, Some(&address.to_string()))?;
        self.latency(at, fleet, "through the broker").await?;
        server.process.stop()
    }

    /// The server behind the broker, beside what was measured without it.
    async fn through_broker(
        &mut self,
        way: Way<'_>,
        fleet: &mut Fleet,
        first: Vec<Outgoing>,
        alone: [Option<f64>; 2],
        peer: [Option<f64>; 2],
    ) -> anyhow::Result<()> {
        let mut first = Some(first);
        for ((mode, alone), peer) in Mode::BOTH.into_iter().zip(alone).zip(peer) {
            // What is signed has to be sent: a meter's receipts stop at the first report that is missing.
            let reports = first.take().map_or_else(|| self.next_reports(fleet), Ok)?;
            step(&format!("through the broker, {}", mode.name()));
            let name = format!("through the broker, {}", mode.name());
            let (speed, spent) = way.measure(&name, &reports, fleet.hours(), mode).await?;
            let ratio = Row::ratio(&name, Some(speed), "broker and client alone", alone);
            self.add(if mode == Mode::Live { ratio.at_least(0.85) } else { ratio });
            self.add(Row::ratio(&name, Some(speed), "peer script", peer).at_least(5.0));
            self.add(Row::new(&name, speed, "messages/s"));
            self.add_all(spent);
            let alone_name = format!("broker and client alone, {}", mode.name());
            self.add(Row::new(alone_name, alone, "messages/s"));
            self.add(Row::new(format!("peer script, {}", mode.name()), peer, "messages/s"));
        }
        Ok(())
    }

    fn without_broker(&mut self) {
        for mode in Mode::BOTH {
            let name = format!("through the broker, {}", mode.name());
            self.add(Row::ratio(&name, None, "broker and client alone", None));
            self.add(Row::ratio(&name, None, "peer script", None).at_least(5.0));
            self.add(Row::new(&name, None, "messages/s"));
        }
    }

    /// Messages a second of the peer; none when it is left out or cannot run here.
    async fn peer(
        &self,
        at: Target<'_>,
        fleet: &Fleet,
        reports: &[Outgoing],
        mode: Mode,
    ) -> anyhow::Result<Option<f64>> {
        let Some(python) = &self.plan.python else { return Ok(None) };
        let peer = match Peer::new(python, self.folder, at.district, at.address, fleet) {
            Ok(peer) => peer,
            Err(error) => {
                tell(&format!("the peer script is left out: {error:#}"));
                return Ok(None);
            }
        };
        step(&format!("the peer script, {}", mode.name()));
        let (share, _) = reports.split_at(reports.len() / PEER_SHARE);
        let name = format!("peer-{}", mode.name());
        let mut process = peer.start(&name, share.len())?;
        if mode == Mode::Backlog {
            // The broker keeps what comes for a session that it has seen.
            drop(process);
            at.publish(share).await?;
            process = peer.start(&name, share.len())?;
        }
        if mode == Mode::Live {
            at.publish(share).await?;
        }
        let time = tokio::task::block_in_place(|| Peer::finish(&process))?;
        at.forget(&name).await?;
        Ok(Some(rate(share.len(), time)))
    }
}

/// The way of a report: the meters' side, the broker, the server's district.
#[derive(Clone, Copy)]
struct Way<'a> {
    at: Target<'a>,
    /// The broker's process, if it is the benchmark's own.
    broker: Option<&'a Process>,
    ground: &'a Ground,
}

impl Way<'_> {
    /// Messages a second through the broker into the server's database, to the last receipt, and where the time went.
    async fn measure(
        self,
        name: &str,
        reports: &[Outgoing],
        until: u64,
        mode: Mode,
    ) -> anyhow::Result<(f64, Vec<Row>)> {
        let Self { at, ground, .. } = self;
        let broker = at.address.to_string();
        let mut server = Server::start(ground, Some(&broker))?;
        let (probe, rest) = reports.split_first().context("there are no reports")?;
        at.probe(probe).await?;
        let waiting = match mode {
            Mode::Live => None,
            Mode::Backlog => {
                server.process.stop()?;
                at.publish(rest).await?;
                let waiting = at.receipts().await?;
                server = Server::start(ground, Some(&broker))?;
                Some(waiting)
            }
        };
        let expense = self.expense(Some(&server.process));
        let time = match waiting {
            None => at.burst(rest, until).await?,
            Some(mut receipts) => {
                let began = Instant::now();
                receipts.all_of(rest, until).await?;
                began.elapsed()
            }
        };
        let spent = expense.rows(name, rest.len());
        server.process.stop()?;
        at.forget(&format!("mingqu-{}", ground.district)).await?;
        Ok((rate(rest.len(), time), spent))
    }
    /// Messages a second through the broker and the server's client, which hands them to a store that keeps nothing,
    /// and where the time went; the client runs in the process of the load.
    async fn measure_alone(
        self,
        name: &str,
        reports: &[Outgoing],
        mode: Mode,
    ) -> anyhow::Result<(f64, Vec<Row>)> {
        let at = self.at;
        let (probe, rest) = reports.split_first().context("there are no reports")?;
        let mut client = Client::start(at)?;
        at.probe(probe).await?;
        if mode == Mode::Backlog {
            client.stop().await;
            at.publish(rest).await?;
            client = Client::start(at)?;
        }
        let before = client.taken();
        let expense = self.expense(None);
        let began = Instant::now();
        if mode == Mode::Live {
            at.publish(rest).await?;
        }
        client.until_taken(before + u64::try_from(rest.len())?).await;
        let time = began.elapsed();
        let spent = expense.rows(name, rest.len());
        client.stop().await;
        at.forget(client::CLIENT_ID).await?;
        Ok((rate(rest.len(), time), spent))
    }

    /// Counts from now on what the server, if there is one, and the broker cost.
    fn expense(self, server: Option<&Process>) -> Expense {
        let own = [("the server", server), ("the broker", self.broker)];
        Expense::of(own.into_iter().filter_map(|(name, process)| Some((name, process?))))
    }
}
