use proptest::prelude::*;

use super::*;
use crate::cosignature::Cosigner;
use crate::key::SigningKey;
use crate::merkle::{leaf_hash, root_of};
use crate::note::KeyName;
use crate::proof::consistency_proof;
use crate::tile::RightEdge;

const ORIGIN: &str = "example.com/water";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn log_key() -> VerifierKey {
    let name = KeyName::new(ORIGIN).unwrap();
    crate::note::NoteSigner::new(name, key(1)).verifier_key()
}

fn cosigner() -> Cosigner {
    Cosigner::new(KeyName::new("w.example.com").unwrap(), key(2))
}

/// The leaves of a log whose entries from `fork` on are another history's.
fn leaves(size: u64, fork: u64) -> Vec<Hash> {
    (0..size)
        .map(|n| leaf_hash(format!("{n}{}", if n < fork { "" } else { "*" }).as_bytes()))
        .collect()
}

fn checkpoint(size: u64, fork: u64) -> SignedNote {
    let checkpoint = Checkpoint::new(ORIGIN, size, root_of(&leaves(size, fork)));
    SignedNote::parse(&checkpoint.sign(&key(1)).unwrap()).unwrap()
}

fn proof(old: u64, new: u64, fork: u64) -> Vec<Hash> {
    let mut edge = RightEdge::new();
    for leaf in leaves(new, fork) {
        edge.append(leaf);
    }
    let tiles: std::collections::BTreeMap<_, _> =
        edge.changed_tiles().into_iter().map(|(l, i, bytes)| ((l, i), bytes)).collect();
    consistency_proof(old, new, &tiles).unwrap()
}

fn seen(size: u64) -> Seen {
    Seen { size, root: root_of(&leaves(size, u64::MAX)) }
}

fn request(old: u64, new: u64, fork: u64) -> AddCheckpoint {
    AddCheckpoint::new(old, proof(old, new, fork), checkpoint(new, fork)).unwrap()
}

fn judged(request: &AddCheckpoint, seen: Seen) -> Result<SignedNote, Refusal> {
    judge(request, &[log_key()], seen)
}

#[test]
fn what_only_grew_may_be_cosigned() {
    for (old, new) in [(0, 0), (0, 1), (0, 7), (3, 7), (4, 7), (7, 7), (1, 200)] {
        let note = judged(&request(old, new, u64::MAX), seen(old)).unwrap();
        assert_eq!(note, checkpoint(new, u64::MAX));
    }
}

#[test]
fn what_is_kept_has_the_signatures_of_the_log_alone() {
    let mut request = request(0, 3, u64::MAX);
    request.note.signatures.push(cosigner().cosign(&request.note.text, 1));
    assert_eq!(judged(&request, seen(0)).unwrap(), checkpoint(3, u64::MAX));
}

#[test]
fn rejects_an_unknown_log() {
    let refused = judge(&request(0, 3, u64::MAX), &[], seen(0)).unwrap_err();
    assert_eq!((refused.status(), refused), (404, Refusal::UnknownLog(ORIGIN.to_owned())));
}

#[test]
fn rejects_a_checkpoint_that_the_log_did_not_sign() {
    let checkpoint = Checkpoint::new(ORIGIN, 0, empty_root());
    let note = SignedNote::parse(&checkpoint.sign(&key(9)).unwrap()).unwrap();
    let unknown = AddCheckpoint::new(0, Vec::new(), note).unwrap();
    let mut bent = request(0, 3, u64::MAX);
    bent.note.signatures[0].signature[0] ^= 1;
    for request in [unknown, bent] {
        assert_eq!(judged(&request, seen(0)).unwrap_err().status(), 403);
    }
}

#[test]
fn rejects_an_old_size_above_the_checkpoint() {
    let request = AddCheckpoint::new(4, Vec::new(), checkpoint(3, u64::MAX)).unwrap();
    let refused = judged(&request, seen(4)).unwrap_err();
    assert_eq!((refused.status(), refused), (400, Refusal::OldAboveNew { old: 4, new: 3 }));
}

#[test]
fn rejects_another_old_size_and_says_its_own() {
    // A log that shrank has no old size left to name: 5 is above 3.
    for (old, new) in [(0, 7), (3, 7), (6, 7), (3, 3)] {
        let refused = judged(&request(old, new, u64::MAX), seen(5)).unwrap_err();
        assert_eq!((refused.status(), refused), (409, Refusal::OtherSize { seen: 5, old }));
    }
}

#[test]
fn rejects_another_root_of_the_same_size() {
    let refused = judged(&request(5, 5, 3), seen(5)).unwrap_err();
    assert_eq!((refused.status(), refused), (409, Refusal::OtherRoot(5)));
    let not_empty = Checkpoint::new(ORIGIN, 0, leaf_hash(b""));
    let note = SignedNote::parse(&not_empty.sign(&key(1)).unwrap()).unwrap();
    let request = AddCheckpoint::new(0, Vec::new(), note).unwrap();
    assert_eq!(judged(&request, seen(0)), Err(Refusal::OtherRoot(0)));
}

#[test]
fn rejects_a_proof_that_does_not_hold() {
    let forked = request(5, 9, 3);
    let mut shortened = request(5, 9, u64::MAX);
    shortened.proof.pop();
    let mut superfluous = request(5, 5, u64::MAX);
    superfluous.proof.push(empty_root());
    for request in [forked, shortened, superfluous] {
        assert_eq!(judged(&request, seen(5)).unwrap_err().status(), 422);
    }
    let mut from_nothing = request(0, 5, u64::MAX);
    from_nothing.proof.push(empty_root());
    assert_eq!(judged(&from_nothing, seen(0)).unwrap_err().status(), 422);
}

fn text() -> String {
    String::from_utf8(request(3, 7, u64::MAX).to_bytes()).unwrap()
}

#[test]
fn request_round_trips() {
    let request = request(3, 7, u64::MAX);
    assert_eq!(AddCheckpoint::parse(&request.to_bytes()), Ok(request));
}

#[test]
fn rejects_old_sizes_with_another_spelling() {
    for first in ["old 03", "old", "old ", "old  3", "old -3", "old 3 ", "new 3", "OLD 3"] {
        let changed = text().replacen("old 3", first, 1);
        let refused = Err(RequestError::OldSize(first.to_owned()));
        assert_eq!(AddCheckpoint::parse(changed.as_bytes()), refused);
    }
}

#[test]
fn rejects_proof_lines_with_another_spelling() {
    for line in ["x", "AAAA", "AAAA\r", " "] {
        let changed = text().replacen("old 3\n", &format!("old 3\n{line}\n"), 1);
        let refused = Err(RequestError::ProofLine(1));
        assert_eq!(AddCheckpoint::parse(changed.as_bytes()), refused);
    }
}

#[test]
fn rejects_more_proof_lines_than_allowed() {
    let hash = format!("{}\n", base64_text([7; 32]));
    let with = |lines: usize| {
        let (_, note) =
            text().split_once("\n\n").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        AddCheckpoint::parse(format!("old 3\n{}\n{note}", hash.repeat(lines)).as_bytes())
    };
    assert_eq!(with(MAX_PROOF_LINES).unwrap().proof.len(), MAX_PROOF_LINES);
    assert_eq!(with(MAX_PROOF_LINES + 1), Err(RequestError::TooManyProofLines));
    let many = vec![empty_root(); MAX_PROOF_LINES + 1];
    let refused = Err(RequestError::TooManyProofLines);
    assert_eq!(AddCheckpoint::new(3, many, checkpoint(7, 9)), refused);
}

#[test]
fn rejects_what_has_no_checkpoint() {
    let parse = |text: &str| AddCheckpoint::parse(text.as_bytes());
    assert_eq!(parse("old 3\n"), Err(RequestError::Shape));
    assert!(matches!(parse("old 3\n\n"), Err(RequestError::Note(_))));
    let unsigned = text().split("\n— ").next().unwrap().to_owned();
    assert!(matches!(parse(&unsigned), Err(RequestError::Note(_))));
    let other_note = format!("old 0\n\nwater\n\n{}", cosigner().cosign("water\n", 1).line());
    assert!(matches!(parse(&other_note), Err(RequestError::Checkpoint(_))));
}

#[test]
fn rejects_what_is_too_long_or_not_utf_8() {
    let long = vec![b'a'; MAX_REQUEST_BYTES + 1];
    assert_eq!(AddCheckpoint::parse(&long), Err(RequestError::TooLong(long.len())));
    assert_eq!(AddCheckpoint::parse(&[0xff]), Err(RequestError::NotUtf8));
}

#[test]
fn the_longest_request_fits_its_limit() {
    let head = format!("old {}\n", u64::MAX).len() + MAX_PROOF_LINES * 45 + 1;
    assert!(head + MAX_NOTE_BYTES <= MAX_REQUEST_BYTES);
}

#[test]
fn cosignature_of_the_witness_is_found_among_others() {
    let text = checkpoint(3, 9).text;
    let other = Cosigner::new(KeyName::new("other.example.com").unwrap(), key(3));
    let its = cosigner().cosign(&text, 7);
    let answer = other.cosign(&text, 7).line() + &its.line();
    let witness = cosigner().verifier_key();
    assert_eq!(read_cosignature(answer.as_bytes(), &text, &witness), Ok(its));
    let refused = read_cosignature(answer.as_bytes(), "other\n", &witness);
    assert!(matches!(refused, Err(AnswerError::Bad(NoteError::BadSignature(_)))));
    let answer = other.cosign(&text, 7).line();
    let refused = read_cosignature(answer.as_bytes(), &text, &witness);
    assert_eq!(refused, Err(AnswerError::NotIts(witness.to_string())));
}

#[test]
fn answers_are_told_apart_by_status_and_media_type() {
    let text = checkpoint(3, 9).text;
    let witness = cosigner().verifier_key();
    let read = |status, media_type: &str, body: &str| {
        read_answer(status, media_type, body.as_bytes(), &text, &witness)
    };
    let its = cosigner().cosign(&text, 7);
    assert_eq!(read(200, "text/plain", &its.line()), Ok(Answer::Cosigned(its)));
    assert_eq!(read(409, SIZE_MEDIA_TYPE, "7\n"), Ok(Answer::Size(7)));
    assert_eq!(read(409, SIZE_MEDIA_TYPE, "7"), Err(AnswerError::Size));
    for status in [409, 422] {
        let forked = Ok(Answer::OtherHistory("forked  7".to_owned()));
        assert_eq!(read(status, "text/plain", "forked\r\n7\n"), forked);
    }
    let words = "x".repeat(MAX_WORDS_CHARS);
    let refused = Ok(Answer::Refused { status: 500, words });
    assert_eq!(read(500, SIZE_MEDIA_TYPE, &"x".repeat(9_999)), refused);
}

#[test]
fn rejects_answers_that_are_not_signature_lines() {
    let text = checkpoint(3, 9).text;
    let line = cosigner().cosign(&text, 7).line();
    let many = line.repeat(MAX_NOTE_SIGNATURES + 1);
    let witness = cosigner().verifier_key();
    for answer in ["", "\n", "ok\n", line.trim_end(), &format!("{line}\n"), &many] {
        let read = read_cosignature(answer.as_bytes(), &text, &witness);
        assert_eq!(read, Err(AnswerError::Shape), "{answer:?}");
    }
}

#[test]
fn rejects_sizes_with_another_spelling() {
    assert_eq!(read_size(size_text(20).as_bytes()), Ok(20));
    for text in ["", "20", "020\n", "20\n\n", "20 \n", "-1\n", "18446744073709551616\n"] {
        assert_eq!(read_size(text.as_bytes()), Err(AnswerError::Size), "{text:?}");
    }
}

proptest! {
    #[test]
    fn what_is_read_is_written_back(
        head in "(old [0-9]{1,3}\n)?([A-Z]{42}[A-D]=\n){0,3}\n{0,2}", size in 0_u64..9
    ) {
        let bytes = [head.into_bytes(), checkpoint(size, 4).to_bytes()].concat();
        if let Ok(request) = AddCheckpoint::parse(&bytes) {
            prop_assert_eq!(request.to_bytes(), bytes);
        }
    }

    /// Whatever is asked, what a witness cosigned one after another is one growing history.
    #[test]
    fn a_witness_never_sees_two_histories(
        asked in prop::collection::vec((0_u64..9, 0_u64..9, 0_u64..9), 1..20)
    ) {
        let mut now = Seen::default();
        let mut history = Vec::new();
        for (old, new, fork) in asked {
            if old > new {
                continue;
            }
            let request = request(old, new, fork);
            if judged(&request, now).is_ok() {
                prop_assert!(new >= now.size);
                let whole = leaves(new, fork);
                prop_assert!(whole.starts_with(&history));
                history = whole;
                now = Seen::from(request.checkpoint());
            }
        }
    }
}
