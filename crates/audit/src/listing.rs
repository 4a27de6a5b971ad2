//! Files of a copy that the log does not call for.

use std::collections::BTreeSet;

use disclosure::bundle::{self, BundleId, bundles_at};
use disclosure::merkle::{HASH_BYTES, Hash};
use disclosure::tile::{TileId, tiles_at};

use crate::finding::{Findings, Place, Rule};
use crate::source::Source;
use crate::tree::{CHECKPOINT_PATH, KEY_PATH, LogCopy};

/// Checks that every listed file is one that the log of this size names or the narrower, earlier
/// state of a tile or bundle, with exactly the bytes that it had.
pub(crate) fn check(
    source: &impl Source,
    copy: &LogCopy,
    attachments: &BTreeSet<Hash>,
    findings: &mut Findings,
) {
    let listed = match source.list() {
        Ok(Some(listed)) => listed,
        Ok(None) => return,
        Err(error) => {
            findings.add(Place::Log, Rule::Unreadable, format_args!("the list of files {error}"));
            return;
        }
    };
    let size = copy.size();
    let called_for: BTreeSet<String> = [CHECKPOINT_PATH.to_owned(), KEY_PATH.to_owned()]
        .into_iter()
        .chain(tiles_at(size).map(|id| id.path()))
        .chain(bundles_at(size).map(|id| id.path()))
        .chain(attachments.iter().map(|sha256| format!("attachments/{sha256}")))
        .collect();
    for path in listed {
        if findings.is_full() {
            return;
        }
        if called_for.contains(&path) || is_earlier_state(source, copy, &path) {
            continue;
        }
        let says = "no entry and no tree of this size calls for the file";
        findings.add(Place::File(path), Rule::StrayFile, says);
    }
}

/// A server may keep the partial tiles and bundles of earlier checkpoints.
fn is_earlier_state(source: &impl Source, copy: &LogCopy, path: &str) -> bool {
    let Ok(Some(bytes)) = source.read(path) else { return false };
    let due = if let Ok(id) = TileId::from_path(path) {
        let width = usize::from(id.width()) * HASH_BYTES;
        let tile = copy.computed.get(&(id.level(), id.index()));
        tile.and_then(|tile| tile.get(..width)).map(<[u8]>::to_vec)
    } else if let Ok(id) = BundleId::from_path(path) {
        earlier_bundle(source, copy, id)
    } else {
        None
    };
    due.is_some_and(|due| due == bytes)
}

fn earlier_bundle(source: &impl Source, copy: &LogCopy, id: BundleId) -> Option<Vec<u8>> {
    let now = BundleId::in_log(id.index(), copy.size())?;
    let bytes = source.read(&now.path()).ok()??;
    let entries = bundle::decode_as(now, &bytes).ok()?;
    bundle::encode(entries.get(..usize::from(id.width()))?).ok()
}
