//! Entry bundles: the log's entries as static files (C2SP tlog-tiles, "Log entries").
//!
//! ```text
//! bundle = 1 to 256 × (length: 2 bytes, big-endian ‖ entry: `length` bytes)
//! ```
//!
//! Entry i of bundle N has log index 256·N + i and hashes to the same place of the level-0 tile N.
//! The path is `tile/entries/<N>`, with `.p/<W>` while the bundle holds W < 256 entries.

use core::fmt;

use thiserror::Error;

use crate::tile::{TILE_WIDTH, TileId, parse_position, position_text};

/// Longest entry, as the two bytes of its length allow.
pub const MAX_ENTRY_BYTES: usize = 65_535;
/// Most entries in one bundle.
pub const MAX_BUNDLE_ENTRIES: usize = TILE_WIDTH as usize;
/// Longest bundle.
pub const MAX_BUNDLE_BYTES: usize = MAX_BUNDLE_ENTRIES * (LENGTH_BYTES + MAX_ENTRY_BYTES);

/// Bytes that state an entry's length.
const LENGTH_BYTES: usize = 2;

/// Why entries are not bundled or a bundle is not read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BundleError {
    /// An entry over [`MAX_ENTRY_BYTES`].
    #[error("an entry of {0} bytes is over {MAX_ENTRY_BYTES}: put the large part in an attachment")]
    EntryTooLong(usize),
    /// More than [`MAX_BUNDLE_ENTRIES`].
    #[error("more than {MAX_BUNDLE_ENTRIES} entries in one bundle: begin the next bundle")]
    TooManyEntries,
    /// A bundle without entries.
    #[error("a bundle holds at least one entry")]
    Empty,
    /// The bytes end within an entry or its length.
    #[error("the bundle ends within entry {0}: fetch it again")]
    Truncated(usize),
    /// Fewer or more entries than the bundle is said to hold.
    #[error("the bundle holds {found} entries and not {expected}: fetch it again")]
    Count {
        /// Entries that the bundle should hold.
        expected: usize,
        /// Entries that it holds.
        found: usize,
    },
    /// Not 1 to 256 entries wide.
    #[error("bundle width {0} is not in 1..={TILE_WIDTH}")]
    Width(u16),
    /// Not the one path that a bundle has.
    #[error(
        "{0:?} is not a bundle path: write tile/entries/<index>, like tile/entries/x001/067.p/8"
    )]
    Path(String),
}

/// One entry bundle: its index and how many entries it holds (1..=256).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BundleId {
    index: u64,
    width: u16,
}

impl BundleId {
    /// A bundle by its coordinates.
    pub fn new(index: u64, width: u16) -> Result<Self, BundleError> {
        if width == 0 || width > TILE_WIDTH {
            Err(BundleError::Width(width))
        } else {
            Ok(Self { index, width })
        }
    }

    /// The bundle with this index as wide as a log of `size` entries has it; nothing where that
    /// log has no such bundle.
    pub fn in_log(index: u64, size: u64) -> Option<Self> {
        let tile = TileId::in_tree(0, index, size)?;
        Some(Self { index, width: tile.width() })
    }

    /// Index, from 0.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Entries in the bundle.
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// `tile/entries/<N>`, and `.p/<W>` unless the bundle is full.
    pub fn path(&self) -> String {
        format!("tile/entries/{}", position_text(self.index, self.width))
    }

    /// The bundle that a path names; refuses every other spelling of it.
    pub fn from_path(path: &str) -> Result<Self, BundleError> {
        let (index, width) = path
            .strip_prefix("tile/entries/")
            .and_then(parse_position)
            .ok_or_else(|| BundleError::Path(path.to_owned()))?;
        Self::new(index, width)
    }
}

impl fmt::Display for BundleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

/// All bundles of a log of `size` entries, from left to right.
pub fn bundles_at(size: u64) -> impl Iterator<Item = BundleId> {
    let bundles = size.div_ceil(u64::from(TILE_WIDTH));
    (0..bundles).filter_map(move |index| BundleId::in_log(index, size))
}

/// The bytes of a bundle of these entries.
pub fn encode<E: AsRef<[u8]>>(entries: &[E]) -> Result<Vec<u8>, BundleError> {
    match entries.len() {
        0 => return Err(BundleError::Empty),
        count if count > MAX_BUNDLE_ENTRIES => return Err(BundleError::TooManyEntries),
        _ => {}
    }
    let mut bytes = Vec::new();
    for entry in entries {
        let entry = entry.as_ref();
        let length =
            u16::try_from(entry.len()).map_err(|_| BundleError::EntryTooLong(entry.len()))?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    Ok(bytes)
}

/// The entries of a bundle, in order; refuses a bundle that is empty, too full or cut off.
pub fn decode(bytes: &[u8]) -> Result<Vec<&[u8]>, BundleError> {
    let mut entries = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        if entries.len() == MAX_BUNDLE_ENTRIES {
            return Err(BundleError::TooManyEntries);
        }
        let (entry, after) = split_entry(rest).ok_or(BundleError::Truncated(entries.len()))?;
        entries.push(entry);
        rest = after;
    }
    if entries.is_empty() { Err(BundleError::Empty) } else { Ok(entries) }
}

/// The entries of a bundle that must be exactly as wide as `id` says.
pub fn decode_as(id: BundleId, bytes: &[u8]) -> Result<Vec<&[u8]>, BundleError> {
    let entries = decode(bytes)?;
    let expected = usize::from(id.width);
    if entries.len() == expected {
        Ok(entries)
    } else {
        Err(BundleError::Count { expected, found: entries.len() })
    }
}

fn split_entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<LENGTH_BYTES>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn entries_follow_their_lengths() {
        let bytes = encode(&[b"ab".as_slice(), b"", b"c"]).unwrap();
        assert_eq!(bytes, b"\0\x02ab\0\0\0\x01c");
        assert_eq!(decode(&bytes).unwrap(), [b"ab".as_slice(), b"", b"c"]);
    }

    #[test]
    fn longest_entries_fit() {
        let bytes = encode(&vec![vec![7; MAX_ENTRY_BYTES]; MAX_BUNDLE_ENTRIES]).unwrap();
        assert_eq!(bytes.len(), MAX_BUNDLE_BYTES);
        assert_eq!(decode(&bytes).unwrap().len(), MAX_BUNDLE_ENTRIES);
    }

    #[test]
    fn paths_round_trip() {
        for (index, width, path) in [
            (0, 256, "tile/entries/000"),
            (1_234_067, 256, "tile/entries/x001/x234/067"),
            (273, 112, "tile/entries/273.p/112"),
        ] {
            let id = BundleId::new(index, width).unwrap();
            assert_eq!(id.path(), path);
            assert_eq!(BundleId::from_path(path), Ok(id));
        }
    }

    #[test]
    fn bundles_cover_the_log() {
        assert_eq!(bundles_at(0).count(), 0);
        let paths: Vec<_> = bundles_at(513).map(|id| id.path()).collect();
        assert_eq!(paths, ["tile/entries/000", "tile/entries/001", "tile/entries/002.p/1"]);
        assert_eq!(bundles_at(512).count(), 2);
    }

    #[test]
    fn rejects_entry_over_the_limit() {
        assert_eq!(
            encode(&[vec![0; MAX_ENTRY_BYTES + 1]]),
            Err(BundleError::EntryTooLong(MAX_ENTRY_BYTES + 1))
        );
    }

    #[test]
    fn rejects_too_many_entries() {
        assert_eq!(encode(&[[0_u8; 0]; 257]), Err(BundleError::TooManyEntries));
        assert_eq!(decode(&[0; 257 * 2]), Err(BundleError::TooManyEntries));
    }

    #[test]
    fn rejects_empty_bundle() {
        assert_eq!(encode::<&[u8]>(&[]), Err(BundleError::Empty));
        assert_eq!(decode(&[]), Err(BundleError::Empty));
    }

    #[test]
    fn rejects_truncated_bundle() {
        let bytes = encode(&["ab", "cd"]).unwrap();
        for end in [1, 2, 3] {
            assert_eq!(decode(&bytes[..end]), Err(BundleError::Truncated(0)));
        }
        for end in [5, 6, 7] {
            assert_eq!(decode(&bytes[..end]), Err(BundleError::Truncated(1)));
        }
    }

    #[test]
    fn rejects_another_count() {
        let bytes = encode(&["ab", "cd"]).unwrap();
        assert!(decode_as(BundleId::new(0, 2).unwrap(), &bytes).is_ok());
        assert_eq!(
            decode_as(BundleId::new(0, 3).unwrap(), &bytes),
            Err(BundleError::Count { expected: 3, found: 2 })
        );
    }

    #[test]
    fn rejects_bad_width_and_path() {
        assert_eq!(BundleId::new(0, 0), Err(BundleError::Width(0)));
        assert_eq!(BundleId::new(0, 257), Err(BundleError::Width(257)));
        for path in ["tile/0/000", "tile/entries/", "tile/entries/0", "tile/entries/x000/001"] {
            assert_eq!(BundleId::from_path(path), Err(BundleError::Path(path.to_owned())));
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..257)
        ) {
            let bytes = encode(&entries).unwrap();
            prop_assert_eq!(decode(&bytes).unwrap(), entries);
        }

        #[test]
        fn what_is_decoded_encodes_to_the_same_bytes(bytes in prop::collection::vec(0_u8..3, 0..60)) {
            if let Ok(entries) = decode(&bytes) {
                prop_assert_eq!(encode(&entries).unwrap(), bytes);
            }
        }
    }
}
