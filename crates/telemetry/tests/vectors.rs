//! The crate agrees with an independent implementation, byte for byte.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde::Deserialize;
use telemetry::{
    ChainHash, Flags, Kind, MeterId, Reading, Report, SigningKey, VerifyingKey, decode, sign,
};

#[derive(Deserialize)]
struct Vectors {
    accepted: Vec<Accepted>,
    refused: Vec<Refused>,
}

#[derive(Deserialize)]
struct Accepted {
    name: String,
    seed: String,
    public: String,
    report: Fields,
    cose: String,
    signature_input: String,
    chain_hash: String,
}

#[derive(Deserialize)]
struct Fields {
    meter: String,
    seq: u64,
    boot: u32,
    previous: String,
    kind: u64,
    readings: Vec<(i64, i64)>,
    flags: u16,
}

#[derive(Deserialize)]
struct Refused {
    name: String,
    refusal: String,
    cose: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../vectors/report.json")).unwrap()
}

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}

impl Fields {
    fn report(&self) -> Report {
        Report {
            meter: MeterId::new(&self.meter).unwrap(),
            seq: self.seq,
            boot: self.boot,
            previous: ChainHash(bytes(&self.previous)),
            kind: Kind::from_code(self.kind).unwrap(),
            readings: self
                .readings
                .iter()
                .map(|&(at_ms, value)| Reading { at_ms, value })
                .collect(),
            flags: Flags::from_bits(self.flags).unwrap(),
        }
    }
}

#[test]
fn accepted_vectors_decode_verify_and_encode_again() {
    let vectors = vectors().accepted;
    assert_eq!(vectors.len(), 7);
    for vector in vectors {
        let name = &vector.name;
        let cose = hex::decode(&vector.cose).unwrap();
        let signed = decode(&cose).unwrap_or_else(|error| panic!("{name}: {error}"));
        let public = VerifyingKey::from_bytes(&bytes(&vector.public)).unwrap();
        assert_eq!(signed.verify(&public).unwrap(), vector.report.report(), "{name}");
        assert_eq!(hex::encode(signed.signature_input()), vector.signature_input, "{name}");
        assert_eq!(signed.chain_hash().to_string(), vector.chain_hash, "{name}");
        let key = SigningKey::from_bytes(&bytes(&vector.seed));
        let again = sign(&vector.report.report(), &key).unwrap();
        assert_eq!(hex::encode(again), vector.cose, "{name}");
    }
}

#[test]
fn refused_vectors_are_refused_for_their_reason() {
    let vectors = vectors().refused;
    assert!(vectors.len() > 30);
    for vector in vectors {
        let error = decode(&hex::decode(&vector.cose).unwrap()).unwrap_err();
        let variant = format!("{error:?}");
        assert!(variant.starts_with(&vector.refusal), "{}: {variant}", vector.name);
    }
}
