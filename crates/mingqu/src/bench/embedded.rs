//! Figures of the endpoint inside the server: full load, memory, disk, growth with meters and with what is stored.

use std::time::Duration;

use anyhow::Context;
use service::Clock;

use super::ceiling::{self, Check};
use super::expense::Expense;
use super::fleet::{Fleet, cores};
use super::ground::Ground;
use super::load::Target;
use super::process::Server;
use super::row::Row;
use super::statistics::{float, millis, percentile, rate};
use super::{Run, step, target};
use crate::clock::SystemClock;

/// Meters of the smaller districts, to show how the speed grows or falls with them.
const SMALLER_DISTRICTS: [u32; 2] = [100, 1_000];
/// The steady load, in reports a second.
pub const STEADY_REPORTS_PER_SECOND: u32 = 2_000;
/// Meters that were without a connection for a day, and their reports each.
const OUTAGE_METERS: u32 = 500;
const OUTAGE_REPORTS: usize = 24;
const MEBIBYTE: f64 = 1024.0 * 1024.0;
/// How long a server that has just started is left alone before its memory is looked at.
const SETTLE: Duration = Duration::from_secs(1);
const READINGS_PER_REPORT: f64 = 12.0;

/// Reports a second that verification and store alone allow.
pub struct Ceiling(f64);

impl Run<'_> {
    /// Signature checks alone, store alone, and both.
    pub(super) async fn ceilings(&mut self) -> anyhow::Result<Ceiling> {
        step("signature checks and store alone");
        let mut fleet = Fleet::new(self.plan.meters, self.plan.of_one_load())?;
        let reports = fleet.sign(fleet.len() + self.plan.reports)?;
        let keyed = ceiling::keyed(&fleet, &reports)?;
        for (check, what) in [(Check::Strict, "one by one"), (Check::Batch, "in batches of 256")] {
            for (threads, on) in [(1, "one core"), (cores(), "all cores")] {
                let value = ceiling::signature_checks(&keyed, check, threads)?;
                self.add(Row::new(
                    format!("signature checks alone, {what}, {on}"),
                    value,
                    "messages/s",
                ));
            }
        }
        drop(keyed);
        let (first, rest) = reports.split_at(fleet.len());
        let ground = self.found("store", &Fleet::new(1, 0)?).await?;
        let store = ground.store().await?;
        ceiling::store_alone(&store, &fleet, first).await?;
        let alone = ceiling::store_alone(&store, &fleet, rest).await?;
        self.add(Row::new("store alone", alone, "messages/s"));
        store.close().await;
        let ground = self.found("both", &Fleet::new(1, 0)?).await?;
        let store = ground.store().await?;
        ceiling::store_alone(&store, &fleet, first).await?;
        let both = ceiling::verification_and_store(&store, &fleet, rest)?;
        self.add(Row::new("verification and store", both, "messages/s"));
        store.close().await;
        Ok(Ceiling(both))
    }

    /// The endpoint under full load, under a steady one and after an outage; what it costs in memory and on disk.
    /// Returns the fleet, its district and the messages a second.
    pub(super) async fn embedded(
        &mut self,
        ceiling: Ceiling,
    ) -> anyhow::Result<(Fleet, Ground, f64)> {
        step("the embedded endpoint under full load");
        let mut fleet = Fleet::new(self.plan.meters, self.plan.of_all_loads())?;
        let ground = self.found("main", &fleet).await?;
        let server = Server::start(&ground, None)?;
        self.add(Row::new("start of the server", server.started_in.as_secs_f64(), "s"));
        tokio::time::sleep(SETTLE).await;
        let idle = server.process.memory_bytes().map(|(now, _)| float(now) / MEBIBYTE);
        let full = self.full_load(&server, &ground, &mut fleet, "embedded endpoint").await?;
        let peak = server.process.memory_bytes().map(|(_, peak)| float(peak) / MEBIBYTE);
        server.process.stop()?;
        self.add(
            Row::ratio("embedded endpoint", Some(full), "verification and store", Some(ceiling.0))
                .at_least(0.8),
        );
        self.add(Row::new("memory, serving idle", idle, "MiB").at_most(60.0));
        self.add(Row::new("memory, under full load", peak, "MiB").at_most(200.0));
        self.disk(&ground, &fleet, "");
        let server = Server::start(&ground, None)?;
        let at = target(server.endpoint()?, &ground);
        self.latency(at, &mut fleet, "embedded endpoint").await?;
        server.process.stop()?;
        self.outage().await?;
        Ok((fleet, ground, full))
    }

    /// Messages a second under full load, with the readings in them and what each cost the server.
    pub(super) async fn full_load(
        &mut self,
        server: &Server,
        ground: &Ground,
        fleet: &mut Fleet,
        name: &str,
    ) -> anyhow::Result<f64> {
        let at = target(server.endpoint()?, ground);
        // A meter is entered once in its life, with its first report; what counts is what comes after.
        let first = fleet.sign(fleet.len())?;
        at.burst(&first, fleet.hours()).await?;
        let reports = self.next_reports(fleet)?;
        let expense = Expense::of([("the server", &server.process)]);
        let time = at.burst(&reports, fleet.hours()).await?;
        let spent = expense.rows(name, reports.len());
        let speed = rate(reports.len(), time);
        self.add(Row::new(name, speed, "messages/s"));
        self.add(Row::new(name, speed * READINGS_PER_REPORT, "readings/s"));
        self.add_all(spent);
        Ok(speed)
    }

    /// The way from publishing to the receipt under a steady load.
    pub(super) async fn latency(
        &mut self,
        at: Target<'_>,
        fleet: &mut Fleet,
        name: &str,
    ) -> anyhow::Result<()> {
        step(&format!("a steady load, {name}"));
        let wanted = usize::try_from(STEADY_REPORTS_PER_SECOND * self.plan.seconds)?;
        let reports = fleet.sign(wanted)?;
        let (probe, rest) = reports.split_first().context("there are no reports")?;
        at.probe(probe).await?;
        let times = at.steady(rest, STEADY_REPORTS_PER_SECOND).await?;
        for (permille, shown) in [(500, "p50"), (990, "p99"), (1000, "longest")] {
            let name = format!(
                "publish to receipt at {STEADY_REPORTS_PER_SECOND} a second, {name}, {shown}"
            );
            let row = Row::new(name, percentile(&times, permille).map(millis), "ms");
            self.add(if shown == "p99" { row.at_most(50.0) } else { row });
        }
        Ok(())
    }

    /// What meters send that had no connection for a day.
    async fn outage(&mut self) -> anyhow::Result<()> {
        step("an outage of a day");
        let mut fleet = Fleet::new(OUTAGE_METERS, 0)?;
        let ground = self.found("outage", &fleet).await?;
        let server = Server::start(&ground, None)?;
        let at = target(server.endpoint()?, &ground);
        let reports = fleet.sign(fleet.len() * OUTAGE_REPORTS)?;
        let time = at.outage(&reports, fleet.hours()).await?;
        server.process.stop()?;
        let name = format!("outage of 24 h of {OUTAGE_METERS} meters stored after");
        self.add(Row::new(name, time.as_secs_f64(), "s").at_most(5.0));
        Ok(())
    }

    /// The same load on smaller districts.
    pub(super) async fn growth(&mut self, full: f64) -> anyhow::Result<()> {
        for meters in SMALLER_DISTRICTS.into_iter().filter(|meters| *meters < self.plan.meters) {
            step(&format!("the embedded endpoint with {meters} meters"));
            let mut fleet = Fleet::new(meters, self.plan.of_one_load())?;
            let ground = self.found(&meters.to_string(), &fleet).await?;
            let server = Server::start(&ground, None)?;
            let name = format!("embedded endpoint, {meters} meters");
            let speed = self.full_load(&server, &ground, &mut fleet, &name).await?;
            server.process.stop()?;
            self.add(Row::ratio(
                "embedded endpoint",
                Some(full),
                &format!("{meters} meters"),
                Some(speed),
            ));
        }
        Ok(())
    }

    /// Start, memory, speed and disk with many reports stored already.
    pub(super) async fn stored(
        &mut self,
        fleet: &mut Fleet,
        ground: &Ground,
        empty: f64,
    ) -> anyhow::Result<()> {
        if self.plan.stored == 0 {
            return Ok(());
        }
        let stored = self.plan.stored;
        step(&format!("storing {stored} reports beforehand"));
        let store = ground.store().await?;
        let hours = stored.div_ceil(u64::try_from(fleet.len())?);
        for batch in fleet.filler(hours)? {
            for part in batch?.chunks(store::MAX_REPORTS_PER_BATCH) {
                store.store_reports(SystemClock.now(), part, &[]).await?;
            }
        }
        store.close().await;
        self.disk(ground, fleet, &format!(", {stored} reports stored"));
        let server = Server::start(ground, None)?;
        let start = server.started_in.as_secs_f64();
        self.add(
            Row::new(format!("start of the server, {stored} reports stored"), start, "s")
                .at_most(0.5),
        );
        tokio::time::sleep(SETTLE).await;
        let idle = server.process.memory_bytes().map(|(now, _)| float(now) / MEBIBYTE);
        self.add(
            Row::new(format!("memory, serving idle, {stored} reports stored"), idle, "MiB")
                .at_most(60.0),
        );
        let name = format!("embedded endpoint, {stored} reports stored");
        let speed = self.full_load(&server, ground, fleet, &name).await?;
        self.add(Row::ratio(&name, Some(speed), "empty database", Some(empty)).at_least(0.8));
        server.process.stop()
    }

    /// What one reading takes on the disk, with its share of the index.
    fn disk(&mut self, ground: &Ground, fleet: &Fleet, when: &str) {
        let readings = fleet.reports() * READINGS_PER_REPORT;
        let bytes = ground.bytes_of_reports().map(|bytes| bytes / readings);
        self.add(
            Row::new(format!("disk per five-minute reading{when}"), bytes, "bytes").at_most(25.0),
        );
    }
}
