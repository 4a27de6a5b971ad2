//! `mingqu log`: copies of the public log as plain files.

use clap::Subcommand;

use super::log_copy::CopyArgs;
use super::log_export::ExportArgs;
use crate::Verdict;

/// What can be done with the log.
#[derive(Debug, Subcommand)]
pub enum LogCommand {
    /// Write the log of a data folder, with its evidence and key, to a folder that any web server or USB stick can carry.
    Export(Box<ExportArgs>),
    /// Fetch a log, with its evidence and key, from the server that publishes it.
    Copy(CopyArgs),
}

/// Writes a copy of the log.
pub async fn run(command: LogCommand) -> anyhow::Result<Verdict> {
    match command {
        LogCommand::Export(args) => super::log_export::run(*args).await,
        LogCommand::Copy(args) => super::log_copy::run(&args).await,
    }
}
