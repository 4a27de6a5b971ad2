//! `mingqu log export`: the public log as static files.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use disclosure::attachment::AttachmentRef;
use disclosure::bundle::BundleId;
use disclosure::tile::TileId;
use service::LogReader;
use store::Store;

use super::log_folder::{self, LogFiles};
use crate::Verdict;
use crate::config::{Config, LOG_KEY_FILE, Overrides};

/// What `log export` takes.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The data folder.
    #[arg(long)]
    data: PathBuf,
    #[command(flatten)]
    overrides: Overrides,
    /// The folder to write.
    out: PathBuf,
}

/// Exports what is published; a server may run meanwhile.
pub async fn run(args: ExportArgs) -> anyhow::Result<Verdict> {
    let ExportArgs { data, overrides, out } = args;
    let config = Config::load(&data, &overrides)?;
    let store = Store::open(&config.database, &config.district).await?;
    let log_key = crate::server::log_key(&config)
        .with_context(|| format!("the data folder needs {LOG_KEY_FILE}"))?;
    let Some((_, checkpoint)) = store.checkpoint().await? else {
        bail!("nothing is posted yet: there is no log to export");
    };
    let files = LogReader::new(store.clone());
    let verdict = log_folder::copy(&files, &checkpoint, &log_key.vkey(), &out).await?;
    store.close().await;
    Ok(verdict)
}

impl LogFiles for LogReader {
    async fn tile(&self, tile: TileId) -> anyhow::Result<Vec<u8>> {
        let bytes = self.tile(tile.level(), tile.index(), tile.width()).await?;
        bytes.with_context(|| format!("{} is missing", tile.path()))
    }

    async fn bundle(&self, bundle: BundleId) -> anyhow::Result<Vec<u8>> {
        let bytes = self.entry_bundle(bundle.index(), bundle.width()).await?;
        bytes.with_context(|| format!("{} is missing", bundle.path()))
    }

    async fn attachment(&self, attachment: &AttachmentRef) -> anyhow::Result<Vec<u8>> {
        let stored = self.attachment(&attachment.sha256).await?;
        let (_, bytes) = stored.with_context(|| format!("{} is missing", attachment.path()))?;
        Ok(bytes)
    }
}
