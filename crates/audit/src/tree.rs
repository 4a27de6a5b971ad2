//! The log as files: key, checkpoint, entry bundles, tiles and root.

use std::collections::BTreeMap;

use disclosure::bundle::{self, BundleId, bundles_at};
use disclosure::checkpoint::Checkpoint;
use disclosure::merkle::{HASH_BYTES, RootBuilder, leaf_hash};
use disclosure::note::{SignedNote, VerifierKey};
use disclosure::tile::{RightEdge, tiles_at};

use crate::finding::{Findings, Place, Rule};
use crate::source::{MAX_FILE_BYTES, Source};

/// The longest log that an audit reads: a district's postings of a thousand years.
pub const MAX_LOG_ENTRIES: u64 = 1 << 24;

/// Path of the checkpoint.
pub(crate) const CHECKPOINT_PATH: &str = "checkpoint";
/// Path of the log's verifier key.
pub(crate) const KEY_PATH: &str = "log.vkey";

/// What the first pass over a copy leaves.
#[derive(Debug)]
pub(crate) struct LogCopy {
    pub(crate) key: Option<VerifierKey>,
    /// What the checkpoint says, even if its signature was refused: to go on with, not to trust.
    pub(crate) checkpoint: Option<Checkpoint>,
    /// The tiles as they are stored, by level and index: those with the right length.
    pub(crate) stored: BTreeMap<(u8, u64), Vec<u8>>,
    /// The tiles as the entries give them; empty unless every entry could be read.
    pub(crate) computed: BTreeMap<(u8, u64), Vec<u8>>,
}

impl LogCopy {
    pub(crate) fn read(
        source: &impl Source,
        trusted: Option<&VerifierKey>,
        findings: &mut Findings,
    ) -> Self {
        let key = read_key(source, trusted, findings);
        let checkpoint = read_checkpoint(source, key.as_ref(), findings);
        let mut copy = Self { key, checkpoint, stored: BTreeMap::new(), computed: BTreeMap::new() };
        if let Some(checkpoint) = copy.checkpoint.clone() {
            if checkpoint.size > MAX_LOG_ENTRIES {
                let says = format_args!(
                    "the checkpoint claims {} entries, {MAX_LOG_ENTRIES} at most are read",
                    checkpoint.size
                );
                findings.add(Place::Checkpoint, Rule::LogTooLong, says);
            } else {
                copy.compute_tree(source, &checkpoint, findings);
                copy.check_tiles(source, checkpoint.size, findings);
            }
        }
        copy
    }

    /// The size up to which entries are read.
    pub(crate) fn size(&self) -> u64 {
        let size = self.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size);
        if size > MAX_LOG_ENTRIES { 0 } else { size }
    }

    /// Computes tiles and root from the entries.
    fn compute_tree(
        &mut self,
        source: &impl Source,
        checkpoint: &Checkpoint,
        findings: &mut Findings,
    ) {
        let mut edge = RightEdge::new();
        let mut root = RootBuilder::new();
        let mut whole = true;
        for id in bundles_at(checkpoint.size) {
            if findings.is_full() {
                return;
            }
            let Some(bytes) = read_file(source, &id.path(), findings) else {
                whole = false;
                continue;
            };
            match bundle::decode_as(id, &bytes) {
                Ok(entries) => {
                    for entry in entries {
                        let leaf = leaf_hash(entry);
                        edge.append(leaf);
                        root.push(leaf);
                    }
                }
                Err(error) => {
                    findings.add(Place::File(id.path()), Rule::Bundle, error);
                    whole = false;
                }
            }
        }
        if !whole {
            let says = "the root cannot be recomputed: not every entry can be read";
            findings.add(Place::Checkpoint, Rule::Root, says);
            return;
        }
        if root.root() != checkpoint.root {
            let says = format_args!(
                "the entries lead to the root {} and the checkpoint says {}",
                root.root(),
                checkpoint.root
            );
            findings.add(Place::Checkpoint, Rule::Root, says);
        }
        let tiles = edge.changed_tiles().into_iter();
        self.computed = tiles.map(|(level, index, bytes)| ((level, index), bytes)).collect();
    }

    /// Compares every stored tile with the computed one.
    fn check_tiles(&mut self, source: &impl Source, size: u64, findings: &mut Findings) {
        for id in tiles_at(size) {
            if findings.is_full() {
                return;
            }
            let path = id.path();
            let Some(bytes) = read_file(source, &path, findings) else { continue };
            let due = usize::from(id.width()) * HASH_BYTES;
            if bytes.len() != due {
                let says = format_args!("the tile has {} bytes and not {due}", bytes.len());
                findings.add(Place::File(path), Rule::Tile, says);
                continue;
            }
            let place = (id.level(), id.index());
            if let Some(computed) = self.computed.get(&place)
                && let Some(hash) = first_difference(computed, &bytes)
            {
                let says = format_args!("hash {hash} of the tile is not what the entries give");
                findings.add(Place::File(path), Rule::Tile, says);
            }
            self.stored.insert(place, bytes);
        }
    }
}

/// A file that must be there, or a finding that says why it is not.
pub(crate) fn read_file(
    source: &impl Source,
    path: &str,
    findings: &mut Findings,
) -> Option<Vec<u8>> {
    let bytes = read_if_there(source, path, findings);
    match bytes {
        Ok(Some(bytes)) => Some(bytes),
        Ok(None) => {
            findings.add(Place::File(path.to_owned()), Rule::FileMissing, "the file is missing");
            None
        }
        Err(Found) => None,
    }
}

/// A finding was added.
pub(crate) struct Found;

/// A file that may be there.
pub(crate) fn read_if_there(
    source: &impl Source,
    path: &str,
    findings: &mut Findings,
) -> Result<Option<Vec<u8>>, Found> {
    let place = || Place::File(path.to_owned());
    match source.read(path) {
        Ok(Some(bytes)) if u64::try_from(bytes.len()).is_ok_and(|len| len <= MAX_FILE_BYTES) => {
            Ok(Some(bytes))
        }
        Ok(Some(_)) => {
            let says = format_args!("the file is longer than {MAX_FILE_BYTES} bytes");
            findings.add(place(), Rule::FileTooLong, says);
            Err(Found)
        }
        Ok(None) => Ok(None),
        Err(error) => {
            findings.add(place(), Rule::Unreadable, error);
            Err(Found)
        }
    }
}

/// The trusted key, or that of the copy.
fn read_key(
    source: &impl Source,
    trusted: Option<&VerifierKey>,
    findings: &mut Findings,
) -> Option<VerifierKey> {
    let Some(bytes) = read_file(source, KEY_PATH, findings) else {
        return trusted.cloned();
    };
    let place = || Place::File(KEY_PATH.to_owned());
    let text = String::from_utf8_lossy(&bytes);
    let stated = match VerifierKey::parse(text.strip_suffix('\n').unwrap_or(&text)) {
        Ok(key) => key,
        Err(error) => {
            findings.add(place(), Rule::LogKey, error);
            return trusted.cloned();
        }
    };
    match trusted {
        Some(trusted) if *trusted != stated => {
            let says = format_args!("the copy's key {stated} is not the trusted {trusted}");
            findings.add(place(), Rule::LogKey, says);
            Some(trusted.clone())
        }
        _ => Some(stated),
    }
}

fn read_checkpoint(
    source: &impl Source,
    key: Option<&VerifierKey>,
    findings: &mut Findings,
) -> Option<Checkpoint> {
    let bytes = read_file(source, CHECKPOINT_PATH, findings)?;
    let opened = match key {
        Some(key) => Checkpoint::open(&bytes, key).map_err(|error| error.to_string()),
        None => Err("its signature cannot be checked without the log's key".to_owned()),
    };
    match opened {
        Ok(checkpoint) => Some(checkpoint),
        Err(says) => {
            findings.add(Place::Checkpoint, Rule::Checkpoint, says);
            let note = SignedNote::parse(&bytes).ok()?;
            Checkpoint::parse(&note.text).ok()
        }
    }
}

/// The first hash that differs.
fn first_difference(computed: &[u8], stored: &[u8]) -> Option<usize> {
    let differs = computed.iter().zip(stored).position(|(computed, stored)| computed != stored);
    differs.map(|byte| byte / HASH_BYTES)
}

/// The bundle that holds the entries from `id.index()` × 256 on, read again for the second pass.
pub(crate) fn entries_of(source: &impl Source, id: BundleId) -> Option<Vec<Vec<u8>>> {
    // What is wrong with it was said in the first pass; what changed since fails its proof.
    let bytes = source.read(&id.path()).ok()??;
    let entries = bundle::decode_as(id, &bytes).ok()?;
    Some(entries.into_iter().map(<[u8]>::to_vec).collect())
}
