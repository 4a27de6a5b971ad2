//! Proofs made from tiles: which tiles a proof needs, and the proof out of them.
//!
//! The proofs are those of RFC 6962 §2.1.1 (inclusion) and §2.1.2 (consistency); they are checked
//! by [`crate::merkle`]. The text file that carries an inclusion proof is [`TlogProof`].

use std::collections::BTreeSet;

use thiserror::Error;

use crate::merkle::{Hash, RootBuilder, join_right};
use crate::tile::{TILE_HEIGHT, TILE_WIDTH, TileError, TileId, read_tile};

pub mod file;

pub use crate::tile::TileSource;
pub use file::{ProofFileError, TlogProof};

/// Why a proof cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MakeProofError {
    /// The leaf lies outside the tree.
    #[error("index {index} lies outside a tree of {size} leaves: wait for the next checkpoint")]
    Index {
        /// Index of the leaf, from 0.
        index: u64,
        /// Leaves in the tree.
        size: u64,
    },
    /// The older tree is larger than the newer one.
    #[error("the older tree has {old} leaves, more than the {new} of the newer: swap them")]
    Sizes {
        /// Leaves in the older tree.
        old: u64,
        /// Leaves in the newer tree.
        new: u64,
    },
    /// A tile is missing or damaged.
    #[error(transparent)]
    Tile(#[from] TileError),
}

/// The tiles that [`inclusion_proof`] reads; none where the index lies outside the tree.
pub fn tiles_for_inclusion(index: u64, size: u64) -> Vec<TileId> {
    tiles_of(&inclusion_ranges(index, size), size)
}

/// The tiles that [`consistency_proof`] reads; none where the sizes are equal, swapped or the
/// older is 0.
pub fn tiles_for_consistency(old_size: u64, new_size: u64) -> Vec<TileId> {
    tiles_of(&consistency_ranges(old_size, new_size), new_size)
}

/// The hashes from the sibling of the leaf at `index` to the child of the root of `size` leaves.
pub fn inclusion_proof(
    index: u64,
    size: u64,
    source: &impl TileSource,
) -> Result<Vec<Hash>, MakeProofError> {
    if index >= size {
        return Err(MakeProofError::Index { index, size });
    }
    Ok(roots_of(&inclusion_ranges(index, size), size, source)?)
}

/// The hashes that show the tree of `old_size` leaves at the beginning of that of `new_size`;
/// empty where the sizes are equal or the older is 0.
pub fn consistency_proof(
    old_size: u64,
    new_size: u64,
    source: &impl TileSource,
) -> Result<Vec<Hash>, MakeProofError> {
    if old_size > new_size {
        return Err(MakeProofError::Sizes { old: old_size, new: new_size });
    }
    let ranges = consistency_ranges(old_size, new_size);
    Ok(roots_of(&ranges, new_size, source)?)
}

/// Leaves from `start` to `end`, `end` not included; a subtree of the whole tree.
#[derive(Debug, Clone, Copy)]
struct Range {
    start: u64,
    end: u64,
}

impl Range {
    /// Splits as the tree does: at the largest power of two below the number of leaves.
    fn split(self) -> Option<(Self, Self)> {
        let leaves = self.end - self.start;
        let middle =
            self.start + (leaves.checked_sub(1)?.checked_ilog2().map(|bit| 1_u64 << bit)?);
        Some((Self { start: self.start, end: middle }, Self { start: middle, end: self.end }))
    }

    /// The perfect subtrees that make it up, left to right.
    fn perfect_subtrees(self) -> impl Iterator<Item = Subtree> {
        let mut start = self.start;
        core::iter::from_fn(move || {
            let height = (self.end - start).checked_ilog2()?;
            let subtree = Subtree { start, height };
            start += 1_u64 << height;
            Some(subtree)
        })
    }
}

/// A perfect subtree of 2^`height` leaves from `start`.
#[derive(Debug, Clone, Copy)]
struct Subtree {
    start: u64,
    height: u32,
}

impl Subtree {
    /// The tile whose hashes lie below or at its root, and which of them do: (tile, first, count).
    fn place(self, size: u64) -> Option<(TileId, usize, usize)> {
        let level = self.height / TILE_HEIGHT;
        let first = self.start >> (level * TILE_HEIGHT);
        let width = u64::from(TILE_WIDTH);
        let tile = TileId::in_tree(u8::try_from(level).ok()?, first / width, size)?;
        let offset = usize::try_from(first % width).ok()?;
        Some((tile, offset, 1 << (self.height % TILE_HEIGHT)))
    }

    fn root(self, size: u64, source: &impl TileSource) -> Result<Option<Hash>, TileError> {
        let Some((tile, first, count)) = self.place(size) else {
            return Ok(None);
        };
        let rows = read_tile(tile, source)?.get(first..first + count);
        Ok(rows.map(|rows| {
            let hashes = rows.iter().copied().map(Hash);
            hashes.collect::<RootBuilder>().root()
        }))
    }
}

/// The subtrees beside the way from the leaf to the root (RFC 6962 §2.1.1), in that order.
fn inclusion_ranges(index: u64, size: u64) -> Vec<Range> {
    let mut beside = Vec::new();
    let mut here = Range { start: 0, end: size };
    if index >= size {
        return beside;
    }
    while let Some((left, right)) = here.split() {
        let (next, other) = if index < left.end { (left, right) } else { (right, left) };
        beside.push(other);
        here = next;
    }
    beside.reverse();
    beside
}

/// The subtrees of a consistency proof (RFC 6962 §2.1.2), in its order.
fn consistency_ranges(old_size: u64, new_size: u64) -> Vec<Range> {
    let mut ranges = Vec::new();
    let mut here = Range { start: 0, end: new_size };
    if old_size == 0 || old_size >= new_size {
        return ranges;
    }
    while here.end != old_size {
        let Some((left, right)) = here.split() else {
            break;
        };
        let (next, other) = if old_size <= left.end { (left, right) } else { (right, left) };
        ranges.push(other);
        here = next;
    }
    // The verifier knows the old root: it is left out where it is itself a subtree.
    if here.start != 0 {
        ranges.push(here);
    }
    ranges.reverse();
    ranges
}

fn tiles_of(ranges: &[Range], size: u64) -> Vec<TileId> {
    let tiles: BTreeSet<TileId> = ranges
        .iter()
        .flat_map(|range| range.perfect_subtrees())
        .filter_map(|subtree| subtree.place(size))
        .map(|(tile, _, _)| tile)
        .collect();
    tiles.into_iter().collect()
}

fn roots_of(ranges: &[Range], size: u64, source: &impl TileSource) -> Result<Vec<Hash>, TileError> {
    let mut roots = Vec::with_capacity(ranges.len());
    for range in ranges {
        let mut peaks = Vec::new();
        for subtree in range.perfect_subtrees() {
            peaks.extend(subtree.root(size, source)?);
        }
        roots.extend(join_right(peaks.into_iter()));
    }
    Ok(roots)
}
