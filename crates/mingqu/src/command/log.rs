//! `mingqu log`: copies of the public log as plain files.

use std::path::Path;

use anyhow::Context;
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
        LogCommand::Copy(args) => super::log_copy::run(&args),
    }
}

/// Writes one file of a copy, with the folders that it stands in.
pub fn write(out: &Path, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let file = out.join(path);
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    std::fs::write(&file, bytes).with_context(|| format!("cannot write {}", file.display()))
}
