//! Files of a copy that the log does not call for.

use disclosure::bundle::{self, BundleId};
use disclosure::merkle::{HASH_BYTES, Hash};
use disclosure::tile::TileId;

use crate::files::{CHECKPOINT_PATH, KEY_PATH};
use crate::finding::{Findings, Place, Rule};
use crate::source::Source;

/// The attachments that entries name, by the first eight bytes of their hashes: enough to tell a stray file.
#[derive(Debug, Default)]
pub(crate) struct Named(Vec<u64>);

impl Named {
    pub(crate) fn add(&mut self, sha256: &Hash) {
        self.0.push(beginning(sha256));
    }

    /// Makes them ready to be looked up.
    fn sort(&mut self) {
        self.0.sort_unstable();
    }

    fn contains(&self, path: &str) -> bool {
        let sha256 = path.strip_prefix("attachments/").and_then(|name| Hash::from_hex(name).ok());
        sha256.is_some_and(|sha256| self.0.binary_search(&beginning(&sha256)).is_ok())
    }
}

fn beginning(Hash(hash): &Hash) -> u64 {
    hash.iter().take(8).fold(0, |beginning, byte| (beginning << 8) | u64::from(*byte))
}

/// Checks that every listed file is one that the log of this size names or the narrower, earlier
/// state of a tile or bundle, with exactly the bytes that it had.
pub(crate) fn check(source: &impl Source, size: u64, mut named: Named, findings: &mut Findings) {
    named.sort();
    let listed = source.each(&mut |path| {
        if findings.is_full() || is_called_for(size, path) || named.contains(path) {
            return;
        }
        if !is_earlier_state(source, size, path) {
            let says = "no entry and no tree of this size calls for the file";
            findings.add(Place::File(path.to_owned()), Rule::StrayFile, says);
        }
    });
    if let Err(error) = listed {
        findings.add(Place::Log, Rule::Unreadable, format_args!("the list of files {error}"));
    }
}

fn is_called_for(size: u64, path: &str) -> bool {
    if path == CHECKPOINT_PATH || path == KEY_PATH {
        return true;
    }
    if let Ok(id) = BundleId::from_path(path) {
        return BundleId::in_log(id.index(), size) == Some(id);
    }
    let tile = TileId::from_path(path).ok();
    tile.is_some_and(|id| TileId::in_tree(id.level(), id.index(), size) == Some(id))
}

/// A server may keep the partial tiles and bundles of earlier checkpoints. What stands there now was compared before.
fn is_earlier_state(source: &impl Source, size: u64, path: &str) -> bool {
    let Ok(Some(bytes)) = source.read(path) else { return false };
    let due = if let Ok(id) = TileId::from_path(path) {
        earlier_tile(source, size, id)
    } else if let Ok(id) = BundleId::from_path(path) {
        earlier_bundle(source, size, id)
    } else {
        None
    };
    due.is_some_and(|due| due == bytes)
}

fn earlier_tile(source: &impl Source, size: u64, id: TileId) -> Option<Vec<u8>> {
    let now = TileId::in_tree(id.level(), id.index(), size)?;
    let bytes = source.read(&now.path()).ok()??;
    bytes.get(..usize::from(id.width()) * HASH_BYTES).map(<[u8]>::to_vec)
}

fn earlier_bundle(source: &impl Source, size: u64, id: BundleId) -> Option<Vec<u8>> {
    let now = BundleId::in_log(id.index(), size)?;
    let bytes = source.read(&now.path()).ok()??;
    let entries = bundle::decode_as(now, &bytes).ok()?;
    bundle::encode(entries.get(..usize::from(id.width()))?).ok()
}
