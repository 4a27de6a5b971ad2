//! Merkle tree hashing and proofs: RFC 6962 §2.1, verified as RFC 9162 §2.1.3 and §2.1.4 say.
//!
//! ```text
//! leaf  = SHA-256(0x00 ‖ entry)
//! node  = SHA-256(0x01 ‖ left ‖ right)
//! empty = SHA-256("")
//! ```
//!
//! A tree of n > 1 leaves splits at the largest power of two below n. Making proofs from stored
//! tiles is the work of [`crate::proof`].

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::canonical::hex_bytes;

/// Length of a SHA-256 hash.
pub const HASH_BYTES: usize = 32;
/// Most hashes a proof can hold: a tree of 2⁶⁴ - 1 leaves is 64 levels high, and a consistency
/// proof has at most one hash more than that.
pub const MAX_PROOF_HASHES: usize = 65;

/// A SHA-256 hash, written as 64 lower-case hexadecimal digits in JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash(pub [u8; HASH_BYTES]);

/// Text that is not a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a hash is written as 64 lower-case hexadecimal digits")]
pub struct HashTextError;

impl Hash {
    /// SHA-256 of these bytes, without a prefix: for attachments, not for tree leaves.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// A hash from 64 lower-case hexadecimal digits.
    pub fn from_hex(text: &str) -> Result<Self, HashTextError> {
        hex_bytes(text).map(Self).ok_or(HashTextError)
    }

    /// 64 lower-case hexadecimal digits.
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    /// The 32 raw bytes.
    pub const fn as_bytes(&self) -> &[u8; HASH_BYTES] {
        &self.0
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({})", self.to_hex())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl FromStr for Hash {
    type Err = HashTextError;

    fn from_str(text: &str) -> Result<Self, HashTextError> {
        Self::from_hex(text)
    }
}

impl TryFrom<String> for Hash {
    type Error = HashTextError;

    fn try_from(text: String) -> Result<Self, HashTextError> {
        Self::from_hex(&text)
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_hex()
    }
}

/// SHA-256(0x00 ‖ entry).
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut sha = Sha256::new();
    sha.update([0x00]);
    sha.update(entry);
    Hash(sha.finalize().into())
}

/// SHA-256(0x01 ‖ left ‖ right).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut sha = Sha256::new();
    sha.update([0x01]);
    sha.update(left.0);
    sha.update(right.0);
    Hash(sha.finalize().into())
}

/// SHA-256 of nothing: the root of a tree without leaves.
pub fn empty_root() -> Hash {
    Hash::of(&[])
}

/// The root over these leaf hashes.
pub fn root_of(leaf_hashes: &[Hash]) -> Hash {
    leaf_hashes.iter().copied().collect::<RootBuilder>().root()
}

/// The root of a tree whose leaf hashes arrive one by one, kept in as many hashes as the tree is
/// high.
#[derive(Debug, Clone, Default)]
pub struct RootBuilder {
    size: u64,
    /// Roots of the perfect subtrees, left to right: one for each bit set in `size`.
    peaks: Vec<Hash>,
}

impl RootBuilder {
    /// The tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a leaf hash on the right.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        let mut below = self.size;
        while below & 1 == 1 {
            if let Some(left) = self.peaks.pop() {
                hash = node_hash(&left, &hash);
            }
            below >>= 1;
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// Leaves pushed so far.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the perfect subtrees, left to right.
    pub(crate) fn into_peaks(self) -> Vec<Hash> {
        self.peaks
    }

    /// The root over all leaves pushed so far.
    pub fn root(&self) -> Hash {
        join_right(self.peaks.iter().copied()).unwrap_or_else(empty_root)
    }
}

impl Extend<Hash> for RootBuilder {
    fn extend<I: IntoIterator<Item = Hash>>(&mut self, leaves: I) {
        leaves.into_iter().for_each(|leaf| self.push(leaf));
    }
}

impl FromIterator<Hash> for RootBuilder {
    fn from_iter<I: IntoIterator<Item = Hash>>(leaves: I) -> Self {
        let mut builder = Self::new();
        builder.extend(leaves);
        builder
    }
}

/// Joins the roots of perfect subtrees, given left to right, into the root above them.
pub(crate) fn join_right(peaks: impl DoubleEndedIterator<Item = Hash>) -> Option<Hash> {
    peaks.rev().reduce(|right, left| node_hash(&left, &right))
}

/// Why a proof does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ProofError {
    /// The leaf lies outside the tree.
    #[error("index {index} lies outside a tree of {size} leaves")]
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
    /// Fewer or more hashes than a tree of this size has on the way to its root.
    #[error("the proof has {0} hashes, which does not fit the sizes: ask for the proof again")]
    Length(usize),
    /// The hashes lead to another root than the newer tree's.
    #[error("the proof leads to another root: do not trust this log copy")]
    Root,
    /// The hashes lead to another root than the older tree's.
    #[error("the proof leads to another old root: the log was rewritten")]
    OldRoot,
}

/// Checks that `leaf` is the leaf hash at `index` of the tree of `size` leaves with this `root`.
///
/// `proof` runs from the leaf's sibling to the root's child (RFC 9162 §2.1.3.2).
pub fn verify_inclusion(
    leaf: Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::Index { index, size });
    }
    let mut node = index;
    let mut last = size - 1;
    let mut hash = leaf;
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::Length(proof.len()));
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            skip_levels_without_sibling(&mut node, &mut last);
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        Err(ProofError::Length(proof.len()))
    } else if hash == root {
        Ok(())
    } else {
        Err(ProofError::Root)
    }
}

/// Checks that the tree of `new_size` leaves begins with exactly the tree of `old_size` leaves.
///
/// Equal sizes need equal roots and an empty proof, and so does an empty older tree, whose root
/// must then be [`empty_root`]; else RFC 9162 §2.1.4.2.
pub fn verify_consistency(
    old_size: u64,
    new_size: u64,
    proof: &[Hash],
    old_root: Hash,
    new_root: Hash,
) -> Result<(), ProofError> {
    if old_size > new_size {
        return Err(ProofError::Sizes { old: old_size, new: new_size });
    }
    if old_size == 0 || old_size == new_size {
        return verify_trivial(old_size, new_size, proof, old_root, new_root);
    }
    let length = || ProofError::Length(proof.len());
    // The old tree's own root starts the proof and is left out of it when it is a subtree.
    let (start, path) = if old_size.is_power_of_two() {
        (old_root, proof)
    } else {
        proof.split_first().map(|(first, rest)| (*first, rest)).ok_or_else(length)?
    };
    let mut node = old_size - 1;
    let mut last = new_size - 1;
    let shared = node.trailing_ones();
    node >>= shared;
    last >>= shared;
    let (mut old, mut new) = (start, start);
    for sibling in path {
        if last == 0 {
            return Err(length());
        }
        if node & 1 == 1 || node == last {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
            skip_levels_without_sibling(&mut node, &mut last);
        } else {
            new = node_hash(&new, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        Err(length())
    } else if old != old_root {
        Err(ProofError::OldRoot)
    } else if new != new_root {
        Err(ProofError::Root)
    } else {
        Ok(())
    }
}

/// Consistency where nothing needs hashing: from the empty tree, or to a tree of the same size.
fn verify_trivial(
    old_size: u64,
    new_size: u64,
    proof: &[Hash],
    old_root: Hash,
    new_root: Hash,
) -> Result<(), ProofError> {
    if !proof.is_empty() {
        return Err(ProofError::Length(proof.len()));
    }
    if old_size == 0 && old_root != empty_root() {
        return Err(ProofError::OldRoot);
    }
    if old_size == new_size && old_root != new_root {
        return Err(ProofError::Root);
    }
    Ok(())
}

/// A right-most node without a sibling moves up unchanged until it is a right child.
fn skip_levels_without_sibling(node: &mut u64, last: &mut u64) {
    if *node & 1 == 0 {
        let levels = node.trailing_zeros().min(u64::BITS - 1);
        *node >>= levels;
        *last >>= levels;
    }
}

#[cfg(test)]
mod tests;
