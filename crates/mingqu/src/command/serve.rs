//! `mingqu serve`: run the server of a data folder.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::tell;
use crate::Verdict;
use crate::clock::SystemClock;
use crate::config::{Config, Overrides};
use crate::server::Server;

/// What `serve` takes.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The data folder, made by `mingqu init`.
    #[arg(long, env = "MINGQU_DATA", default_value = "mingqu-data")]
    pub data: PathBuf,
    #[command(flatten)]
    pub overrides: Overrides,
}

/// Serves until interrupted.
pub async fn run(args: ServeArgs) -> anyhow::Result<Verdict> {
    let config = Config::load(&args.data, &args.overrides)?;
    let server = Server::start(&config, Arc::new(SystemClock)).await?;
    tell(&server.greeting());
    server.until_interrupted().await?;
    Ok(Verdict::Good)
}
