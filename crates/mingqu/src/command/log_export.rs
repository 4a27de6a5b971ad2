//! `mingqu log export`: the public log as static files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use disclosure::bundle::{bundles_at, decode_as};
use disclosure::tile::tiles_at;
use service::LogReader;
use store::Store;

use super::log::{finish, named_by, write};
use super::tell;
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
    let mut attachments = BTreeSet::new();
    for bundle in bundles_at(size) {
        let bytes = log.entry_bundle(bundle.index(), bundle.width()).await?;
        let bytes = bytes.with_context(|| bundle.path())?;
        for entry in decode_as(bundle, &bytes).with_context(|| bundle.path())? {
            attachments.extend(named_by(entry).iter().map(|named| named.sha256));
        }
        write(out, &bundle.path(), &bytes)?;
    }
    for tile in tiles_at(size) {
        let bytes = log.tile(tile.level(), tile.index(), tile.width()).await?;
        write(out, &tile.path(), &bytes.with_context(|| tile.path())?)?;
    }
    // Not those of entries that wait for witnesses: nothing in the copy would call for them.
    for sha256 in attachments {
        let stored = log.attachment(&sha256).await?;
        let (_, bytes) = stored.with_context(|| format!("the attachment {sha256} is missing"))?;
        write(out, &format!("attachments/{sha256}"), &bytes)?;
    }
    write(out, "log.vkey", format!("{vkey}\n").as_bytes())?;
    // Last, so that a checkpoint never stands over files that are not there yet.
    finish(out, size, &checkpoint)?;
    Ok(size)
}
