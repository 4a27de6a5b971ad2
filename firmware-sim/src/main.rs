//! The command line of the simulated fleet.

mod arguments;
mod descriptors;
mod live;
mod progress;
mod run;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .init();
    match obey(Arguments::parse().command).await {
        Ok(code) => code,
        Err(error) => complain(&error),
    }
}

async fn obey(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Replay(replay) => {
            let reports = run::replayed(&replay)?;
            run::publish(reports, &replay.sending).await
        }
        Command::Fleet(fleet) => {
            let reports = run::synthetic(&fleet)?;
            run::publish(reports, &fleet.sending).await
        }
        Command::Keys(keys) => {
            let keys = run::public_keys(&keys)?;
            writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&keys)?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Run(run) if run.dry_run => live::rehearse(&run),
        Command::Run(run) => live::live(&run).await,
        Command::Registry(registry) => live::registry(&registry),
    }
}

#[expect(clippy::print_stderr, reason = "the one place where a command's failure is told")]
fn complain(error: &anyhow::Error) -> ExitCode {
    eprintln!("firmware-sim: {error:#}");
    ExitCode::FAILURE
}
