use super::*;
use crate::cosignature::Cosigner;
use crate::key::PublicKey;
use crate::merkle::{empty_root, leaf_hash};
use crate::note::{SignatureType, SignedNote};
use proptest::prelude::*;

/// A published checkpoint of a public test log, with signatures of types this program does not
/// know and of witnesses.
const PUBLISHED: &str = "arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
";
const PUBLISHED_LOG: &str =
    "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f";
const PUBLISHED_WITNESSES: [&str; 4] = [
    "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
    "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
    "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
];

/// The example of the tlog-checkpoint specification.
const SPEC_TEXT: &str =
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

const ORIGIN: &str = "example.com/water";

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn vkey(origin: &str) -> VerifierKey {
    let name = KeyName::new(origin).unwrap();
    VerifierKey::new(name, SignatureType::Ed25519, PublicKey::of(&key()))
}

fn checkpoint() -> Checkpoint {
    Checkpoint::new(ORIGIN, 1, leaf_hash(b"one"))
}

fn witness(seed: u8) -> Cosigner {
    let name = KeyName::new(format!("witness.example.com/{seed}")).unwrap();
    Cosigner::new(name, SigningKey::from_bytes(&[seed; 32]))
}

#[test]
fn opens_a_published_checkpoint_with_its_witnesses() {
    let log = VerifierKey::parse(PUBLISHED_LOG).unwrap();
    let witnesses = PUBLISHED_WITNESSES.map(|key| VerifierKey::parse(key).unwrap());
    let opened = Checkpoint::open_cosigned(PUBLISHED.as_bytes(), &log, &witnesses).unwrap();
    assert_eq!(opened.checkpoint.size, 1_432_088_532);
    assert_eq!(opened.cosignatures.len(), 4);
    for cosignature in opened.cosignatures {
        assert_eq!(cosignature.unix_seconds, Some(0x6a12_2120));
    }
}

#[test]
fn reads_the_example_of_the_specification() {
    let checkpoint = Checkpoint::parse(SPEC_TEXT).unwrap();
    assert_eq!(checkpoint.origin, "example.com/behind-the-sofa");
    assert_eq!(checkpoint.size, 20_852_163);
    assert_eq!(checkpoint.note_text(), SPEC_TEXT);
}

#[test]
fn what_is_signed_opens() {
    let bytes = checkpoint().sign(&key()).unwrap();
    assert_eq!(Checkpoint::open(&bytes, &vkey(ORIGIN)), Ok(checkpoint()));
}

#[test]
fn an_empty_log_has_a_checkpoint() {
    let empty = Checkpoint::new(ORIGIN, 0, empty_root());
    let expected = format!("{ORIGIN}\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
    assert_eq!(empty.note_text(), expected);
}

#[test]
fn extension_lines_are_kept() {
    let text = format!("{SPEC_TEXT}one\ntwo words\n");
    let checkpoint = Checkpoint::parse(&text).unwrap();
    assert_eq!(checkpoint.extensions, ["one", "two words"]);
    assert_eq!(checkpoint.note_text(), text);
}

#[test]
fn an_unknown_witness_is_ignored_and_a_known_one_gathered() {
    let mut note = SignedNote::parse(&checkpoint().sign(&key()).unwrap()).unwrap();
    for seed in [1, 2] {
        note.signatures.push(witness(seed).cosign(&note.text, 99));
    }
    let known = [witness(2).verifier_key(), witness(3).verifier_key()];
    let opened = Checkpoint::open_cosigned(&note.to_bytes(), &vkey(ORIGIN), &known).unwrap();
    assert_eq!(opened.cosignatures.len(), 1);
    assert_eq!(opened.cosignatures[0].key, known[0]);
}

#[test]
fn rejects_a_checkpoint_that_only_a_witness_signed() {
    let mut note = SignedNote::parse(&checkpoint().sign(&key()).unwrap()).unwrap();
    note.signatures = vec![witness(1).cosign(&note.text, 99)];
    let known = [witness(1).verifier_key()];
    assert_eq!(
        Checkpoint::open_cosigned(&note.to_bytes(), &vkey(ORIGIN), &known),
        Err(CheckpointError::Note(NoteError::NoKnownKey))
    );
}

#[test]
fn rejects_a_bad_cosignature_of_a_known_witness() {
    let mut note = SignedNote::parse(&checkpoint().sign(&key()).unwrap()).unwrap();
    note.signatures.push(witness(1).cosign("other\n", 99));
    let known = [witness(1).verifier_key()];
    assert!(matches!(
        Checkpoint::open_cosigned(&note.to_bytes(), &vkey(ORIGIN), &known),
        Err(CheckpointError::Note(NoteError::BadSignature(_)))
    ));
}

#[test]
fn rejects_a_checkpoint_of_another_log() {
    let signer = NoteSigner::new(KeyName::new("example.com/other").unwrap(), key());
    let bytes = sign_note(&checkpoint().note_text(), &[&signer]).unwrap();
    assert_eq!(
        Checkpoint::open(&bytes, &signer.verifier_key()),
        Err(CheckpointError::OtherLog {
            expected: "example.com/other".to_owned(),
            found: ORIGIN.to_owned()
        })
    );
    assert_eq!(
        Checkpoint::open(&bytes, &vkey(ORIGIN)),
        Err(CheckpointError::Note(NoteError::NoKnownKey))
    );
}

#[test]
fn rejects_a_changed_size() {
    let bytes = checkpoint().sign(&key()).unwrap();
    let changed = String::from_utf8(bytes).unwrap().replace("\n1\n", "\n2\n");
    assert!(Checkpoint::open(changed.as_bytes(), &vkey(ORIGIN)).is_err());
}

#[test]
fn rejects_fewer_lines() {
    for text in ["", "a", "a\n", "a\n1\n", SPEC_TEXT.trim_end()] {
        assert_eq!(Checkpoint::parse(text), Err(CheckpointError::Shape));
    }
}

#[test]
fn rejects_an_empty_origin() {
    let text = SPEC_TEXT.replace("example.com/behind-the-sofa", "");
    assert_eq!(Checkpoint::parse(&text), Err(CheckpointError::Origin));
}

#[test]
fn rejects_sizes_with_another_spelling() {
    for size in ["", "01", "+1", "-1", "1 ", "0x1", "18446744073709551616"] {
        let text = SPEC_TEXT.replace("20852163", size);
        let refused = Err(CheckpointError::Size(size.to_owned()));
        assert_eq!(Checkpoint::parse(&text), refused);
    }
}

#[test]
fn rejects_roots_with_another_spelling() {
    for root in [
        "",
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I",
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=",
        "CsUYapGGPo4dkMgIAUqom_Xajj7h2fB2MPA3j2jxq2I=",
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==",
    ] {
        let text = SPEC_TEXT.replace("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=", root);
        assert_eq!(Checkpoint::parse(&text), Err(CheckpointError::Root));
    }
}

#[test]
fn rejects_empty_extension_lines() {
    for extension in ["\n", "one\n\n", "\none\n"] {
        let text = format!("{SPEC_TEXT}{extension}");
        let refused = Err(CheckpointError::EmptyExtension);
        assert_eq!(Checkpoint::parse(&text), refused);
    }
}

#[test]
fn rejects_signing_what_would_be_read_otherwise() {
    let two_lines = Checkpoint::new("a\n5", 1, empty_root());
    assert!(two_lines.sign(&key()).is_err());
    let spaced = Checkpoint::new("two words", 1, empty_root());
    assert!(matches!(
        spaced.sign(&key()),
        Err(CheckpointError::KeyName(VerifierKeyError::Name(_)))
    ));
    let mut extended = checkpoint();
    extended.extensions.push("one\ntwo".to_owned());
    assert_eq!(extended.sign(&key()), Err(CheckpointError::Shape));
}

proptest! {
    #[test]
    fn text_round_trips(
        origin in "[a-z./+ ]{1,20}", size in any::<u64>(), root in any::<[u8; 32]>(),
        extensions in prop::collection::vec("[ -~]{1,10}", 0..3)
    ) {
        let checkpoint = Checkpoint { origin, size, root: Hash(root), extensions };
        prop_assert_eq!(Checkpoint::parse(&checkpoint.note_text()), Ok(checkpoint));
    }

    #[test]
    fn what_is_read_is_written_back(text in "[a\n]{0,3}\n[0-9]{1,3}\n[A-Z]{42}[A-D]=\n[a\n]{0,3}") {
        if let Ok(checkpoint) = Checkpoint::parse(&text) {
            prop_assert_eq!(checkpoint.note_text(), text);
        }
    }
}
