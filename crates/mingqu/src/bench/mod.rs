//! `mingqu bench ingest`: what the way from a meter's report to the disk gives on this machine, beside what the machine
//! gives at most and beside what a script of the usual kind does with the same reports.
//!
//! Everything is a program of its own, as in service: the server is `mingqu serve` on a district founded like any
//! other, the broker a Mosquitto, the peer a Python script. The meters are this process; all of their reports are
//! signed before a clock starts.

pub mod audit;
mod broker;
mod ceiling;
mod client;
mod embedded;
mod expense;
mod fleet;
mod ground;
mod line;
mod load;
mod machine;
mod peer;
pub mod post;
mod process;
mod row;
pub mod settle;
mod statistics;

use std::net::SocketAddr;
use std::path::Path;

use firmware_sim::Outgoing;

use crate::command::tell;
use fleet::Fleet;
use ground::Ground;
use load::Target;

/// Full loads on one district.
const FULL_LOADS: u64 = 6;

pub use machine::description as machine;
pub use row::{Row, medians, table};

/// What is to be measured.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The database; `None` for SQLite files of the benchmark's own.
    pub database: Option<String>,
    /// A broker; `None` for a Mosquitto of the benchmark's own.
    pub broker: Option<SocketAddr>,
    /// How many meters report.
    pub meters: u32,
    /// Reports of each throughput figure.
    pub reports: usize,
    /// Reports that are stored before the last figures; 0 leaves those out.
    pub stored: u64,
    /// How long the steady load lasts, in seconds.
    pub seconds: u32,
    /// The Python that runs the peer; `None` leaves the peer out.
    pub python: Option<String>,
}

impl Plan {
    fn of_one_load(&self) -> u64 {
        u64::try_from(self.reports).unwrap_or(u64::MAX)
    }

    /// Reports of the district on which most is measured: full loads, steady loads, and what is stored beforehand.
    fn of_all_loads(&self) -> u64 {
        let steady = 2 * u64::from(self.seconds) * u64::from(embedded::STEADY_REPORTS_PER_SECOND);
        self.of_one_load().saturating_mul(FULL_LOADS).saturating_add(steady + self.stored)
    }
}

/// One run, with what it has found so far.
struct Run<'a> {
    plan: &'a Plan,
    folder: &'a Path,
    /// Tells the districts of several runs in one database apart.
    number: u32,
    rows: Vec<Row>,
}

/// Measures everything once.
pub async fn run(plan: &Plan, number: u32) -> anyhow::Result<Vec<Row>> {
    let folder = tempfile::Builder::new().prefix("mingqu-bench-").tempdir()?;
    let mut run = Run { plan, folder: folder.path(), number, rows: Vec::new() };
    let ceiling = run.ceilings().await?;
    let (mut fleet, ground, embedded) = run.embedded(ceiling).await?;
    run.growth(embedded).await?;
    run.broker(&mut fleet, &ground).await?;
    run.stored(&mut fleet, &ground, embedded).await?;
    Ok(run.rows)
}

impl Run<'_> {
    fn add(&mut self, row: Row) {
        tell(&row.to_string());
        self.rows.push(row);
    }

    fn add_all(&mut self, rows: Vec<Row>) {
        for row in rows {
            self.add(row);
        }
    }

    /// Founds a district with a fleet.
    async fn found(&self, name: &str, fleet: &Fleet) -> anyhow::Result<Ground> {
        let code = format!("bench-{}-{name}", self.number);
        Ground::found(self.folder, &code, self.plan.database.as_deref(), fleet).await
    }

    /// The next reports of a fleet, enough for one figure.
    fn next_reports(&self, fleet: &mut Fleet) -> anyhow::Result<Vec<Outgoing>> {
        fleet.sign(self.plan.reports)
    }
}

/// Says what is measured now.
fn step(what: &str) {
    tell(&format!("  {what} …"));
}

/// Where the meters of a district publish.
fn target(address: SocketAddr, ground: &Ground) -> Target<'_> {
    Target { address, district: ground.district.as_str() }
}
