use super::*;
use proptest::prelude::*;

/// The example of the signed-note specification.
const SPEC_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const SPEC_NOTE: &str = "This is an example message.\n\n\
    — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

/// The example of the format's first implementation, Go's `sumdb/note`, with its signing key.
const GO_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
/// Type and secret key.
const GO_SECRET: &str = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const GO_TEXT: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n";
const GO_LINE: &str = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

const TEXT: &str = "text\n";

fn name(text: &str) -> KeyName {
    KeyName::new(text).unwrap()
}

fn signer(seed: u8) -> NoteSigner {
    let key = SigningKey::from_bytes(&[seed; 32]);
    NoteSigner::new(name(&format!("example.com/{seed}")), key)
}

fn verifier(seed: u8) -> VerifierKey {
    signer(seed).verifier_key()
}

fn note(text: &str, seeds: &[u8]) -> SignedNote {
    SignedNote {
        text: text.to_owned(),
        signatures: seeds.iter().map(|seed| signer(*seed).sign(text)).collect(),
    }
}

fn refusal(bytes: &str) -> NoteError {
    SignedNote::parse(bytes.as_bytes()).unwrap_err()
}

#[test]
fn opens_the_example_of_the_specification() {
    let key = VerifierKey::parse(SPEC_KEY).unwrap();
    assert_eq!(key.to_string(), SPEC_KEY);
    assert_eq!(hex::encode(key.key_id()), "530d903a");
    let opened = open(SPEC_NOTE.as_bytes(), &[key]).unwrap();
    assert_eq!(opened.text, "This is an example message.\n");
}

#[test]
fn signs_like_the_first_implementation() {
    let secret = base64_bytes(GO_SECRET).unwrap();
    let key = SigningKey::from_bytes(secret[1..].try_into().unwrap());
    let signer = NoteSigner::new(name("PeterNeumann"), key);
    assert_eq!(signer.verifier_key().to_string(), GO_KEY);
    assert_eq!(signer.sign(GO_TEXT).line(), GO_LINE);
    let bytes = sign_note(GO_TEXT, &[&signer]).unwrap();
    assert_eq!(bytes, format!("{GO_TEXT}\n{GO_LINE}").as_bytes());
}

#[test]
fn the_last_blank_line_separates() {
    let bytes = sign_note("a\n\nb\n", &[&signer(1)]).unwrap();
    let opened = open(&bytes, &[verifier(1)]).unwrap();
    assert_eq!(opened.text, "a\n\nb\n");
}

#[test]
fn unknown_signers_are_ignored() {
    let mut note = note(TEXT, &[1, 2]);
    note.signatures[0].signature = vec![0; 3];
    let opened = note.verify(&[verifier(2), verifier(3)]).unwrap();
    assert_eq!(opened.signatures.len(), 1);
    assert_eq!(opened.signatures[0].key, verifier(2));
}

#[test]
fn a_shared_name_or_id_alone_is_not_a_known_key() {
    let mut other_id = note(TEXT, &[1]);
    other_id.signatures[0].key_id[0] ^= 1;
    assert_eq!(other_id.verify(&[verifier(1)]), Err(NoteError::NoKnownKey));
    let mut other_name = note(TEXT, &[1]);
    other_name.signatures[0].name = name("example.com/other");
    assert_eq!(other_name.verify(&[verifier(1)]), Err(NoteError::NoKnownKey));
}

#[test]
fn a_key_that_signed_twice_counts_once() {
    let opened = note(TEXT, &[1, 1]).verify(&[verifier(1)]).unwrap();
    assert_eq!(opened.signatures.len(), 1);
}

#[test]
fn verifier_key_round_trips_as_json() {
    let json = serde_json::to_string(&verifier(1)).unwrap();
    assert_eq!(serde_json::from_str::<VerifierKey>(&json).unwrap(), verifier(1));
}

#[test]
fn rejects_a_known_signature_that_fails() {
    let mut note = note(TEXT, &[1, 2]);
    note.signatures[1].signature[5] ^= 1;
    let bad = Err(NoteError::BadSignature(name("example.com/2")));
    assert_eq!(note.verify(&[verifier(1), verifier(2)]), bad);
}

#[test]
fn rejects_a_failing_second_signature_of_a_known_key() {
    let mut note = note(TEXT, &[1, 1]);
    note.signatures[1].signature[5] ^= 1;
    assert!(matches!(note.verify(&[verifier(1)]), Err(NoteError::BadSignature(_))));
}

#[test]
fn rejects_changed_text() {
    let changed = SPEC_NOTE.replace("example message", "example massage");
    let key = VerifierKey::parse(SPEC_KEY).unwrap();
    assert_eq!(
        open(changed.as_bytes(), &[key]),
        Err(NoteError::BadSignature(name("example.com/foo")))
    );
}

#[test]
fn rejects_a_note_by_unknown_keys_alone() {
    assert_eq!(note(TEXT, &[1]).verify(&[verifier(2)]), Err(NoteError::NoKnownKey));
}

#[test]
fn rejects_a_signature_of_another_length() {
    let mut short = note(TEXT, &[1]);
    short.signatures[0].signature.pop();
    assert!(matches!(short.verify(&[verifier(1)]), Err(NoteError::BadSignature(_))));
}

#[test]
fn rejects_notes_that_are_not_text() {
    assert_eq!(SignedNote::parse(b"a\xff\n\n").unwrap_err(), NoteError::NotUtf8);
    assert_eq!(refusal("a\tb\n\n— x AAAAAAA=\n"), NoteError::ControlCharacter);
    assert_eq!(refusal("a\r\n\r\n"), NoteError::ControlCharacter);
}

#[test]
fn rejects_notes_of_another_shape() {
    assert_eq!(refusal(""), NoteError::Shape);
    assert_eq!(refusal("text\n"), NoteError::Shape);
    assert_eq!(refusal("text\n\n"), NoteError::Unsigned);
    assert_eq!(refusal(SPEC_NOTE.trim_end()), NoteError::Shape);
}

#[test]
fn rejects_bad_signature_lines() {
    for line in [
        "- x AAAAAAA=",
        "—  x AAAAAAA=",
        "— x",
        "— x AAAAAA==",
        "— x AAAAAAA",
        "— x AAAA AAA=",
        "— a+b AAAAAAA=",
        "—  AAAAAAA=",
        "x",
    ] {
        let bytes = format!("text\n\n{}\n{line}\n", GO_LINE.trim_end());
        assert_eq!(refusal(&bytes), NoteError::SignatureLine(2), "{line}");
    }
}

#[test]
fn rejects_too_many_signatures() {
    let line = GO_LINE.repeat(MAX_NOTE_SIGNATURES);
    assert!(SignedNote::parse(format!("text\n\n{line}").as_bytes()).is_ok());
    assert_eq!(refusal(&format!("text\n\n{line}{GO_LINE}")), NoteError::TooManySignatures);
}

#[test]
fn rejects_notes_over_the_limit() {
    let text = "a".repeat(MAX_NOTE_BYTES) + "\n\n";
    assert_eq!(refusal(&text), NoteError::TooLong(MAX_NOTE_BYTES + 2));
}

#[test]
fn rejects_two_known_keys_with_one_name_and_id() {
    // These two secret keys were searched for: their key ids under this name are both 9881482a.
    let twin = |number: u32| {
        let mut secret = [0; 32];
        secret[28..].copy_from_slice(&number.to_be_bytes());
        NoteSigner::new(name("example.com/twin"), SigningKey::from_bytes(&secret))
    };
    let (one, two) = (twin(79_930), twin(91_624));
    let bytes = sign_note(TEXT, &[&one]).unwrap();
    let known = [one.verifier_key(), two.verifier_key()];
    assert_eq!(known[0].key_id(), known[1].key_id());
    assert_eq!(open(&bytes, &known), Err(NoteError::AmbiguousKey(name("example.com/twin"))));
    let same = [one.verifier_key(), one.verifier_key()];
    assert!(open(&bytes, &same).is_ok());
}

#[test]
fn rejects_text_that_would_be_read_back_otherwise() {
    assert_eq!(sign_note("no newline", &[&signer(1)]), Err(NoteError::Shape));
    assert_eq!(sign_note("text\n", &[]), Err(NoteError::Unsigned));
    assert_eq!(sign_note("bell\u{7}\n", &[&signer(1)]), Err(NoteError::ControlCharacter));
}

#[test]
fn rejects_key_names_that_would_not_be_read_back() {
    for text in ["", "a b", "a+b", "a\u{3000}b", "a\nb", &"x".repeat(256)] {
        assert_eq!(KeyName::new(text), Err(VerifierKeyError::Name(text.to_owned())));
    }
}

#[test]
fn rejects_verifier_keys_of_another_shape() {
    for text in [
        "example.com/foo",
        "example.com/foo+530d903a",
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+0530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k=",
        "example.com/foo+530d903a+",
    ] {
        assert_eq!(VerifierKey::parse(text), Err(VerifierKeyError::Shape));
    }
}

#[test]
fn rejects_verifier_keys_with_another_id() {
    let other = SPEC_KEY.replace("530d903a", "530d903b");
    assert_eq!(
        VerifierKey::parse(&other),
        Err(VerifierKeyError::KeyId {
            expected: "530d903a".to_owned(),
            found: "530d903b".to_owned()
        })
    );
}

#[test]
fn rejects_unknown_signature_types() {
    let text = "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    assert_eq!(VerifierKey::parse(text), Err(VerifierKeyError::Type(0x65)));
}

#[test]
fn rejects_verifier_keys_with_a_weak_key() {
    let text = format!("x+00000000+{}", base64_text([&[1][..], &[0; 32]].concat()));
    assert_eq!(VerifierKey::parse(&text), Err(VerifierKeyError::Key(crate::key::KeyError::Weak)));
}

proptest! {
    #[test]
    fn what_is_signed_opens(text in "[a-z\\PC\n]{0,60}", seeds in prop::collection::vec(1_u8..9, 1..5)) {
        let text = text + "\n";
        let note = note(&text, &seeds);
        let bytes = note.to_bytes();
        prop_assert_eq!(&SignedNote::parse(&bytes).unwrap(), &note);
        let opened = open(&bytes, &[verifier(seeds[0])]).unwrap();
        prop_assert_eq!(opened.text, text);
    }

    #[test]
    fn what_is_read_is_written_back(bytes in "[a—\n ]{0,9}\n\n(— [a-b]{1,2} AAAAA[A-D]{2}=\n){0,3}") {
        if let Ok(note) = SignedNote::parse(bytes.as_bytes()) {
            prop_assert_eq!(note.to_bytes(), bytes.into_bytes());
        }
    }
}
