//! Tiles: the Merkle tree as static files of hashes (C2SP tlog-tiles).
//!
//! A tile of level L holds up to 256 consecutive hashes of the tree's height 8·L: level 0 holds
//! leaf hashes, and each hash of a higher level is the root over one full tile below it. Its bytes
//! are the 32-byte hashes one after another; its path is `tile/<L>/<N>`, with `.p/<W>` when only
//! W < 256 hashes exist yet. Entry bundles are in [`crate::bundle`], proofs in [`crate::proof`].

use core::fmt;
use std::collections::BTreeMap;

use thiserror::Error;

use crate::canonical::decimal;
use crate::merkle::{HASH_BYTES, Hash, RootBuilder, empty_root, join_right, root_of};

/// Hashes in a full tile, and entries in a full bundle.
pub const TILE_WIDTH: u16 = 256;
/// Bytes of a full tile.
pub const FULL_TILE_BYTES: usize = TILE_WIDTH as usize * HASH_BYTES;
/// Highest level that a tile's path may name.
pub const MAX_LEVEL: u8 = 63;

/// Tree levels that one tile spans.
pub(crate) const TILE_HEIGHT: u32 = 8;
/// Levels at which a tree of at most 2⁶⁴ - 1 leaves has tiles.
const LEVELS: usize = 8;

/// Why a tile, its path or its bytes are refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TileError {
    /// Above [`MAX_LEVEL`].
    #[error("tile level {0} is above {MAX_LEVEL}")]
    Level(u8),
    /// Not 1 to 256 hashes wide.
    #[error("tile width {0} is not in 1..={TILE_WIDTH}")]
    Width(u16),
    /// Not the one path that a tile has.
    #[error("{0:?} is not a tile path: write tile/<level>/<index>, like tile/0/x001/x234/067.p/8")]
    Path(String),
    /// The tree of this size has the tile, the source does not.
    #[error("tile {0} is missing: restore it from a copy of the log")]
    Missing(TileId),
    /// Not a whole number of hashes, or fewer than the tree of this size has.
    #[error("tile {tile} has {bytes} bytes, which are too few or not whole hashes: restore it")]
    Bytes {
        /// The tile, as wide as it should at least be.
        tile: TileId,
        /// Bytes that the source gave.
        bytes: usize,
    },
}

/// One tile: its level (0..=63), its index within the level, and how many hashes it holds
/// (1..=256).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    level: u8,
    index: u64,
    width: u16,
}

impl TileId {
    /// A tile by its coordinates.
    pub fn new(level: u8, index: u64, width: u16) -> Result<Self, TileError> {
        if level > MAX_LEVEL {
            Err(TileError::Level(level))
        } else if width == 0 || width > TILE_WIDTH {
            Err(TileError::Width(width))
        } else {
            Ok(Self { level, index, width })
        }
    }

    /// The tile at this place as wide as a tree of `size` leaves has it; nothing where that tree
    /// has no such tile.
    pub fn in_tree(level: u8, index: u64, size: u64) -> Option<Self> {
        let hashes = hashes_at(level, size);
        let before = index.checked_mul(u64::from(TILE_WIDTH))?;
        let there = hashes.checked_sub(before)?.min(u64::from(TILE_WIDTH));
        Self::new(level, index, u16::try_from(there).ok()?).ok()
    }

    /// Level, from 0 at the leaves.
    pub const fn level(&self) -> u8 {
        self.level
    }

    /// Index within the level, from 0.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Hashes in the tile.
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Whether the tile holds 256 hashes and so never changes again.
    pub const fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// `tile/<L>/<N>`, and `.p/<W>` unless the tile is full.
    pub fn path(&self) -> String {
        format!("tile/{}/{}", self.level, position_text(self.index, self.width))
    }

    /// The tile that a path names; refuses every other spelling of it.
    pub fn from_path(path: &str) -> Result<Self, TileError> {
        let refuse = || TileError::Path(path.to_owned());
        let (level, position) =
            path.strip_prefix("tile/").and_then(|rest| rest.split_once('/')).ok_or_else(refuse)?;
        let level = decimal(level).and_then(|level| u8::try_from(level).ok()).ok_or_else(refuse)?;
        let (index, width) = parse_position(position).ok_or_else(refuse)?;
        Self::new(level, index, width)
    }

    /// This tile's hashes out of stored bytes, which may belong to a wider state of the tile.
    pub fn hashes(&self, bytes: &[u8]) -> Result<Vec<Hash>, TileError> {
        Ok(self.rows(bytes)?.iter().copied().map(Hash).collect())
    }

    /// Like [`Self::hashes`], without copying.
    fn rows<'a>(&self, bytes: &'a [u8]) -> Result<&'a [[u8; HASH_BYTES]], TileError> {
        let (rows, rest) = bytes.as_chunks::<HASH_BYTES>();
        let whole = rest.is_empty() && rows.len() <= usize::from(TILE_WIDTH);
        match rows.get(..usize::from(self.width)) {
            Some(rows) if whole => Ok(rows),
            _ => Err(TileError::Bytes { tile: *self, bytes: bytes.len() }),
        }
    }
}

impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

/// Where stored tiles are looked up.
pub trait TileSource {
    /// The widest stored bytes of the tile at this level and index; nothing where none is stored.
    fn tile(&self, level: u8, index: u64) -> Option<&[u8]>;
}

impl TileSource for BTreeMap<(u8, u64), Vec<u8>> {
    fn tile(&self, level: u8, index: u64) -> Option<&[u8]> {
        self.get(&(level, index)).map(Vec::as_slice)
    }
}

/// All tiles of a tree of `size` leaves: level by level from 0, in each from left to right.
pub fn tiles_at(size: u64) -> impl Iterator<Item = TileId> {
    levels().flat_map(move |level| {
        let tiles = hashes_at(level, size).div_ceil(u64::from(TILE_WIDTH));
        (0..tiles).filter_map(move |index| TileId::in_tree(level, index, size))
    })
}

/// The partial tiles of a tree of `size` leaves, at most one a level: what [`RightEdge::load`]
/// reads.
pub fn partial_tiles_at(size: u64) -> impl Iterator<Item = TileId> {
    levels().filter_map(move |level| {
        let index = hashes_at(level, size) / u64::from(TILE_WIDTH);
        TileId::in_tree(level, index, size)
    })
}

/// The growing edge of a tree: its partial tiles, from which leaves are appended and the root is
/// taken without reading anything else.
#[derive(Debug, Clone, Default)]
pub struct RightEdge {
    size: u64,
    /// By level, the hashes of the partial tile; empty where the level ends with a full one.
    partial: [Vec<Hash>; LEVELS],
    /// By level, whether the partial tile has hashes that are not stored yet.
    grown: [bool; LEVELS],
    /// Tiles filled since loading.
    filled: BTreeMap<(u8, u64), Vec<u8>>,
}

impl RightEdge {
    /// The edge of a tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// The edge of a tree of `size` leaves; fails where one of [`partial_tiles_at`] is missing or
    /// too short.
    pub fn load(size: u64, source: &impl TileSource) -> Result<Self, TileError> {
        let mut edge = Self { size, ..Self::default() };
        for tile in partial_tiles_at(size) {
            if let Some(partial) = edge.partial.get_mut(usize::from(tile.level)) {
                *partial = read_tile(tile, source)?.iter().copied().map(Hash).collect();
            }
        }
        Ok(edge)
    }

    /// Appends one leaf hash on the right.
    pub fn append(&mut self, leaf: Hash) {
        let mut hash = leaf;
        let levels = self.partial.iter_mut().zip(&mut self.grown).zip(0_u8..);
        for ((partial, grown), level) in levels {
            partial.push(hash);
            *grown = true;
            if partial.len() < usize::from(TILE_WIDTH) {
                break;
            }
            let index = hashes_at(level, self.size) / u64::from(TILE_WIDTH);
            self.filled.insert((level, index), tile_bytes(partial));
            hash = root_of(partial);
            partial.clear();
        }
        self.size += 1;
    }

    /// Leaves in the tree.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root over all leaves.
    pub fn root(&self) -> Hash {
        let peaks: Vec<Hash> = self
            .partial
            .iter()
            .rev()
            .flat_map(|hashes| {
                let level: RootBuilder = hashes.iter().copied().collect();
                level.into_peaks()
            })
            .collect();
        join_right(peaks.into_iter()).unwrap_or_else(empty_root)
    }

    /// The tiles that appending changed: (level, index, bytes of all hashes the tile now holds),
    /// in order of level and index. A partial tile replaces the narrower one at the same place.
    pub fn changed_tiles(&self) -> Vec<(u8, u64, Vec<u8>)> {
        let mut changed = self.filled.clone();
        for ((partial, grown), level) in self.partial.iter().zip(self.grown).zip(0_u8..) {
            if grown && !partial.is_empty() {
                let index = hashes_at(level, self.size) / u64::from(TILE_WIDTH);
                changed.insert((level, index), tile_bytes(partial));
            }
        }
        changed.into_iter().map(|((level, index), bytes)| (level, index, bytes)).collect()
    }

    /// Forgets what changed, once [`Self::changed_tiles`] are stored.
    pub fn mark_stored(&mut self) {
        self.grown = [false; LEVELS];
        self.filled.clear();
    }
}

/// The hashes of a tile, looked up.
pub(crate) fn read_tile(
    tile: TileId,
    source: &impl TileSource,
) -> Result<&[[u8; HASH_BYTES]], TileError> {
    let bytes = source.tile(tile.level, tile.index).ok_or(TileError::Missing(tile))?;
    tile.rows(bytes)
}

/// `x001/x234/067` for 1,234,067, and `.p/<W>` unless full: shared by tiles and entry bundles.
pub(crate) fn position_text(index: u64, width: u16) -> String {
    let mut text = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        text = format!("x{:03}/{text}", rest % 1000);
        rest /= 1000;
    }
    if width < TILE_WIDTH {
        text = format!("{text}.p/{width}");
    }
    text
}

/// Index and width out of their one text.
pub(crate) fn parse_position(text: &str) -> Option<(u64, u16)> {
    let (groups, width) = match text.split_once(".p/") {
        Some((groups, width)) => (groups, u16::try_from(decimal(width)?).ok()?),
        None => (text, TILE_WIDTH),
    };
    let mut index = 0_u64;
    for group in groups.split('/') {
        let digits = group.strip_prefix('x').unwrap_or(group);
        let three = digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let value = three.then(|| digits.parse::<u64>().ok()).flatten()?;
        index = index.checked_mul(1000)?.checked_add(value)?;
    }
    // One spelling only: what was read must be what would be written.
    (position_text(index, width) == text).then_some((index, width))
}

/// Hashes that a tree of `size` leaves has at a tile level.
pub(crate) fn hashes_at(level: u8, size: u64) -> u64 {
    size.checked_shr(TILE_HEIGHT * u32::from(level)).unwrap_or(0)
}

fn levels() -> impl Iterator<Item = u8> {
    (0_u8..).take(LEVELS)
}

fn tile_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

#[cfg(test)]
mod tests;
