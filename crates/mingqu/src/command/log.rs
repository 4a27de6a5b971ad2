//! `mingqu log`: copies of the public log as plain files.

use std::path::Path;

use anyhow::Context;
use clap::Subcommand;
use disclosure::attachment::AttachmentRef;
use disclosure::bundle::bundles_at;
use disclosure::dsse::Envelope;
use disclosure::statement::Statement;
use disclosure::tile::{TILE_WIDTH, TileId, tiles_at};

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

/// Writes the checkpoint of a copy whose other files are there, whole or not at all; then removes
/// the partial tiles and bundles of earlier copies that full ones replaced.
pub fn finish(out: &Path, size: u64, checkpoint: &[u8]) -> anyhow::Result<()> {
    // A name that no reader of a copy looks at, should this be cut off.
    let beside = out.join(".checkpoint.new");
    let file = out.join("checkpoint");
    std::fs::write(&beside, checkpoint)
        .and_then(|()| std::fs::rename(&beside, &file))
        .with_context(|| format!("cannot write {}", file.display()))?;
    let tiles = tiles_at(size).filter(TileId::is_full).map(|tile| tile.path());
    let bundles = bundles_at(size).filter(|bundle| bundle.width() == TILE_WIDTH);
    for path in tiles.chain(bundles.map(|bundle| bundle.path())) {
        let partial = out.join(format!("{path}.p"));
        match std::fs::remove_dir_all(&partial) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", partial.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The attachments that an entry names; an entry that cannot be read names none, and the audit says so.
pub fn named_by(entry: &[u8]) -> Vec<AttachmentRef> {
    let statement = Envelope::parse(entry)
        .ok()
        .and_then(|envelope| Statement::parse(&envelope.payload_type, &envelope.payload).ok());
    let named = |statement: Statement| statement.attachments().into_iter().cloned().collect();
    statement.map(named).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_full_tiles_replaced_goes_and_the_rest_stays() {
        let out = tempfile::tempdir().unwrap();
        let out = out.path();
        for path in ["tile/0/000.p/3", "tile/0/001.p/44", "tile/entries/000.p/3", "tile/1/000.p/1"]
        {
            write(out, path, b"x").unwrap();
        }
        finish(out, 300, b"checkpoint").unwrap();
        assert_eq!(std::fs::read(out.join("checkpoint")).unwrap(), b"checkpoint");
        let there = |path: &str| out.join(path).exists();
        assert!(!there("tile/0/000.p") && !there("tile/entries/000.p"));
        assert!(there("tile/0/001.p/44") && there("tile/1/000.p/1"));
        assert!(!there(".checkpoint.new"));
    }
}
