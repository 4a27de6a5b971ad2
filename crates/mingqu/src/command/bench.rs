//! `mingqu bench`: figures that anyone can measure again.

use std::net::{SocketAddr, ToSocketAddrs};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

use super::{print, tell};
use crate::Verdict;
use crate::bench::{self, Plan, Row};

/// The most meters of one run: their reports and receipts have to fit one connection's limits.
const MAX_METERS: u32 = 16_000;
/// The most reports of one meter: one an hour for nine years.
const MAX_REPORTS_PER_METER: u64 = 80_000;

/// The longest log that is made.
const MAX_AUDITED_ENTRIES: i64 = 1_200_000;

/// What can be measured.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Durable, verified readings a second, through a broker and without, beside what the machine gives at most.
    Ingest(IngestArgs),
    /// Entries of a synthetic log audited a second, beside strict verification of as many signatures on all cores.
    Audit(BenchAuditArgs),
    /// Co-signed statements posted a second, on disk and cosigned by a witness; proofs and tiles, in a growing log.
    Post(BenchPostArgs),
    /// A year's bills of many households, reckoned from their waterings and stored, beside the store alone.
    Settle(BenchSettleArgs),
}

/// What `bench settle` takes.
#[derive(Debug, Args)]
pub struct BenchSettleArgs {
    /// How many households; 1000000 take some minutes and 12 GB of disk.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=2_000_000))]
    pub households: u32,
    /// An empty database: `sqlite:PATH` or `postgres://USER@HOST/DATABASE`. Without it, SQLite in a temporary folder.
    #[arg(long)]
    pub database: Option<String>,
    /// Print one JSON object a line instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// What `bench post` takes.
#[derive(Debug, Args)]
pub struct BenchPostArgs {
    /// How many entries the log has, in rising order; 1000000 take some minutes and 3 GB of disk.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000, 100_000], value_parser = clap::value_parser!(u32).range(500..=MAX_AUDITED_ENTRIES))]
    pub entries: Vec<u32>,
    /// Statements that are posted together for a figure.
    #[arg(long, default_value_t = 4_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub statements: u32,
    /// An empty database: `sqlite:PATH` or `postgres://USER@HOST/DATABASE`. Without it, SQLite in a temporary folder.
    #[arg(long)]
    pub database: Option<String>,
    /// Print one JSON object a line instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// What `bench audit` takes.
#[derive(Debug, Args)]
pub struct BenchAuditArgs {
    /// How many entries the logs have, one after the other; 1000000 take some minutes and 6 GB of disk.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000, 100_000], value_parser = clap::value_parser!(u32).range(100..=MAX_AUDITED_ENTRIES))]
    pub entries: Vec<u32>,
    /// Print one JSON object a line instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// What `bench ingest` takes.
#[derive(Debug, Args)]
pub struct IngestArgs {
    /// An empty database: `sqlite:PATH` or `postgres://USER@HOST/DATABASE`. Without it, SQLite in a temporary folder.
    #[arg(long)]
    pub database: Option<String>,
    /// A broker, as HOST:PORT. Without it, a Mosquitto is started where one is installed.
    #[arg(long)]
    pub broker: Option<String>,
    /// Print one JSON object a line instead of a table.
    #[arg(long)]
    pub json: bool,
    /// How many meters report.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_METERS)))]
    pub meters: u32,
    /// Reports of each throughput figure.
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub reports: u32,
    /// Measure again with this many reports stored beforehand; 10,000,000 take some minutes and gigabytes.
    #[arg(long, default_value_t = 0)]
    pub stored: u64,
    /// How long the steady load lasts, in seconds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub seconds: u32,
    /// Measure everything so often and give the medians.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub repeat: u32,
    /// The Python that runs the peer script.
    #[arg(long, default_value = "python3")]
    pub python: String,
    /// Leave the peer script out.
    #[arg(long)]
    pub without_peer: bool,
}

/// Measures and prints.
pub async fn run(command: BenchCommand) -> anyhow::Result<Verdict> {
    let args = match command {
        BenchCommand::Ingest(args) => args,
        BenchCommand::Audit(args) => {
            let rows = bench::audit::run(&args.entries)?;
            show(&rows, args.json, &bench::machine(None))?;
            return Ok(Verdict::Good);
        }
        BenchCommand::Post(args) => {
            let statements = usize::try_from(args.statements)?;
            let rows =
                bench::post::run(&args.entries, statements, args.database.as_deref()).await?;
            show(&rows, args.json, &bench::machine(None))?;
            return Ok(Verdict::Good);
        }
        BenchCommand::Settle(args) => {
            let households = usize::try_from(args.households)?;
            let rows = bench::settle::run(households, args.database.as_deref()).await?;
            show(&rows, args.json, &bench::machine(None))?;
            return Ok(Verdict::Good);
        }
    };
    let plan = plan(&args)?;
    let mut runs: Vec<Vec<Row>> = Vec::new();
    for number in 1..=args.repeat {
        tell(&format!("run {number} of {}", args.repeat));
        runs.push(bench::run(&plan, number).await?);
    }
    show(&bench::medians(&runs), args.json, &bench::machine(plan.python.as_deref()))?;
    Ok(Verdict::Good)
}

fn show(rows: &[Row], json: bool, machine: &str) -> anyhow::Result<()> {
    if json {
        for row in rows {
            print(&serde_json::to_string(row)?)?;
        }
        return Ok(());
    }
    print(&bench::table(rows))?;
    print(&format!("\n{machine}"))
}

fn plan(args: &IngestArgs) -> anyhow::Result<Plan> {
    let reports = u64::from(args.reports);
    // Full load six times, and the smallest district takes one load alone.
    let most =
        (6 * reports + args.stored).div_ceil(u64::from(args.meters)).max(reports.div_ceil(100));
    if most > MAX_REPORTS_PER_METER {
        bail!(
            "a meter would report {most} hours, more than nine years: ask for fewer --reports or --stored, or for more --meters"
        );
    }
    Ok(Plan {
        database: args.database.clone(),
        broker: args.broker.as_deref().map(broker).transpose()?,
        meters: args.meters,
        reports: usize::try_from(args.reports)?,
        stored: args.stored,
        seconds: args.seconds,
        python: (!args.without_peer).then(|| args.python.clone()),
    })
}

fn broker(value: &str) -> anyhow::Result<SocketAddr> {
    let mut addresses = value.to_socket_addrs().with_context(|| {
        format!("--broker {value:?} is not valid: use HOST:PORT, like localhost:1883")
    })?;
    addresses.next().with_context(|| format!("--broker {value:?} has no address"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        command: BenchCommand,
    }

    fn parsed(line: &str) -> Result<IngestArgs, clap::Error> {
        match Line::try_parse_from(line.split_whitespace())?.command {
            BenchCommand::Ingest(args) => Ok(args),
            BenchCommand::Audit(_) | BenchCommand::Post(_) | BenchCommand::Settle(_) => {
                panic!("{line}")
            }
        }
    }

    #[test]
    fn without_options_everything_is_its_own() {
        let plan = plan(&parsed("bench ingest").unwrap()).unwrap();
        assert_eq!((plan.database, plan.broker), (None, None));
        assert_eq!((plan.meters, plan.stored), (10_000, 0));
        assert_eq!(plan.python.as_deref(), Some("python3"));
    }

    #[test]
    fn the_peer_and_the_places_can_be_chosen() {
        let line =
            "bench ingest --database postgres://a@b/c --broker 127.0.0.1:1 --without-peer --json";
        let args = parsed(line).unwrap();
        assert!(args.json);
        let plan = plan(&args).unwrap();
        assert_eq!(plan.database.as_deref(), Some("postgres://a@b/c"));
        assert_eq!(plan.broker, "127.0.0.1:1".parse().ok());
        assert_eq!(plan.python, None);
    }

    #[test]
    fn the_sizes_of_audited_logs_can_be_chosen() {
        let sizes = |line: &str| {
            let line = Line::try_parse_from(line.split_whitespace())?;
            let BenchCommand::Audit(args) = line.command else { panic!() };
            Ok::<_, clap::Error>(args.entries)
        };
        assert_eq!(sizes("bench audit").unwrap(), [1_000, 10_000, 100_000]);
        assert_eq!(sizes("bench audit --entries 500,1000000").unwrap(), [500, 1_000_000]);
        assert!(sizes("bench audit --entries 5").is_err());
    }

    #[test]
    fn rejects_a_broker_without_a_port() {
        let error = plan(&parsed("bench ingest --broker localhost").unwrap()).unwrap_err();
        assert!(format!("{error:#}").contains("HOST:PORT"), "{error:#}");
    }

    #[test]
    fn rejects_meters_and_reports_out_of_range() {
        for line in ["--meters 0", "--meters 16001", "--reports 0", "--seconds 0", "--repeat 0"] {
            assert!(parsed(&format!("bench ingest {line}")).is_err(), "{line}");
        }
    }

    #[test]
    fn rejects_more_reports_than_there_were_hours() {
        let error =
            plan(&parsed("bench ingest --meters 10 --stored 10000000").unwrap()).unwrap_err();
        assert!(error.to_string().contains("--meters"), "{error}");
        plan(&parsed("bench ingest --stored 10000000").unwrap()).unwrap();
    }
}
