//! What meters do to a server: all at once as fast as it goes, at a steady pace, or after a day without a connection.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, ensure};
use firmware_sim::Outgoing;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::fleet::number;
use super::line::{Ear, Heard, Line, Load};

/// Connections that share a load: gateways rather than single meters.
const CONNECTIONS: usize = 32;
/// How long the slowest machine may take for one load.
const PATIENCE: Duration = Duration::from_mins(15);
/// How often a probe is sent until it is answered.
const PROBE_INTERVAL: Duration = Duration::from_millis(100);
/// How often a steady load sends what has become due.
const PACE: Duration = Duration::from_millis(1);

/// Where a load goes.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The server's endpoint, or a broker.
    pub address: SocketAddr,
    /// The district.
    pub district: &'a str,
}

impl Target<'_> {
    /// A connection that hears every receipt.
    pub async fn receipts(self) -> anyhow::Result<Receipts> {
        let mut line = Line::open(self.address, "bench-receipts").await?;
        line.subscribe(&format!("mingqu/v1/{}/+/stored", self.district)).await?;
        Ok(Receipts(line))
    }

    /// Publishes reports as fast as their acknowledgements allow; returns when all are acknowledged.
    pub async fn publish(self, reports: &[Outgoing]) -> anyhow::Result<()> {
        let lines = self.lines(reports).await?;
        patiently(publish_all(lines)).await
    }

    /// Publishes reports as fast as it goes and returns how long it took until their receipts were there; `until` is the
    /// receipt of a meter's last report.
    pub async fn burst(self, reports: &[Outgoing], until: u64) -> anyhow::Result<Duration> {
        let mut receipts = self.receipts().await?;
        let lines = self.lines(reports).await?;
        let began = Instant::now();
        patiently(async { tokio::try_join!(publish_all(lines), receipts.all_of(reports, until)) })
            .await?;
        Ok(began.elapsed())
    }

    /// Publishes reports at a steady pace and returns, sorted, how long after its time each one's receipt came. A report
    /// that is sent late because the one before was slow counts from when it was due.
    pub async fn steady(
        self,
        reports: &[Outgoing],
        per_second: u32,
    ) -> anyhow::Result<Vec<Duration>> {
        let mut receipts = self.receipts().await?;
        let mut lines = Vec::new();
        let mut listening = JoinSet::new();
        for index in 0..CONNECTIONS {
            let line = Line::open(self.address, &format!("bench-{index}")).await?;
            let (mut ear, mouth) = line.split();
            // Acknowledgements have to be read, or the server would stop reading.
            listening.spawn(async move { while ear.hear().await.is_ok() {} });
            lines.push(mouth);
        }
        let loads: Vec<Load> = reports
            .iter()
            .map(|report| {
                let mut load = Load::default();
                load.push(self.district, report);
                load
            })
            .collect();
        let began = Instant::now();
        let due = |index: usize| {
            began + Duration::from_secs(1) * u32::try_from(index).unwrap_or(u32::MAX) / per_second
        };
        let sending = async {
            let mut ticks = tokio::time::interval(PACE);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            let mut next = 0;
            while next < loads.len() {
                ticks.tick().await;
                let now = Instant::now();
                while let Some(load) = loads.get(next).filter(|_| due(next) <= now) {
                    let line = next % CONNECTIONS;
                    lines[line].write_all(load.packets(0, 1)).await?;
                    next += 1;
                }
            }
            anyhow::Ok(())
        };
        let hearing = latencies(&mut receipts.0.ear, reports, due);
        let ((), mut latencies) = patiently(async { tokio::try_join!(sending, hearing) }).await?;
        latencies.sort();
        Ok(latencies)
    }

    /// Lets every meter connect by itself and send all that it kept; returns how long it took until each had its
    /// receipt.
    pub async fn outage(self, reports: &[Outgoing], until: u64) -> anyhow::Result<Duration> {
        let mut by_meter: HashMap<&str, Load> = HashMap::new();
        for report in reports {
            by_meter.entry(report.meter.as_str()).or_default().push(self.district, report);
        }
        let mut meters = JoinSet::new();
        let began = Instant::now();
        for (meter, load) in by_meter {
            let filter = format!("mingqu/v1/{}/{meter}/stored", self.district);
            let client = meter.to_owned();
            meters.spawn(async move {
                let mut line = Line::open(self.address, &client).await?;
                line.subscribe(&filter).await?;
                line.mouth.write_all(load.packets(0, load.len())).await?;
                stored(&mut line.ear, 1, until).await
            });
        }
        patiently(all(meters)).await?;
        Ok(began.elapsed())
    }

    /// Publishes one report again and again until its receipt comes: from then on whoever listens behind a broker does.
    pub async fn probe(self, report: &Outgoing) -> anyhow::Result<()> {
        let mut receipts = self.receipts().await?;
        let mut line = Line::open(self.address, "bench-probe").await?;
        let mut load = Load::default();
        load.push(self.district, report);
        patiently(async {
            let mut ticks = tokio::time::interval(PROBE_INTERVAL);
            loop {
                tokio::select! {
                    heard = receipts.0.ear.hear() => return heard.map(|_| ()),
                    _ = ticks.tick() => line.mouth.write_all(load.packets(0, 1)).await?,
                }
            }
        })
        .await
    }

    /// Lets the broker forget a client's session, with whatever waits in it.
    pub async fn forget(self, client_id: &str) -> anyhow::Result<()> {
        Line::open(self.address, client_id).await.map(|_| ())
    }

    async fn lines(self, reports: &[Outgoing]) -> anyhow::Result<Vec<(Load, Line)>> {
        let mut lines = Vec::new();
        for (index, load) in
            Load::dealt(self.district, reports, CONNECTIONS).into_iter().enumerate()
        {
            lines.push((load, Line::open(self.address, &format!("bench-{index}")).await?));
        }
        Ok(lines)
    }
}

async fn publish_all(lines: Vec<(Load, Line)>) -> anyhow::Result<()> {
    let mut publishing = JoinSet::new();
    for (load, mut line) in lines {
        publishing.spawn(async move { line.publish(&load).await });
    }
    all(publishing).await
}

async fn all(mut tasks: JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

/// A connection that hears every receipt of a district.
pub struct Receipts(Line);

impl Receipts {
    /// Waits until every meter of these reports has the receipt `until`.
    pub async fn all_of(&mut self, reports: &[Outgoing], until: u64) -> anyhow::Result<()> {
        let meters: HashSet<_> = reports.iter().map(|report| &report.meter).collect();
        patiently(stored(&mut self.0.ear, meters.len(), until)).await
    }
}

/// Waits until this many meters have the receipt `until`.
async fn stored(receipts: &mut Ear, meters: usize, until: u64) -> anyhow::Result<()> {
    let mut done = HashSet::new();
    while done.len() < meters {
        if let Heard::Receipt { meter, stored } = receipts.hear().await?
            && stored >= until
        {
            done.insert(meter);
        }
    }
    Ok(())
}

/// How long after it was due each report had its receipt.
async fn latencies(
    receipts: &mut Ear,
    reports: &[Outgoing],
    due: impl Fn(usize) -> Instant,
) -> anyhow::Result<Vec<Duration>> {
    let mut waiting: HashMap<usize, Vec<(u64, usize)>> = HashMap::new();
    for (index, report) in reports.iter().enumerate() {
        waiting.entry(number(report.meter.as_str())).or_default().push((report.seq, index));
    }
    let mut latencies = Vec::with_capacity(reports.len());
    while latencies.len() < reports.len() {
        let Heard::Receipt { meter, stored } = receipts.hear().await? else { continue };
        let now = Instant::now();
        let waiting = waiting.get_mut(&meter).context("a receipt of a meter that sent nothing")?;
        waiting.retain(|(seq, index)| {
            let covered = *seq <= stored;
            if covered {
                latencies.push(now.saturating_duration_since(due(*index)));
            }
            !covered
        });
    }
    Ok(latencies)
}

async fn patiently<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let done = tokio::time::timeout(PATIENCE, work).await;
    ensure!(done.is_ok(), "the reports were not all stored within {} s", PATIENCE.as_secs());
    done?
}
