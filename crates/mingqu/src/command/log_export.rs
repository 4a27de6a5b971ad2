//! `mingqu log export`: the public log as static files.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Subcommand;
use disclosure::bundle::bundles_at;
use disclosure::merkle::Hash;
use disclosure::tile::tiles_at;
use service::LogReader;
use store::Store;

use super::tell;
use crate::Verdict;
use crate::config::{Config, LOG_KEY_FILE, Overrides};

/// Attachments read at once.
const ATTACHMENTS_AT_ONCE: u32 = 32;

/// What can be done with the log.
#[derive(Debug, Subcommand)]
pub enum LogCommand {
    /// Write the log, its evidence and its key to a folder that any web server or USB stick can carry.
    Export {
        /// The data folder.
        #[arg(long)]
        data: PathBuf,
        #[command(flatten)]
        overrides: Overrides,
        /// The folder to write.
        out: PathBuf,
    },
}

/// Exports what is published; a server may run meanwhile.
pub async fn run(command: LogCommand) -> anyhow::Result<Verdict> {
    let LogCommand::Export { data, overrides, out } = command;
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

fn write(out: &Path, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let file = out.join(path);
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    std::fs::write(&file, bytes).with_context(|| format!("cannot write {}", file.display()))
}
