//! The people of the small district.

use disclosure::dsse::Envelope;
use disclosure::hand_readings::{HAND_READINGS_PAYLOAD_TYPE, HandReadings};
use disclosure::key::{PublicKey, SigningKey};
use disclosure::statement::{Act, Enrolment, ExpectedSigner, Head, KeyAct, Role, Root, Statement};
use service::request::{Ask, REQUEST_PAYLOAD_TYPE, Request};

use super::id;

/// Somebody with a key.
pub(crate) struct Person {
    name: &'static str,
    role: Role,
    village: Option<&'static str>,
    pub(crate) key: SigningKey,
}

impl Person {
    pub(crate) fn new(
        name: &'static str,
        role: Role,
        village: Option<&'static str>,
        seed: u8,
    ) -> Self {
        Self { name, role, village, key: SigningKey::from_bytes(&[seed; 32]) }
    }

    pub(crate) fn root(&self) -> Root {
        Root { person: id(self.name), key: PublicKey::of(&self.key) }
    }

    /// The statement that enrols them, signed by the roots.
    pub(crate) fn enrolled_by(&self, roots: &[&Self]) -> Envelope {
        let key = PublicKey::of(&self.key);
        let enrolment = Enrolment::new(id(self.name), self.role, key);
        let act = Act::Enrol(Enrolment { village: self.village.map(id), ..enrolment });
        seal(&Statement::Key(KeyAct { head: head(roots), act }), roots)
    }

    /// A signed request.
    pub(crate) fn asks(&self, ask: Ask) -> Vec<u8> {
        let request = Request { district: id("sample"), asked_at: id("2026-05-01T00:00:00Z"), ask };
        let body = serde_json::to_vec(&request).unwrap();
        let mut envelope = Envelope::unsigned(REQUEST_PAYLOAD_TYPE, body);
        envelope.sign_with(&self.key).unwrap();
        envelope.to_json()
    }

    /// Signed readings by hand.
    pub(crate) fn reads(&self, readings: &HandReadings) -> Vec<u8> {
        let body = serde_json::to_vec(readings).unwrap();
        let mut envelope = Envelope::unsigned(HAND_READINGS_PAYLOAD_TYPE, body);
        envelope.sign_with(&self.key).unwrap();
        envelope.to_json()
    }
}

pub(crate) fn head(signers: &[&Person]) -> Head {
    let expected = |person: &&Person| ExpectedSigner {
        role: person.role,
        key: PublicKey::of(&person.key).fingerprint(),
    };
    let mut signers: Vec<_> = signers.iter().map(expected).collect();
    signers.sort();
    Head { district: id("sample"), drafted_at: id("2026-04-01T00:00:00Z"), signers }
}

pub(crate) fn seal(statement: &Statement, signers: &[&Person]) -> Envelope {
    let payload_type = statement.kind().payload_type();
    let mut envelope = Envelope::unsigned(payload_type, statement.to_payload().unwrap());
    for person in signers {
        envelope.sign_with(&person.key).unwrap();
    }
    envelope
}
