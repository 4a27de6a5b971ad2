//! A copy of the public log in a folder: the files as they are served, the checkpoint last.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use disclosure::attachment::AttachmentRef;
use disclosure::bundle::{BundleId, bundles_at, decode_as};
use disclosure::checkpoint::Checkpoint;
use disclosure::dsse::Envelope;
use disclosure::merkle::verify_consistency;
use disclosure::note::VerifierKey;
use disclosure::proof::{consistency_proof, tiles_for_consistency};
use disclosure::statement::Statement;
use disclosure::tile::{TILE_WIDTH, TileId, tiles_at};

use super::{print, tell};
use crate::Verdict;

/// Where the files of a log come from.
pub trait LogFiles {
    /// A tile; fails where there is none.
    async fn tile(&self, tile: TileId) -> anyhow::Result<Vec<u8>>;
    /// An entry bundle; fails where there is none.
    async fn bundle(&self, bundle: BundleId) -> anyhow::Result<Vec<u8>>;
    /// An attachment; fails where there is none.
    async fn attachment(&self, attachment: &AttachmentRef) -> anyhow::Result<Vec<u8>>;
}

/// Writes the log up to this checkpoint to a folder, in the place of an earlier copy that it continues. Whether
/// the log holds is for `mingqu audit` to say.
pub async fn copy(
    files: &impl LogFiles,
    checkpoint: &[u8],
    vkey: &str,
    out: &Path,
) -> anyhow::Result<Verdict> {
    let verifier = VerifierKey::parse(vkey.trim_end()).context("log.vkey")?;
    let new = Checkpoint::open(checkpoint, &verifier).context("checkpoint")?;
    if let Some(why) = rewritten(files, out, &new).await? {
        print(&format!(
            "the log was rewritten: {why}. Your earlier copy is the evidence; nothing was changed in it"
        ))?;
        return Ok(Verdict::Bad);
    }
    let size = new.size;
    let mut attachments = BTreeMap::new();
    for bundle in bundles_at(size) {
        let bytes = files.bundle(bundle).await?;
        for entry in decode_as(bundle, &bytes).with_context(|| bundle.path())? {
            attachments.extend(named_by(entry).into_iter().map(|named| (named.path(), named)));
        }
        write(out, &bundle.path(), &bytes)?;
    }
    for tile in tiles_at(size) {
        write(out, &tile.path(), &files.tile(tile).await?)?;
    }
    // Not those of entries that wait for witnesses: nothing in the copy would call for them.
    for (path, attachment) in attachments {
        write(out, &path, &files.attachment(&attachment).await?)?;
    }
    write(out, "log.vkey", format!("{}\n", vkey.trim_end()).as_bytes())?;
    // Last, so that a checkpoint never stands over files that are not there yet.
    finish(out, size, checkpoint)?;
    tell(&format!("wrote {size} entries to {}", out.display()));
    Ok(Verdict::Good)
}

/// Why the new checkpoint does not continue the one in the folder; none when it does or there is none.
async fn rewritten(
    files: &impl LogFiles,
    out: &Path,
    new: &Checkpoint,
) -> anyhow::Result<Option<String>> {
    let old = match std::fs::read(out.join("checkpoint")) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).context("cannot read the earlier checkpoint"),
    };
    let own_key = std::fs::read_to_string(out.join("log.vkey")).context("the earlier log.vkey")?;
    let own_key = VerifierKey::parse(own_key.trim_end()).context("the earlier log.vkey")?;
    let old = Checkpoint::open(&old, &own_key).context("the earlier checkpoint")?;
    if old.origin != new.origin {
        bail!("the folder holds the log {}: write {} to another", old.origin, new.origin);
    }
    if old.size > new.size {
        return Ok(Some(format!("it had {} entries and now has {}", old.size, new.size)));
    }
    let mut tiles = BTreeMap::new();
    for tile in tiles_for_consistency(old.size, new.size) {
        tiles.insert((tile.level(), tile.index()), files.tile(tile).await?);
    }
    let proof = consistency_proof(old.size, new.size, &tiles)?;
    let holds = verify_consistency(old.size, new.size, &proof, old.root, new.root).is_ok();
    let why = format!("its first {} entries are not those copied before", old.size);
    Ok((!holds).then_some(why))
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
fn finish(out: &Path, size: u64, checkpoint: &[u8]) -> anyhow::Result<()> {
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
fn named_by(entry: &[u8]) -> Vec<AttachmentRef> {
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
