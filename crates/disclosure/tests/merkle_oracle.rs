//! Trees, proofs and tiles against an independent implementation, at every size up to 300.

use std::collections::BTreeMap;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use disclosure::merkle::{
    Hash, RootBuilder, leaf_hash, root_of, verify_consistency, verify_inclusion,
};
use disclosure::proof::{
    consistency_proof, inclusion_proof, tiles_for_consistency, tiles_for_inclusion,
};
use disclosure::tile::RightEdge;
use proptest::prelude::*;
use sha2::Sha256;

const LARGEST: u64 = 300;

/// Up to this size every index is proved; above it one in [`STRIDE`], another at each size.
const EXHAUSTIVE: u64 = 100;
const STRIDE: u64 = 17;

type Oracle = MemoryBackedTree<Sha256, Vec<u8>>;
type Tiles = BTreeMap<(u8, u64), Vec<u8>>;

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

fn leaves(size: u64) -> Vec<Hash> {
    (0..size).map(|index| leaf_hash(&entry(index))).collect()
}

fn oracle(size: u64) -> Oracle {
    let mut tree = Oracle::new();
    (0..size).for_each(|index| tree.push(entry(index)));
    tree
}

fn picked(index: u64, size: u64) -> bool {
    size <= EXHAUSTIVE || index % STRIDE == size % STRIDE || index + 2 > size
}

fn oracle_root(tree: &Oracle) -> Hash {
    Hash((*tree.root().as_bytes()).into())
}

fn hashes(bytes: &[u8]) -> Vec<Hash> {
    let (chunks, rest) = bytes.as_chunks::<32>();
    assert!(rest.is_empty());
    chunks.iter().copied().map(Hash).collect()
}

fn tiles(size: u64) -> Tiles {
    let mut edge = RightEdge::new();
    for leaf in leaves(size) {
        edge.append(leaf);
    }
    stored(&edge)
}

fn stored(edge: &RightEdge) -> Tiles {
    edge.changed_tiles().into_iter().map(|(level, index, bytes)| ((level, index), bytes)).collect()
}

#[test]
fn roots_are_those_of_the_oracle() {
    let leaves = leaves(LARGEST);
    let mut builder = RootBuilder::new();
    let mut edge = RightEdge::new();
    for (size, leaf) in (0..).zip(leaves.iter().copied()) {
        let expected = oracle_root(&oracle(size));
        assert_eq!(builder.root(), expected, "builder at {size}");
        assert_eq!(edge.root(), expected, "edge at {size}");
        builder.push(leaf);
        edge.append(leaf);
    }
    assert_eq!(root_of(&leaves), oracle_root(&oracle(LARGEST)));
}

#[test]
fn inclusion_proofs_are_those_of_the_oracle() {
    let mut tree = oracle(0);
    for size in 1..=LARGEST {
        tree.push(entry(size - 1));
        let root = oracle_root(&tree);
        let tiles = tiles(size);
        for index in (0..size).filter(|index| picked(*index, size)) {
            let expected = tree.prove_inclusion(usize::try_from(index).unwrap());
            let proof = inclusion_proof(index, size, &tiles).unwrap();
            assert_eq!(proof, hashes(expected.as_bytes()), "{index} in {size}");
            let leaf = leaf_hash(&entry(index));
            assert_eq!(verify_inclusion(leaf, index, size, &proof, root), Ok(()));
        }
    }
}

#[test]
fn consistency_proofs_are_those_of_the_oracle() {
    let roots: Vec<Hash> = (0..=LARGEST).map(|size| root_of(&leaves(size))).collect();
    let mut tree = oracle(0);
    for new in 1..=LARGEST {
        tree.push(entry(new - 1));
        let tiles = tiles(new);
        for old in (1..=new).filter(|old| picked(*old, new)) {
            let expected = tree.prove_consistency(usize::try_from(new - old).unwrap());
            let proof = consistency_proof(old, new, &tiles).unwrap();
            assert_eq!(proof, hashes(expected.as_bytes()), "{old} to {new}");
            let root = |size: u64| roots[usize::try_from(size).unwrap()];
            assert_eq!(verify_consistency(old, new, &proof, root(old), root(new)), Ok(()));
        }
    }
}

/// Only the tiles that are asked for, as a client that fetches them would have.
fn fetched(ids: &[disclosure::tile::TileId], all: &Tiles) -> Tiles {
    ids.iter()
        .map(|id| {
            let place = (id.level(), id.index());
            let bytes = &all[&place];
            assert_eq!(bytes.len(), usize::from(id.width()) * 32, "{id}");
            (place, bytes.clone())
        })
        .collect()
}

#[test]
fn large_proofs_need_only_the_tiles_they_name() {
    const SIZE: u64 = 70_000;
    let all = tiles(SIZE);
    let leaves = leaves(SIZE);
    let root = root_of(&leaves);
    for index in [0, 1, 255, 256, 65_535, 65_536, 69_887, 69_888, 69_999] {
        let tiles = fetched(&tiles_for_inclusion(index, SIZE), &all);
        assert!(tiles.len() <= 5, "{index}: {}", tiles.len());
        let proof = inclusion_proof(index, SIZE, &tiles).unwrap();
        let leaf = leaves[usize::try_from(index).unwrap()];
        assert_eq!(verify_inclusion(leaf, index, SIZE, &proof, root), Ok(()));
    }
    for old in [1, 2, 255, 256, 257, 65_535, 65_536, 65_537, 69_888, 69_999] {
        let tiles = fetched(&tiles_for_consistency(old, SIZE), &all);
        let proof = consistency_proof(old, SIZE, &tiles).unwrap();
        let old_root = root_of(&leaves[..usize::try_from(old).unwrap()]);
        assert_eq!(verify_consistency(old, SIZE, &proof, old_root, root), Ok(()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_tree_grown_in_chunks_is_the_tree_grown_at_once(
        chunks in prop::collection::vec(0_u64..700, 0..8)
    ) {
        let size = chunks.iter().sum();
        let leaves = leaves(size);
        let mut rows = Tiles::new();
        let mut rest = leaves.as_slice();
        for chunk in chunks {
            let done = u64::try_from(leaves.len() - rest.len()).unwrap();
            let mut edge = RightEdge::load(done, &rows).unwrap();
            let (now, later) = rest.split_at(usize::try_from(chunk).unwrap());
            for leaf in now {
                edge.append(*leaf);
            }
            rows.extend(stored(&edge));
            rest = later;
        }
        prop_assert_eq!(&rows, &tiles(size));
        let edge = RightEdge::load(size, &rows).unwrap();
        prop_assert_eq!(edge.root(), root_of(&leaves));
        prop_assert_eq!(edge.size(), size);
        prop_assert!(edge.changed_tiles().is_empty());
    }

    #[test]
    fn a_changed_proof_does_not_hold(
        size in 2_u64..400, pick in any::<prop::sample::Index>(),
        which in any::<prop::sample::Index>(), bit in 0_usize..256
    ) {
        let leaves = leaves(size);
        let root = root_of(&leaves);
        let at = pick.index(leaves.len());
        let index = u64::try_from(at).unwrap();
        let mut proof = inclusion_proof(index, size, &tiles(size)).unwrap();
        let wrong = which.index(proof.len());
        proof[wrong].0[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(verify_inclusion(leaves[at], index, size, &proof, root).is_err());
    }

    #[test]
    fn verifying_never_panics(
        leaf in any::<[u8; 32]>(), index in any::<u64>(), size in any::<u64>(),
        proof in prop::collection::vec(any::<[u8; 32]>().prop_map(Hash), 0..70)
    ) {
        let leaf = Hash(leaf);
        prop_assert!(verify_inclusion(leaf, index, size, &proof, leaf).is_err() || size == 1);
        let held = verify_consistency(index, size, &proof, leaf, leaf).is_ok();
        prop_assert!(!held || index == size);
    }
}
