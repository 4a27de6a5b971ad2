//! Who signs, and their keys.

use std::path::PathBuf;

use disclosure::key::PublicKey;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::DecodePrivateKey;
use serde_json::{Value, json};

use super::Township;
use crate::harness::{Finished, mingqu};

/// Somebody with a key; `key` is the file's name.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    pub key: &'static str,
    pub code: &'static str,
    pub role: &'static str,
    pub village: Option<&'static str>,
    pub household: Option<&'static str>,
}

impl Person {
    const fn station(key: &'static str, code: &'static str) -> Self {
        Self { key, code, role: "station", village: None, household: None }
    }

    const fn supervisor(key: &'static str) -> Self {
        Self { key, code: key, role: "supervisor", village: None, household: None }
    }

    /// The two who decide on this person's key, as (role, key file).
    pub fn approvers(&self) -> [(&'static str, &'static str); 2] {
        match self.role {
            "cadre" => [("station", STATION.key), ("supervisor", SUPERVISOR.key)],
            _ => [("root", "bureau"), ("root", "office")],
        }
    }

    /// A cadre of a village, perhaps with land there.
    pub const fn cadre(
        key: &'static str,
        village: &'static str,
        household: Option<&'static str>,
    ) -> Self {
        Self { key, code: key, role: "cadre", village: Some(village), household }
    }

    /// The same person in another role.
    pub const fn also(self, code: &'static str) -> Self {
        Self { code, ..self }
    }
}

/// The station's operator.
pub const STATION: Person = Person::station("zhang", "zhang");
/// Who approves the cadres' keys together with the station.
pub const SUPERVISOR: Person = Person::supervisor("committee");
/// Two cadres for each village: whose household takes part is recused.
pub const CADRES: [Person; 4] = [
    Person::cadre("dongqu-director", "dongqu", Some("10101")),
    Person::cadre("dongqu-supervisor", "dongqu", Some("10201")),
    Person::cadre("liuwan-director", "liuwan", Some("20101")),
    Person::cadre("liuwan-supervisor", "liuwan", None),
];

impl Township {
    /// `mingqu keys new`, unencrypted, so that the journeys can read it as any other program would.
    pub fn new_key(&self, name: &str) {
        let new = ["keys", "new", "--no-passphrase"];
        let made = Finished::of(mingqu().args(new).arg(self.key_file(name)));
        let shown = made.ended_with(0).json();
        assert_eq!(shown["key"], json!(self.public_key(name)));
    }

    /// Where a person keeps the key.
    pub fn key_file(&self, name: &str) -> PathBuf {
        self.file(&format!("{name}.pem"))
    }

    /// The private key, read as any other program would.
    pub fn key(&self, name: &str) -> SigningKey {
        let pem = std::fs::read_to_string(self.key_file(name)).unwrap();
        SigningKey::from_pkcs8_pem(&pem).unwrap()
    }

    /// The public half in hex.
    pub fn public_key(&self, name: &str) -> String {
        PublicKey::of(&self.key(name)).to_hex()
    }

    /// SHA-256 of the public half in hex.
    pub fn fingerprint(&self, name: &str) -> String {
        PublicKey::of(&self.key(name)).fingerprint().to_hex()
    }

    /// What a statement begins with; `signers` are (role, key file).
    pub fn head(&self, signers: &[(&str, &str)]) -> Value {
        let mut signers: Vec<Value> = signers
            .iter()
            .map(|(role, name)| json!({ "role": role, "key": self.fingerprint(name) }))
            .collect();
        signers.sort_by_key(|signer| signer["key"].to_string());
        json!({
            "district": super::DISTRICT,
            "drafted_at": super::DRAWN_UP,
            "signers": signers,
        })
    }
}
