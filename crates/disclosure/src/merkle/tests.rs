use super::*;

/// Entries of the reference tree of RFC 6962 implementations, in hex.
const ENTRIES: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];

/// Roots over the first 0, 1, … 8 of them.
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/// Inclusion of entry 1 in the tree of 5.
const INCLUSION: [&str; 3] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
];

fn leaves() -> Vec<Hash> {
    ENTRIES.map(|entry| leaf_hash(&hex::decode(entry).unwrap())).to_vec()
}

fn root(size: usize) -> Hash {
    Hash::from_hex(ROOTS[size]).unwrap()
}

fn inclusion() -> Vec<Hash> {
    INCLUSION.map(|hash| Hash::from_hex(hash).unwrap()).to_vec()
}

/// Consistency of 3 with 5: the third leaf, its sibling, the first two, the fifth leaf.
fn consistency() -> Vec<Hash> {
    let leaves = leaves();
    vec![leaves[2], leaves[3], node_hash(&leaves[0], &leaves[1]), leaves[4]]
}

#[test]
fn follows_the_reference_roots() {
    for size in 0..=8 {
        assert_eq!(root_of(&leaves()[..size]), root(size), "size {size}");
    }
    assert_eq!(empty_root(), root(0));
}

#[test]
fn follows_the_reference_proofs() {
    let leaf = leaves()[1];
    assert_eq!(verify_inclusion(leaf, 1, 5, &inclusion(), root(5)), Ok(()));
    let held = verify_consistency(3, 5, &consistency(), root(3), root(5));
    assert_eq!(held, Ok(()));
}

#[test]
fn hash_text_and_json_round_trip() {
    let json = format!("\"{}\"", ROOTS[1]);
    let hash: Hash = serde_json::from_str(&json).unwrap();
    assert_eq!(hash, root(1));
    assert_eq!(serde_json::to_string(&hash).unwrap(), json);
}

#[test]
fn one_leaf_needs_no_proof() {
    let leaf = leaves()[0];
    assert_eq!(verify_inclusion(leaf, 0, 1, &[], leaf), Ok(()));
}

#[test]
fn a_tree_is_consistent_with_itself_and_with_the_empty_one() {
    assert_eq!(verify_consistency(5, 5, &[], root(5), root(5)), Ok(()));
    assert_eq!(verify_consistency(0, 5, &[], root(0), root(5)), Ok(()));
    assert_eq!(verify_consistency(0, 0, &[], root(0), root(0)), Ok(()));
}

#[test]
fn rejects_hash_text_that_is_not_lower_case_hex() {
    assert_eq!(Hash::from_hex(&ROOTS[1].to_uppercase()), Err(HashTextError));
    assert_eq!(Hash::from_hex(&ROOTS[1][2..]), Err(HashTextError));
}

#[test]
fn rejects_index_outside_the_tree() {
    assert_eq!(
        verify_inclusion(leaves()[0], 1, 1, &[], root(1)),
        Err(ProofError::Index { index: 1, size: 1 })
    );
    assert_eq!(
        verify_inclusion(leaves()[0], 0, 0, &[], root(0)),
        Err(ProofError::Index { index: 0, size: 0 })
    );
}

#[test]
fn rejects_inclusion_of_another_leaf_index_or_root() {
    let (leaves, proof) = (leaves(), inclusion());
    let check = |leaf, index, root| verify_inclusion(leaf, index, 5, &proof, root);
    assert_eq!(check(leaves[2], 1, root(5)), Err(ProofError::Root));
    assert_eq!(check(leaves[1], 0, root(5)), Err(ProofError::Root));
    assert_eq!(check(leaves[1], 1, root(6)), Err(ProofError::Root));
}

#[test]
fn rejects_inclusion_proof_of_another_length() {
    let (leaf, mut proof) = (leaves()[1], inclusion());
    for end in 0..3 {
        let short = verify_inclusion(leaf, 1, 5, &proof[..end], root(5));
        assert_eq!(short, Err(ProofError::Length(end)));
    }
    proof.push(root(1));
    let long = verify_inclusion(leaf, 1, 5, &proof, root(5));
    assert_eq!(long, Err(ProofError::Length(4)));
}

#[test]
fn rejects_swapped_sizes() {
    assert_eq!(
        verify_consistency(5, 3, &consistency(), root(5), root(3)),
        Err(ProofError::Sizes { old: 5, new: 3 })
    );
}

#[test]
fn rejects_another_old_root() {
    let held = verify_consistency(3, 5, &consistency(), root(2), root(5));
    assert_eq!(held, Err(ProofError::OldRoot));
    let held = verify_consistency(0, 5, &[], root(1), root(5));
    assert_eq!(held, Err(ProofError::OldRoot));
}

#[test]
fn rejects_another_new_root() {
    let held = verify_consistency(3, 5, &consistency(), root(3), root(6));
    assert_eq!(held, Err(ProofError::Root));
    let held = verify_consistency(5, 5, &[], root(5), root(4));
    assert_eq!(held, Err(ProofError::Root));
}

#[test]
fn rejects_consistency_proof_of_another_length() {
    let mut proof = consistency();
    for end in 0..4 {
        let short = verify_consistency(3, 5, &proof[..end], root(3), root(5));
        assert_eq!(short, Err(ProofError::Length(end)));
    }
    proof.push(root(1));
    let long = verify_consistency(3, 5, &proof, root(3), root(5));
    assert_eq!(long, Err(ProofError::Length(5)));
    let needless = verify_consistency(5, 5, &[root(1)], root(5), root(5));
    assert_eq!(needless, Err(ProofError::Length(1)));
}
