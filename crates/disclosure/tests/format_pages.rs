//! The vectors on the format pages, which an independent program made, hold for this crate.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;

use disclosure::checkpoint::Checkpoint;
use disclosure::cosignature::Cosigner;
use disclosure::dsse::{Envelope, pae};
use disclosure::key::{PublicKey, SigningKey};
use disclosure::merkle::{leaf_hash, root_of};
use disclosure::note::{KeyName, NoteSigner, SignedNote, VerifierKey};
use disclosure::proof::{TlogProof, consistency_proof, inclusion_proof};
use disclosure::tile::{RightEdge, TileId, tiles_at};
use disclosure::witness::{AddCheckpoint, Seen, judge, read_cosignature};
use disclosure::witness_policy::WitnessPolicy;
use disclosure::{bundle, tile};

const ENVELOPE_PAGE: &str = include_str!("../../../docs/formats/envelope.md");
const LOG_PAGE: &str = include_str!("../../../docs/formats/log.md");

/// RFC 8032, section 7.1, tests 1 and 2.
const SECRET_1: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const SECRET_2: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";

const ENTRIES: [&str; 3] = ["one", "two", "three"];
const UNIX_SECONDS: u64 = 1_679_315_147;

/// The block of a page that is fenced as this.
fn block<'a>(page: &'a str, name: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("```{name}\n")).unwrap();
    rest.split_once("\n```").unwrap().0
}

fn secret(hex_text: &str) -> SigningKey {
    SigningKey::from_bytes(&hex::decode(hex_text).unwrap().try_into().unwrap())
}

fn edge() -> RightEdge {
    let mut edge = RightEdge::new();
    for entry in ENTRIES {
        edge.append(leaf_hash(entry.as_bytes()));
    }
    edge
}

fn log_key() -> VerifierKey {
    VerifierKey::parse(block(LOG_PAGE, "log.vkey")).unwrap()
}

#[test]
fn envelope_page_shows_what_is_signed() {
    let signed = pae("http://example.com/HelloWorld", b"hello world");
    assert_eq!(signed, block(ENVELOPE_PAGE, "pae").as_bytes());
}

#[test]
fn envelope_page_shows_an_envelope_of_ours() {
    let mut envelope = Envelope::unsigned("http://example.com/HelloWorld", *b"hello world");
    envelope.sign_with(&secret(SECRET_2)).unwrap();
    let page = block(ENVELOPE_PAGE, "envelope").as_bytes();
    assert_eq!(envelope.to_json(), page);
    let read = Envelope::parse(page).unwrap();
    assert_eq!(read, envelope);
    assert!(read.is_signed_by(&PublicKey::of(&secret(SECRET_2))));
}

#[test]
fn log_page_counts_the_tiles_of_70_000_leaves() {
    let mut lines = BTreeMap::<u8, (usize, String)>::new();
    for tile in tiles_at(70_000) {
        let line = lines.entry(tile.level()).or_default();
        if tile.is_full() {
            line.0 += 1;
        } else {
            line.1 = format!(".p/{}", tile.width());
        }
    }
    let text: Vec<_> = lines
        .iter()
        .map(|(level, (full, partial))| format!("level {level}: {full} full, {partial}"))
        .collect();
    assert_eq!(text.join("\n"), block(LOG_PAGE, "tiles-of-70000"));
}

#[test]
fn log_page_shows_the_verifier_keys() {
    let name = KeyName::new("example.com/water").unwrap();
    let log = NoteSigner::new(name, secret(SECRET_1)).verifier_key();
    assert_eq!(log.to_string(), block(LOG_PAGE, "log.vkey"));
    let name = KeyName::new("witness.example.com/w1").unwrap();
    let witness = Cosigner::new(name, secret(SECRET_2)).verifier_key();
    assert_eq!(witness.to_string(), block(LOG_PAGE, "witness.vkey"));
}

#[test]
fn log_page_shows_the_bundle_and_the_tile() {
    let bundle = bundle::encode(&ENTRIES).unwrap();
    assert_eq!(hex::encode(bundle), block(LOG_PAGE, "bundle"));
    let [(level, index, bytes)]: [_; 1] = edge().changed_tiles().try_into().unwrap();
    assert_eq!((level, index), (0, 0));
    assert_eq!(hex::encode(bytes), block(LOG_PAGE, "tile"));
    let id = tile::TileId::new(0, 0, 3).unwrap();
    assert_eq!(TileId::in_tree(0, 0, 3), Some(id));
    assert_eq!(id.path(), "tile/0/000.p/3");
}

#[test]
fn log_page_shows_a_cosigned_checkpoint_and_a_proof_file() {
    let page = format!("{}\n", block(LOG_PAGE, "tlog-proof"));
    let proof = TlogProof::parse(page.as_bytes()).unwrap();
    let witness = VerifierKey::parse(block(LOG_PAGE, "witness.vkey")).unwrap();
    let opened = proof.verify_cosigned(b"two", &log_key(), &[witness]).unwrap();
    assert_eq!(opened.checkpoint.size, 3);
    assert_eq!(opened.cosignatures[0].unix_seconds, Some(UNIX_SECONDS));

    let checkpoint = Checkpoint::new("example.com/water", 3, edge().root());
    let bytes = checkpoint.sign(&secret(SECRET_1)).unwrap();
    let mut note = SignedNote::parse(&bytes).unwrap();
    let name = KeyName::new("witness.example.com/w1").unwrap();
    let witness = Cosigner::new(name, secret(SECRET_2));
    note.signatures.push(witness.cosign(&note.text, UNIX_SECONDS));
    let tiles: BTreeMap<_, _> = edge()
        .changed_tiles()
        .into_iter()
        .map(|(level, index, bytes)| ((level, index), bytes))
        .collect();
    let hashes = inclusion_proof(1, 3, &tiles).unwrap();
    let made = TlogProof::new(1, hashes, note.to_bytes());
    assert_eq!(made, proof);
    assert_eq!(made.to_bytes(), page.as_bytes());
}

#[test]
fn log_page_shows_what_a_log_and_a_witness_say() {
    let page = format!("{}\n", block(LOG_PAGE, "add-checkpoint"));
    let request = AddCheckpoint::parse(page.as_bytes()).unwrap();
    assert_eq!(request.to_bytes(), page.as_bytes());
    let two = Seen { size: 2, root: root_of(&ENTRIES.map(|e| leaf_hash(e.as_bytes()))[..2]) };
    let note = judge(&request, &[log_key()], two).unwrap();

    let checkpoint = Checkpoint::new("example.com/water", 3, edge().root());
    let signed = SignedNote::parse(&checkpoint.sign(&secret(SECRET_1)).unwrap()).unwrap();
    assert_eq!(signed, note);
    let tiles: BTreeMap<_, _> =
        edge().changed_tiles().into_iter().map(|(l, i, bytes)| ((l, i), bytes)).collect();
    let proof = consistency_proof(2, 3, &tiles).unwrap();
    assert_eq!(AddCheckpoint::new(2, proof, signed).unwrap(), request);

    let answer = format!("{}\n", block(LOG_PAGE, "cosignature"));
    let name = KeyName::new("witness.example.com/w1").unwrap();
    let witness = Cosigner::new(name, secret(SECRET_2));
    let cosignature = witness.cosign(&note.text, UNIX_SECONDS);
    let read = read_cosignature(answer.as_bytes(), &note.text, &witness.verifier_key());
    assert_eq!(read.as_ref(), Ok(&cosignature));
    assert_eq!(cosignature.line(), answer);
}

#[test]
fn log_page_shows_a_policy() {
    let policy = WitnessPolicy::parse(block(LOG_PAGE, "policy").as_bytes()).unwrap();
    assert_eq!(policy.logs()[0].key, log_key());
    let witness = VerifierKey::parse(block(LOG_PAGE, "witness.vkey")).unwrap();
    assert_eq!(policy.witnesses()[0].key, witness);
    assert!(policy.is_met(&[witness]));
    assert!(!policy.is_met(&[]));
}
