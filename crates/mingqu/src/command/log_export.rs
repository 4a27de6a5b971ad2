//! `mingqu log export`: the public log as static files.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use disclosure::bundle::bundles_at;
use disclosure::merkle::Hash;
use disclosure::tile::tiles_at;
use service::LogReader;
use store::Store;

use super::log::write;
use super::tell;
use crate::Verdict;
use crate::config::{Config, LOG_KEY_FILE, Overrides};

/// Attachments read at once.
const ATTACHMENTS_AT_ONCE: u32 = 32;

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
    let size = export(&store, &log_key.vkey(), &out).await?;
    store.close().await;
    tell(&format!("exported {size} entries to {}", out.display()));
    Ok(Verdict::Good)
}

async fn export(store: &Store, vkey: &str, out: &Path) -> anyhow::Result<u64> {
    let log = LogReader::new(store.clone());
    let Some((size, checkpoint)) = store.checkpoint().await? else {
        bail!("nothing is posted yet: there is no log to export");
    };
    for bundle in bundles_at(size) {
        let bytes = log.entry_bundle(bundle.index(), bundle.width()).await?;
        write(out, &bundle.path(), &bytes.with_context(|| bundle.path())?)?;
    }
    for tile in tiles_at(size) {
        let bytes = log.tile(tile.level(), tile.index(), tile.width()).await?;
        write(out, &tile.path(), &bytes.with_context(|| tile.path())?)?;
    }
    export_attachments(store, out).await?;
    write(out, "log.vkey", format!("{vkey}\n").as_bytes())?;
    // Last, so that a checkpoint never stands over files that are not there yet.
    write(out, "checkpoint", &checkpoint)?;
    Ok(size)
}

async fn export_attachments(store: &Store, out: &Path) -> anyhow::Result<()> {
    let mut after: Option<[u8; 32]> = None;
    loop {
        let page = store.attachments_of_log(after.as_ref(), ATTACHMENTS_AT_ONCE).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some(last.sha256);
        for attachment in &page {
            let path = format!("attachments/{}", Hash(attachment.sha256).to_hex());
            write(out, &path, &attachment.bytes)?;
        }
    }
}
