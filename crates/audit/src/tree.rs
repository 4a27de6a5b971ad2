//! The log as a tree: bundle by bundle, every tile and the root are computed from the entries.
//!
//! With every tile what the entries give and the root what the checkpoint says, each entry's inclusion proof holds: no
//! proof is made of its own.

use disclosure::bundle::{self, BundleId};
use disclosure::checkpoint::Checkpoint;
use disclosure::merkle::{HASH_BYTES, Hash, empty_root, leaf_hash};
use disclosure::tile::{RightEdge, TILE_WIDTH, TileId};

use crate::files::read_file;
use crate::finding::{Finding, Findings, Place, Rule};
use crate::source::Source;

/// A bundle of entries with the tile of their hashes, as the copy holds them.
#[derive(Debug)]
pub(crate) struct Bundle {
    pub(crate) id: BundleId,
    /// None where they cannot be read.
    pub(crate) entries: Option<Vec<Vec<u8>>>,
    /// The tile's hashes; none where it cannot be read.
    tile: Option<Vec<Hash>>,
    /// Those of the entries, or of the tile where the entries cannot be read.
    leaves: Option<Vec<Hash>>,
    /// What was wrong on the way.
    findings: Vec<Finding>,
}

impl Bundle {
    pub(crate) fn read(source: &impl Source, id: BundleId) -> Self {
        let mut findings = Findings::of_one();
        let entries = read_entries(source, id, &mut findings);
        let tile = TileId::new(0, id.index(), id.width()).ok();
        let tile = tile.and_then(|tile| read_tile(source, tile, &mut findings));
        let leaves = match &entries {
            Some(entries) => Some(entries.iter().map(|entry| leaf_hash(entry)).collect()),
            None => tile.clone(),
        };
        Self { id, entries, tile, leaves, findings: findings.into_kept() }
    }

    /// The index of its first entry.
    pub(crate) fn first(&self) -> u64 {
        self.id.index() * u64::from(TILE_WIDTH)
    }
}

fn read_entries(
    source: &impl Source,
    id: BundleId,
    findings: &mut Findings,
) -> Option<Vec<Vec<u8>>> {
    let bytes = read_file(source, &id.path(), findings)?;
    match bundle::decode_as(id, &bytes) {
        Ok(entries) => Some(entries.into_iter().map(<[u8]>::to_vec).collect()),
        Err(error) => {
            findings.add(Place::File(id.path()), Rule::Bundle, error);
            None
        }
    }
}

fn read_tile(source: &impl Source, tile: TileId, findings: &mut Findings) -> Option<Vec<Hash>> {
    let bytes = read_file(source, &tile.path(), findings)?;
    let due = usize::from(tile.width()) * HASH_BYTES;
    if bytes.len() != due {
        let says = format_args!("the tile has {} bytes and not {due}", bytes.len());
        findings.add(Place::File(tile.path()), Rule::Tile, says);
        return None;
    }
    tile.hashes(&bytes).ok()
}

/// A checkpoint of the log that somebody saw before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What it says; its signature was checked where it was read.
    pub checkpoint: Checkpoint,
    /// Its file, to be shown beside the one that contradicts it.
    pub note: String,
    /// Who saw it, as a part of a sentence: `this computer`, `the file neighbour.txt`.
    pub by: String,
}

/// The tree of the entries so far.
#[derive(Debug)]
pub(crate) struct Tree<'a> {
    edge: RightEdge,
    size: u64,
    /// The leaves of some bundle are known from nowhere.
    broken: bool,
    /// Checkpoints that the tree must have passed through, by ascending size.
    seen: Vec<&'a Seen>,
    passed: usize,
    /// Those that it has not.
    pub(crate) contradicted: Vec<&'a Seen>,
}

impl<'a> Tree<'a> {
    pub(crate) fn new(size: u64, seen: &'a [Seen]) -> Self {
        let mut seen: Vec<&Seen> = seen.iter().collect();
        seen.sort_by_key(|one| one.checkpoint.size);
        let edge = RightEdge::new();
        Self { edge, size, broken: false, seen, passed: 0, contradicted: Vec::new() }
    }

    /// Appends a bundle's entries and compares the tiles that they finish.
    pub(crate) fn append(
        &mut self,
        source: &impl Source,
        bundle: &Bundle,
        findings: &mut Findings,
    ) {
        findings.extend(&bundle.findings);
        let Some(leaves) = &bundle.leaves else {
            self.broken = true;
            return;
        };
        if self.broken {
            return;
        }
        if let Some(tile) = &bundle.tile
            && let Some(place) = leaves.iter().zip(tile).position(|(leaf, hash)| leaf != hash)
            && let Ok(id) = TileId::new(0, bundle.id.index(), bundle.id.width())
        {
            let entry = (bundle.first()..).nth(place).unwrap_or_default();
            let says = format_args!("hash {place} of the tile is not that of entry {entry}");
            findings.add(Place::File(id.path()), Rule::Tile, says);
        }
        for leaf in leaves {
            self.compare_passed();
            self.edge.append(*leaf);
        }
        for (level, index, bytes) in self.edge.changed_tiles() {
            // The narrower states that a tile passes through stand nowhere.
            let id = TileId::in_tree(level, index, self.size).filter(|_| level > 0);
            let whole = |id: &TileId| usize::from(id.width()) * HASH_BYTES == bytes.len();
            let Some(id) = id.filter(whole) else { continue };
            let Some(stored) = read_tile(source, id, findings) else { continue };
            let computed = id.hashes(&bytes).unwrap_or_default();
            if let Some(place) = computed.iter().zip(&stored).position(|(due, is)| due != is) {
                let says = format_args!("hash {place} of the tile is not what the entries give");
                findings.add(Place::File(id.path()), Rule::Tile, says);
            }
        }
        self.edge.mark_stored();
    }

    /// Compares the root; returns whether the entries lead to it.
    pub(crate) fn finish(&mut self, checkpoint: &Checkpoint, findings: &mut Findings) -> bool {
        if self.broken {
            let says = "the root cannot be recomputed: not every entry can be read";
            findings.add(Place::Checkpoint, Rule::NotRecomputed, says);
            return false;
        }
        self.compare_passed();
        let root = if self.edge.size() == 0 { empty_root() } else { self.edge.root() };
        let holds = root == checkpoint.root && self.edge.size() == checkpoint.size;
        if !holds {
            let says = format_args!(
                "the entries lead to the root {root} and the checkpoint says {}",
                checkpoint.root
            );
            findings.add(Place::Checkpoint, Rule::Root, says);
        }
        for seen in self.seen.get(self.passed..).unwrap_or_default() {
            let says = format_args!(
                "split view: {} saw {} entries, and now there are {}: the log shrank, or this is an earlier copy of it",
                seen.by, seen.checkpoint.size, checkpoint.size
            );
            findings.add(Place::Checkpoint, Rule::SplitView, says);
            self.contradicted.push(seen);
        }
        for seen in &self.contradicted {
            if seen.checkpoint.size <= self.edge.size() {
                let says = format_args!(
                    "split view: {} saw the log with {} entries, and those are not its first {} now",
                    seen.by, seen.checkpoint.size, seen.checkpoint.size
                );
                findings.add(Place::Checkpoint, Rule::SplitView, says);
            }
        }
        holds
    }

    /// Compares the checkpoints of the tree's present size.
    fn compare_passed(&mut self) {
        while let Some(seen) = self.seen.get(self.passed)
            && seen.checkpoint.size <= self.edge.size()
        {
            let root = if self.edge.size() == 0 { empty_root() } else { self.edge.root() };
            if root != seen.checkpoint.root {
                self.contradicted.push(seen);
            }
            self.passed += 1;
        }
    }
}
