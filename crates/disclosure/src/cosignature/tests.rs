use super::*;
use crate::note::{NoteError, SignedNote};

const TEXT: &str = "example.com/water\n3\nWqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=\n";

fn cosigner() -> Cosigner {
    let name = KeyName::new("witness.example.com/w1").unwrap();
    Cosigner::new(name, SigningKey::from_bytes(&[7; 32]))
}

fn note(signature: NoteSignature) -> SignedNote {
    SignedNote { text: TEXT.to_owned(), signatures: vec![signature] }
}

#[test]
fn message_is_a_header_a_time_and_the_text() {
    let expected = "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n\
                    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    let text =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    assert_eq!(message(1_679_315_147, text), expected.as_bytes());
}

#[test]
fn cosignature_states_its_time() {
    let key = cosigner().verifier_key();
    let verified = note(cosigner().cosign(TEXT, 1_679_315_147)).verify(&[key]).unwrap();
    assert_eq!(verified.signatures[0].unix_seconds, Some(1_679_315_147));
}

#[test]
fn a_time_out_of_range_is_kept_to_the_range() {
    let signature = cosigner().cosign(TEXT, u64::MAX);
    let time = split(&signature.signature).map(|(time, _)| time);
    assert_eq!(time, Some(MAX_UNIX_SECONDS));
}

#[test]
fn rejects_another_time() {
    let mut signature = cosigner().cosign(TEXT, 1_679_315_147);
    signature.signature[7] ^= 1;
    assert_eq!(
        note(signature).verify(&[cosigner().verifier_key()]),
        Err(NoteError::BadSignature(cosigner().name))
    );
}

#[test]
fn rejects_time_beyond_the_range() {
    let mut signature = cosigner().cosign(TEXT, 0);
    signature.signature[0] = 0x80;
    assert_eq!(split(&signature.signature), None);
}

#[test]
fn rejects_another_length() {
    let signature = cosigner().cosign(TEXT, 0).signature;
    assert_eq!(split(&signature[..71]), None);
    assert_eq!(split(&[&signature[..], &[0]].concat()), None);
    assert_eq!(split(&signature[..7]), None);
}

#[test]
fn rejects_an_ed25519_note_signature_in_its_place() {
    let plain = NoteSignature {
        signature: sign(&cosigner().key, TEXT.as_bytes()).to_vec(),
        ..cosigner().cosign(TEXT, 0)
    };
    assert_eq!(
        note(plain).verify(&[cosigner().verifier_key()]),
        Err(NoteError::BadSignature(cosigner().name))
    );
}
