//! Envelopes against an independent implementation of DSSE.

use disclosure::dsse::{Envelope, pae};
use disclosure::key::{PublicKey, SigningKey};
use dsse::{Ed25519Signer, Ed25519Verifier};
use proptest::prelude::*;

const SEED: [u8; 32] = [7; 32];

proptest! {
    #[test]
    fn signs_the_same_bytes(payload_type in "\\PC{0,40}", payload in any::<Vec<u8>>()) {
        prop_assert_eq!(pae(&payload_type, &payload), dsse::pae(&payload_type, &payload));
    }

    #[test]
    fn the_other_program_accepts_our_envelopes(
        payload_type in "\\PC{1,40}", payload in any::<Vec<u8>>()
    ) {
        let key = SigningKey::from_bytes(&SEED);
        let mut envelope = Envelope::unsigned(payload_type.as_str(), payload.as_slice());
        envelope.sign_with(&key).unwrap();
        let read = dsse::Envelope::from_json(&envelope.to_json()).unwrap();
        let verifier = Ed25519Verifier::from_bytes(PublicKey::of(&key).as_bytes()).unwrap();
        let verified = dsse::verify(&read, &[&verifier], 1).unwrap();
        prop_assert_eq!(verified.payload, payload);
        prop_assert_eq!(verified.payload_type, payload_type);
    }

    #[test]
    fn we_accept_envelopes_of_the_other_program(
        payload_type in "\\PC{1,40}", payload in any::<Vec<u8>>()
    ) {
        let signer = Ed25519Signer::from_bytes(&SEED).unwrap().with_key_id("theirs");
        let json = dsse::sign(&payload_type, &payload, &signer).unwrap().to_json().unwrap();
        let envelope = Envelope::parse(&json).unwrap();
        let key = PublicKey::of(&SigningKey::from_bytes(&SEED));
        prop_assert!(envelope.is_signed_by(&key));
        prop_assert_eq!(&envelope.payload, &payload);
        prop_assert_eq!(envelope.to_json(), json);
    }
}
