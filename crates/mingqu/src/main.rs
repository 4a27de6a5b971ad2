//! The `mingqu` program: command line, configuration, wiring, start and stop, demonstration.

mod api;
mod archive;
mod bench;
mod clock;
mod command;
mod config;
mod demo;
mod folder;
mod key_file;
mod memory;
mod metrics;
mod passphrase;
mod randomness;
mod remote;
mod server;
mod transport;
mod witness_client;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Irrigation water measured, co-signed by station and village, posted in public, and billed so
/// that anyone can recompute it.
#[derive(Debug, Parser)]
#[command(name = "mingqu", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// How much goes to the log on stderr: error, warn, info, debug or trace.
    #[arg(long, global = true, env = "MINGQU_LOG_LEVEL", default_value = "warn")]
    log_level: tracing::Level,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a small township on real meter data: one command, nothing to set up.
    Demo(command::demo::DemoArgs),
    /// Make a data folder for a district: configuration, log key, and the genesis to sign.
    Init(command::init::InitArgs),
    /// Run the server of a data folder.
    Serve(command::serve::ServeArgs),
    /// Run a witness: cosign the checkpoints of logs that only grow.
    Witness(command::witness::WitnessArgs),
    /// Make keys for people.
    #[command(subcommand)]
    Keys(command::keys::KeysCommand),
    /// Draw up a rating table from a formula or from measured pairs.
    #[command(subcommand)]
    Rating(command::rating::RatingCommand),
    /// Check a tariff that is being drawn up, and see what it comes to.
    #[command(subcommand)]
    Tariff(command::tariff::TariffCommand),
    /// Sign a statement or a request with a person's key.
    Sign(command::sign::SignArgs),
    /// Hand in what was kept by hand in a file: readings, or turns.
    #[command(subcommand)]
    Import(command::import::ImportCommand),
    /// Check one receipt, envelope or checkpoint, and say what it rests on.
    Verify(command::verify::VerifyArgs),
    /// Copy the public log to plain files.
    #[command(subcommand)]
    Log(command::log::LogCommand),
    /// Move old reports from the database to archive files, or put them back.
    Archive(command::archive::ArchiveArgs),
    /// Recompute everything from a public log, exported or where it is served, and say what does not hold.
    Audit(command::audit::AuditArgs),
    /// Measure on this machine what the documents claim.
    #[command(subcommand)]
    Bench(command::bench::BenchCommand),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Everything holds.
    Good,
    /// The command did its work, and what it looked at does not hold.
    Bad,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log(cli.log_level);
    match run(cli.command) {
        Ok(Verdict::Good) => ExitCode::SUCCESS,
        Ok(Verdict::Bad) => ExitCode::from(1),
        Err(error) => {
            complain(&error);
            ExitCode::from(2)
        }
    }
}

fn run(command: Command) -> anyhow::Result<Verdict> {
    match command {
        Command::Demo(args) => asynchronous(command::demo::run(args)),
        Command::Init(args) => command::init::run(&args),
        Command::Serve(args) => asynchronous(command::serve::run(args)),
        Command::Witness(args) => asynchronous(command::witness::run(args)),
        Command::Keys(command) => command::keys::run(&command),
        Command::Rating(command) => command::rating::run(command),
        Command::Tariff(command) => command::tariff::run(command),
        Command::Sign(args) => command::sign::run(&args),
        Command::Import(command) => command::import::run(&command),
        Command::Verify(args) => command::verify::run(&args),
        Command::Log(command) => asynchronous(command::log::run(command)),
        Command::Archive(args) => asynchronous(command::archive::run(args)),
        Command::Audit(args) => command::audit::run(&args),
        Command::Bench(command) => asynchronous(command::bench::run(command)),
    }
}

fn asynchronous(work: impl Future<Output = anyhow::Result<Verdict>>) -> anyhow::Result<Verdict> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

fn start_log(level: tracing::Level) {
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
}

#[expect(clippy::print_stderr, reason = "the one place where a command's failure is told")]
fn complain(error: &anyhow::Error) {
    eprintln!("mingqu: {error:#}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn every_command_reads_its_arguments() {
        Cli::command().debug_assert();
        for line in [
            "mingqu demo --once",
            "mingqu init --data d --district a --name n --origin o --root p=k",
            "mingqu serve --data d --broker localhost:1883",
            "mingqu witness --data w --name n --log k --log l",
            "mingqu keys new k.pem",
            "mingqu keys new k.pem --no-passphrase",
            "mingqu keys rotate --key k.pem --new n.pem --server https://s --no-passphrase --ca c",
            "mingqu rating parshall --throat-mm 600 --id p600",
            "mingqu rating pairs pairs.csv --id w1 --source s",
            "mingqu tariff explain t.toml --crop 玉米 --mu 12.5 --source ground --date 2026-05-01 --litres 9",
            "mingqu sign --key k.pem --kind key body.json --log-level debug",
            "mingqu import readings r.xlsx --server http://127.0.0.1:8080 --key k.pem",
            "mingqu import readings r.csv --data d --dry-run --value-column v --unit m3 --json",
            "mingqu import turns t.csv --data d --key k.pem --sheet s",
            "mingqu import payments bank.xlsx --server http://127.0.0.1:8080 --key k.pem --dry-run",
            "mingqu import payments book.csv --data d --key k.pem --way cash",
            "mingqu verify e.json --log copy",
            "mingqu verify r --entry e.json --log-key k",
            "mingqu log export --data d out",
            "mingqu log copy http://127.0.0.1:8080 out",
            "mingqu archive --data d --before 2026-01-01 --dry-run",
            "mingqu archive --data d --restore archive/2026-01/0001.json",
            "mingqu audit out --json --state s.json --compare a --compare b",
            "mingqu audit https://water.example --log-key k",
            "mingqu bench ingest --json",
        ] {
            let words = line.split_whitespace();
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
        }
    }
}
