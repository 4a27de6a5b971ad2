//! Trees, proofs and tiles against an independent implementation, at every size up to 600 and at 70,000.

use std::collections::BTreeMap;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof};
use disclosure::merkle::{
    Hash, RootBuilder, leaf_hash, root_of, verify_consistency, verify_inclusion,
};
use disclosure::proof::{
    consistency_proof, inclusion_proof, tiles_for_consistency, tiles_for_inclusion,
};
use disclosure::tile::RightEdge;
use proptest::prelude::*;
use sha2::Sha256;

/// Every size up to here is looked at.
const LARGEST: u64 = 600;
/// Up to this size every index is proved; above it the first, the last and [`DRAWN`] that a seeded generator draws.
const EXHAUSTIVE: u64 = 130;
const DRAWN: usize = 12;
/// A size with tiles at three levels, as the specification of tiles has it for an example.
const LARGE: u64 = 70_000;

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

/// Indices below a size, some of which a seeded generator draws (`SplitMix64`).
fn picked(size: u64, drawn: usize) -> Vec<u64> {
    if size <= EXHAUSTIVE {
        return (0..size).collect();
    }
    let mut state = size;
    let rolls = std::iter::repeat_with(|| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % size
    });
    [0, size - 1].into_iter().chain(rolls.take(drawn)).collect()
}

fn oracle_root(tree: &Oracle) -> Hash {
    Hash((*tree.root().as_bytes()).into())
}

fn hashes(bytes: &[u8]) -> Vec<Hash> {
    let (chunks, rest) = bytes.as_chunks::<32>();
    assert!(rest.is_empty());
    chunks.iter().copied().map(Hash).collect()
}

fn bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
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
    let (mut builder, mut edge, mut tree) = (RootBuilder::new(), RightEdge::new(), oracle(0));
    for (size, leaf) in (0..).zip(leaves.iter().copied()) {
        let expected = oracle_root(&tree);
        tree.push(entry(size));
        assert_eq!(builder.root(), expected, "builder at {size}");
        assert_eq!(edge.root(), expected, "edge at {size}");
        builder.push(leaf);
        edge.append(leaf);
    }
    assert_eq!(root_of(&leaves), oracle_root(&tree));
}

#[test]
fn inclusion_proofs_are_those_of_the_oracle() {
    let (mut tree, mut edge) = (oracle(0), RightEdge::new());
    for size in 1..=LARGEST {
        tree.push(entry(size - 1));
        let root = oracle_root(&tree);
        edge.append(leaf_hash(&entry(size - 1)));
        let tiles = stored(&edge);
        for index in picked(size, DRAWN) {
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
    let leaves = leaves(LARGEST);
    let roots: Vec<Hash> = (0..=leaves.len()).map(|size| root_of(&leaves[..size])).collect();
    let (mut tree, mut edge) = (oracle(0), RightEdge::new());
    for new in 1..=LARGEST {
        tree.push(entry(new - 1));
        edge.append(leaf_hash(&entry(new - 1)));
        let tiles = stored(&edge);
        for old in picked(new, DRAWN).into_iter().map(|index| index + 1) {
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
    let all = tiles(LARGE);
    let leaves = leaves(LARGE);
    let tree = oracle(LARGE);
    let root = oracle_root(&tree);
    let mut builder = RootBuilder::new();
    let roots = leaves.iter().map(|leaf| {
        let root = builder.root();
        builder.push(*leaf);
        root
    });
    let mut roots: Vec<Hash> = roots.collect();
    roots.push(builder.root());
    assert_eq!(roots.last(), Some(&root));
    let edges = [1, 2, 255, 256, 257, 65_535, 65_536, 65_537, 69_887, 69_888];
    for index in picked(LARGE, 60).into_iter().chain(edges) {
        let place = usize::try_from(index).unwrap();
        let tiles = fetched(&tiles_for_inclusion(index, LARGE), &all);
        assert!(tiles.len() <= 5, "{index}: {}", tiles.len());
        let proof = inclusion_proof(index, LARGE, &tiles).unwrap();
        let expected = tree.prove_inclusion(place);
        assert_eq!(proof, hashes(expected.as_bytes()), "{index}");
        assert_eq!(verify_inclusion(leaves[place], index, LARGE, &proof, root), Ok(()));
    }
    for old in picked(LARGE, 60).into_iter().map(|index| index + 1).chain(edges) {
        let tiles = fetched(&tiles_for_consistency(old, LARGE), &all);
        let proof = consistency_proof(old, LARGE, &tiles).unwrap();
        let expected = tree.prove_consistency(usize::try_from(LARGE - old).unwrap());
        assert_eq!(proof, hashes(expected.as_bytes()), "from {old}");
        let old_root = roots[usize::try_from(old).unwrap()];
        assert_eq!(verify_consistency(old, LARGE, &proof, old_root, root), Ok(()));
    }
}

/// Tiles hold what the oracle's tree says: full ones at a level are the roots over 256 of the level below.
#[test]
fn tiles_of_a_large_tree_hold_the_roots_of_the_oracle() {
    let all = tiles(LARGE);
    let of_level = |level| all.keys().filter(move |(at, _)| *at == level).count();
    assert_eq!([0, 1, 2, 3].map(of_level), [274, 2, 1, 0]);
    for (place, hashes) in [((0, 273), 112), ((1, 0), 256), ((1, 1), 17), ((2, 0), 1)] {
        assert_eq!(all[&place].len(), hashes * 32, "{place:?}");
    }
    let subtree = |from: u64, leaves: u64| {
        let mut tree = Oracle::new();
        (from..from + leaves).for_each(|index| tree.push(entry(index)));
        oracle_root(&tree)
    };
    for number in [0, 1, 255] {
        let stored = hashes(&all[&(1, 0)])[usize::try_from(number).unwrap()];
        assert_eq!(stored, subtree(number * 256, 256), "{number}");
    }
    assert_eq!(hashes(&all[&(1, 1)])[16], subtree((256 + 16) * 256, 256));
    assert_eq!(hashes(&all[&(2, 0)]), [subtree(0, 65_536)]);
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
    fn a_tree_of_random_entries_is_the_oracles_and_it_takes_our_proofs(
        entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 1..700),
        pick in any::<prop::sample::Index>()
    ) {
        let (mut tree, mut edge) = (oracle(0), RightEdge::new());
        for entry in &entries {
            tree.push(entry.clone());
            edge.append(leaf_hash(entry));
        }
        let (root, place) = (tree.root(), pick.index(entries.len()));
        prop_assert_eq!(edge.root(), oracle_root(&tree));
        let (size, index) = (u64::try_from(entries.len()).unwrap(), u64::try_from(place).unwrap());
        let tiles = stored(&edge);
        let proof = bytes(&inclusion_proof(index, size, &tiles).unwrap());
        let proof = InclusionProof::try_from_bytes(proof).unwrap();
        prop_assert!(root.verify_inclusion(&entries[place], index, &proof).is_ok());

        let old = entries[..=place].iter().fold(oracle(0), |mut tree, entry| {
            tree.push(entry.clone());
            tree
        });
        let proof = bytes(&consistency_proof(index + 1, size, &tiles).unwrap());
        let proof = ConsistencyProof::try_from_bytes(proof).unwrap();
        prop_assert!(root.verify_consistency(&old.root(), &proof).is_ok());
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
