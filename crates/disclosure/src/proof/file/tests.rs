use super::*;
use crate::key::{PublicKey, SigningKey};
use crate::merkle::{node_hash, root_of};
use crate::note::{KeyName, SignatureType};

const ORIGIN: &str = "example.com/water";

fn log() -> VerifierKey {
    let key = PublicKey::of(&SigningKey::from_bytes(&[7; 32]));
    VerifierKey::new(KeyName::new(ORIGIN).unwrap(), SignatureType::Ed25519, key)
}

/// Proof of entry 1 of `zero`, `one`, `two`.
fn proof() -> TlogProof {
    let leaves = ["zero", "one", "two"].map(|entry| leaf_hash(entry.as_bytes()));
    let checkpoint = Checkpoint::new(ORIGIN, 3, root_of(&leaves));
    let bytes = checkpoint.sign(&SigningKey::from_bytes(&[7; 32])).unwrap();
    TlogProof::new(1, vec![leaves[0], leaves[2]], bytes)
}

fn text() -> String {
    String::from_utf8(proof().to_bytes()).unwrap()
}

fn refusal(text: &str) -> ProofFileError {
    TlogProof::parse(text.as_bytes()).unwrap_err()
}

#[test]
fn round_trips_and_holds() {
    let read = TlogProof::parse(text().as_bytes()).unwrap();
    assert_eq!(read, proof());
    let checkpoint = read.verify(b"one", &log()).unwrap();
    assert_eq!(checkpoint.size, 3);
}

#[test]
fn extra_data_is_kept() {
    let with_extra = TlogProof { extra: Some(b"for the reader".to_vec()), ..proof() };
    let bytes = with_extra.to_bytes();
    assert!(bytes.starts_with(b"c2sp.org/tlog-proof@v1\nextra Zm9yIHRoZSByZWFkZXI=\nindex 1\n"));
    assert_eq!(TlogProof::parse(&bytes), Ok(with_extra));
}

#[test]
fn the_only_entry_needs_no_hashes() {
    let leaf = leaf_hash(b"zero");
    let key = SigningKey::from_bytes(&[7; 32]);
    let checkpoint = Checkpoint::new(ORIGIN, 1, leaf).sign(&key).unwrap();
    let proof = TlogProof::new(0, Vec::new(), checkpoint);
    let read = TlogProof::parse(&proof.to_bytes()).unwrap();
    assert!(read.verify(b"zero", &log()).is_ok());
}

#[test]
fn rejects_another_entry_or_index() {
    let wrong = Err(ProofFileError::Proof(ProofError::Root));
    assert_eq!(proof().verify(b"ten", &log()), wrong);
    let moved = TlogProof { index: 0, ..proof() };
    assert_eq!(moved.verify(b"one", &log()), wrong);
    let outside = TlogProof { index: 3, ..proof() };
    assert_eq!(
        outside.verify(b"one", &log()),
        Err(ProofFileError::Proof(ProofError::Index { index: 3, size: 3 }))
    );
}

#[test]
fn rejects_a_node_passed_off_as_an_entry() {
    let leaves = ["zero", "one", "two"].map(|entry| leaf_hash(entry.as_bytes()));
    let node = [&leaves[0].0[..], &leaves[1].0].concat();
    let forged = TlogProof { index: 0, hashes: vec![leaves[2]], ..proof() };
    assert_ne!(leaf_hash(&node), node_hash(&leaves[0], &leaves[1]));
    assert!(forged.verify(&node, &log()).is_err());
}

#[test]
fn rejects_a_checkpoint_by_another_log() {
    let key = PublicKey::of(&SigningKey::from_bytes(&[8; 32]));
    let name = KeyName::new(ORIGIN).unwrap();
    let other = VerifierKey::new(name, SignatureType::Ed25519, key);
    assert!(matches!(
        proof().verify(b"one", &other),
        Err(ProofFileError::Checkpoint(CheckpointError::Note(_)))
    ));
}

#[test]
fn rejects_another_header() {
    assert_eq!(refusal(""), ProofFileError::Header);
    assert_eq!(refusal(&text().replace("@v1", "@v2")), ProofFileError::Header);
    assert_eq!(refusal(&text().replace("@v1\n", "@v1 \n")), ProofFileError::Header);
}

#[test]
fn rejects_a_missing_blank_line() {
    assert_eq!(refusal("c2sp.org/tlog-proof@v1\nindex 0\n"), ProofFileError::Shape);
}

#[test]
fn rejects_index_lines_with_another_spelling() {
    for line in ["index 01", "index -1", "index", "index 1 ", "indeX 1", "Index: 1"] {
        let changed = text().replace("index 1", line);
        assert_eq!(refusal(&changed), ProofFileError::IndexLine, "{line}");
    }
}

#[test]
fn rejects_extra_lines_with_another_spelling() {
    for line in ["extra eA", "extra eB==", "extra  eA=="] {
        let changed = text().replace("index 1", &format!("{line}\nindex 1"));
        assert_eq!(refusal(&changed), ProofFileError::Extra, "{line}");
    }
    let late = text().replace("index 1", "index 1\nextra eA==");
    assert_eq!(refusal(&late), ProofFileError::HashLine(1));
}

#[test]
fn rejects_extra_data_over_the_limit() {
    let long = TlogProof { extra: Some(vec![0; MAX_EXTRA_BYTES + 1]), ..proof() };
    assert_eq!(TlogProof::parse(&long.to_bytes()), Err(ProofFileError::Extra));
}

#[test]
fn rejects_hash_lines_that_are_not_hashes() {
    let first = base64_text(proof().hashes[0].0);
    for line in ["AAAA", "", first.trim_end_matches('=')] {
        let changed = text().replacen(&first, line, 1);
        let refused = TlogProof::parse(changed.as_bytes())
            .and_then(|proof| proof.verify(b"one", &log()))
            .unwrap_err();
        if line.is_empty() {
            // An empty line ends the proof, and what follows is no checkpoint.
            assert!(matches!(refused, ProofFileError::Checkpoint(_)));
        } else {
            assert_eq!(refused, ProofFileError::HashLine(1));
        }
    }
}

#[test]
fn rejects_too_many_hashes() {
    let long = TlogProof { hashes: vec![leaf_hash(b""); MAX_PROOF_HASHES + 1], ..proof() };
    assert_eq!(TlogProof::parse(&long.to_bytes()), Err(ProofFileError::TooManyHashes));
}

#[test]
fn rejects_files_over_the_limit_or_not_text() {
    let long = vec![b'a'; MAX_PROOF_FILE_BYTES + 1];
    assert_eq!(TlogProof::parse(&long), Err(ProofFileError::TooLong(MAX_PROOF_FILE_BYTES + 1)));
    assert_eq!(TlogProof::parse(b"\xff"), Err(ProofFileError::NotUtf8));
}
