use super::*;
use proptest::prelude::*;

const TYPE: &str = "application/vnd.mingqu.watering.v1+json";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn signed(seeds: &[u8]) -> Envelope {
    let mut envelope = Envelope::unsigned(TYPE, *b"{\"litres\":1}");
    for seed in seeds {
        envelope.sign_with(&key(*seed)).unwrap();
    }
    envelope
}

fn json(seeds: &[u8]) -> String {
    String::from_utf8(signed(seeds).to_json()).unwrap()
}

fn refusal(json: &str) -> EnvelopeError {
    Envelope::parse(json.as_bytes()).unwrap_err()
}

#[test]
fn pae_counts_bytes() {
    assert_eq!(pae("", b""), b"DSSEv1 0  0 ");
    assert_eq!(pae("水", "渠".as_bytes()), "DSSEv1 3 水 3 渠".as_bytes());
}

#[test]
fn reads_what_it_writes() {
    for seeds in [&[][..], &[1], &[1, 2]] {
        let envelope = signed(seeds);
        let bytes = envelope.to_json();
        assert_eq!(Envelope::parse(&bytes).unwrap(), envelope);
        assert_eq!(Envelope::parse(&bytes).unwrap().to_json(), bytes);
    }
}

#[test]
fn fields_may_stand_in_any_order_with_white_space() {
    let json = r#" { "signatures" : [ ] , "payloadType" : "t" , "payload" : "eA==" } "#;
    let envelope = Envelope::parse(json.as_bytes()).unwrap();
    assert_eq!(envelope, Envelope::unsigned("t", *b"x"));
}

#[test]
fn key_ids_are_fingerprints() {
    let expected = PublicKey::of(&key(1)).fingerprint().to_hex();
    assert_eq!(signed(&[1]).signatures[0].keyid, expected);
}

#[test]
fn a_wrong_key_id_neither_helps_nor_harms() {
    let mut envelope = signed(&[1, 2]);
    envelope.signatures[0].keyid = PublicKey::of(&key(3)).fingerprint().to_hex();
    envelope.signatures[1].keyid = String::new();
    assert!(envelope.is_signed_by(&PublicKey::of(&key(1))));
    assert!(envelope.is_signed_by(&PublicKey::of(&key(2))));
    assert!(!envelope.is_signed_by(&PublicKey::of(&key(3))));
}

#[test]
fn a_signature_made_elsewhere_is_added() {
    let mut envelope = signed(&[]);
    let sig = sign(&key(1), &envelope.signed_bytes());
    envelope.add_signature(PublicKey::of(&key(1)), sig).unwrap();
    assert_eq!(envelope, signed(&[1]));
}

#[test]
fn the_largest_envelope_of_ours_is_an_entry() {
    let payload_type = "t".repeat(MAX_PAYLOAD_TYPE_BYTES);
    let mut envelope = Envelope::unsigned(payload_type, vec![0; MAX_PAYLOAD_BYTES]);
    for seed in (1_u8..).take(MAX_SIGNATURES) {
        envelope.sign_with(&key(seed)).unwrap();
    }
    assert!(envelope.to_json().len() <= MAX_ENVELOPE_BYTES);
    assert!(Envelope::parse(&envelope.to_json()).is_ok());
}

#[test]
fn rejects_changed_payload_type_or_signature() {
    let public = PublicKey::of(&key(1));
    let mut envelope = signed(&[1]);
    envelope.payload[0] ^= 1;
    assert!(!envelope.is_signed_by(&public));
    let mut envelope = signed(&[1]);
    envelope.payload_type = "other".to_owned();
    assert!(!envelope.is_signed_by(&public));
    let mut envelope = signed(&[1]);
    envelope.signatures[0].sig[0] ^= 1;
    assert!(!envelope.is_signed_by(&public));
}

#[test]
fn rejects_unknown_fields() {
    let unknown = EnvelopeError::UnknownField("note".to_owned());
    let outer = json(&[1]).replacen('{', r#"{"note":1,"#, 1);
    assert_eq!(refusal(&outer), unknown);
    let inner = json(&[1]).replace(r#"{"keyid""#, r#"{"note":{"a":[null,true,1.5,-1]},"keyid""#);
    assert_eq!(refusal(&inner), unknown);
}

#[test]
fn rejects_duplicate_fields() {
    for (field, text) in [
        ("payload", r#""payload":"eA==","#),
        ("payloadType", r#""payloadType":"t","#),
        ("signatures", r#""signatures":[],"#),
    ] {
        let changed = json(&[1]).replacen('{', &format!("{{{text}"), 1);
        assert_eq!(refusal(&changed), EnvelopeError::DuplicateField(field));
    }
    let inner = json(&[1]).replace(r#"{"keyid""#, r#"{"keyid":"","keyid""#);
    assert_eq!(refusal(&inner), EnvelopeError::DuplicateField("keyid"));
}

#[test]
fn rejects_missing_fields() {
    for (field, text) in [
        ("payload", r#"{"payloadType":"t","signatures":[]}"#),
        ("payloadType", r#"{"payload":"eA==","signatures":[]}"#),
        ("signatures", r#"{"payload":"eA==","payloadType":"t"}"#),
        ("keyid", r#"{"payload":"eA==","payloadType":"t","signatures":[{"sig":"eA=="}]}"#),
        ("sig", r#"{"payload":"eA==","payloadType":"t","signatures":[{"keyid":""}]}"#),
    ] {
        assert_eq!(refusal(text), EnvelopeError::MissingField(field));
    }
}

#[test]
fn rejects_wrong_json_types() {
    for (what, text) in [
        ("the envelope", "[]"),
        ("the envelope", "null"),
        ("payload", r#"{"payload":1,"payloadType":"t","signatures":[]}"#),
        ("payloadType", r#"{"payload":"eA==","payloadType":null,"signatures":[]}"#),
        ("signatures", r#"{"payload":"eA==","payloadType":"t","signatures":{}}"#),
        ("a signature", r#"{"payload":"eA==","payloadType":"t","signatures":[""]}"#),
    ] {
        assert_eq!(refusal(text), EnvelopeError::WrongType(what));
    }
}

#[test]
fn rejects_trailing_data() {
    assert_eq!(refusal(&(json(&[1]) + "{}")), EnvelopeError::TrailingData);
    assert_eq!(refusal(&(json(&[1]) + "x")), EnvelopeError::TrailingData);
}

#[test]
fn rejects_what_is_not_json() {
    let mut cut = json(&[1]);
    cut.pop();
    for text in ["", "{", "\u{feff}{}", &cut] {
        assert!(matches!(refusal(text), EnvelopeError::Json(_)), "{text}");
    }
    let nested = "[".repeat(60_000);
    assert!(matches!(refusal(&nested), EnvelopeError::Json(_)));
}

#[test]
fn rejects_base64_with_another_spelling() {
    let payload = base64_text(&signed(&[]).payload);
    for other in ["eA", "eB==", "_-==", "e A==", "eA==\\n"] {
        let changed = json(&[1]).replace(&payload, other);
        assert_eq!(refusal(&changed), EnvelopeError::Base64("payload"), "{other}");
    }
    let sig = base64_text(signed(&[1]).signatures[0].sig);
    let changed = json(&[1]).replace(&sig, sig.trim_end_matches('='));
    assert_eq!(refusal(&changed), EnvelopeError::Base64("sig"));
}

#[test]
fn rejects_signatures_of_another_length() {
    let sig = base64_text(signed(&[1]).signatures[0].sig);
    for length in [0, 63, 65] {
        let changed = json(&[1]).replace(&sig, &base64_text(vec![0; length]));
        assert_eq!(refusal(&changed), EnvelopeError::SignatureLength(length));
    }
}

#[test]
fn rejects_too_many_signatures() {
    let mut envelope = signed(&[1; MAX_SIGNATURES]);
    assert!(Envelope::parse(&envelope.to_json()).is_ok());
    assert_eq!(envelope.sign_with(&key(1)), Err(EnvelopeError::TooManySignatures));
    let extra = envelope.signatures[0].clone();
    envelope.signatures.push(extra);
    assert_eq!(Envelope::parse(&envelope.to_json()), Err(EnvelopeError::TooManySignatures));
}

#[test]
fn rejects_what_is_over_its_limit() {
    let long = Envelope::unsigned(TYPE, vec![0; MAX_PAYLOAD_BYTES + 1]).to_json();
    let refused = EnvelopeError::PayloadTooLong(MAX_PAYLOAD_BYTES + 1);
    assert_eq!(Envelope::parse(&long), Err(refused));
    let long = vec![b' '; MAX_ENVELOPE_BYTES + 1];
    let refused =
        EnvelopeError::TooLong { bytes: MAX_ENVELOPE_BYTES + 1, most: MAX_ENVELOPE_BYTES };
    assert_eq!(Envelope::parse(&long), Err(refused));
    let mut envelope = signed(&[1]);
    envelope.signatures[0].keyid = "k".repeat(MAX_KEYID_BYTES + 1);
    let refused = EnvelopeError::KeyidTooLong(MAX_KEYID_BYTES + 1);
    assert_eq!(Envelope::parse(&envelope.to_json()), Err(refused));
}

#[test]
fn rejects_empty_or_long_payload_type() {
    for length in [0, MAX_PAYLOAD_TYPE_BYTES + 1] {
        let envelope = Envelope::unsigned("t".repeat(length), *b"x");
        let refused = Err(EnvelopeError::PayloadType(length));
        assert_eq!(Envelope::parse(&envelope.to_json()), refused);
    }
}

proptest! {
    #[test]
    fn every_envelope_round_trips(
        payload_type in "\\PC{1,20}", payload in any::<Vec<u8>>(),
        signatures in prop::collection::vec(("\\PC{0,20}", prop::array::uniform32(any::<u8>())), 0..4)
    ) {
        let mut envelope = Envelope::unsigned(payload_type, payload);
        for (keyid, half) in signatures {
            let mut sig = [0; SIGNATURE_BYTES];
            sig[..32].copy_from_slice(&half);
            envelope.signatures.push(EnvelopeSignature { keyid, sig });
        }
        prop_assert_eq!(Envelope::parse(&envelope.to_json()), Ok(envelope));
    }

    #[test]
    fn reading_anything_never_panics(bytes in any::<Vec<u8>>()) {
        prop_assert!(Envelope::parse(&bytes).is_err());
    }
}

#[test]
fn what_is_no_entry_may_be_longer() {
    let envelope = Envelope::unsigned(TYPE, vec![7; 2 * MAX_PAYLOAD_BYTES]);
    let bytes = envelope.to_json();
    assert_eq!(Envelope::parse_up_to(&bytes, bytes.len()), Ok(envelope));
    let refused = EnvelopeError::TooLong { bytes: bytes.len(), most: bytes.len() - 1 };
    assert_eq!(Envelope::parse_up_to(&bytes, bytes.len() - 1), Err(refused));
}
