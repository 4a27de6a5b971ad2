//! An entry on its way into the record: read, and as far as it can be without the record checked.

use std::borrow::Cow;

use super::{RecordError, ShortDigest};
use crate::directory::Directory;
use crate::dsse::Envelope;
use crate::key::{Fingerprint, PublicKey};
use crate::merkle::Hash;
use crate::policy::CheckedAhead;
use crate::statement::Statement;

/// An envelope with the statement that was read from it.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    pub(super) envelope: Cow<'a, Envelope>,
    pub(super) statement: Statement,
    /// Of what was signed.
    pub(super) digest: ShortDigest,
    pub(super) ahead: CheckedAhead,
}

impl<'a> Candidate<'a> {
    /// Reads the statement.
    pub fn read(envelope: &'a Envelope) -> Result<Self, RecordError> {
        Self::of(Cow::Borrowed(envelope))
    }

    fn of(envelope: Cow<'a, Envelope>) -> Result<Self, RecordError> {
        let statement = Statement::parse(&envelope.payload_type, &envelope.payload)?;
        let digest = short(&Hash::of(&envelope.signed_bytes()));
        Ok(Self { envelope, statement, digest, ahead: CheckedAhead::default() })
    }

    /// What it says.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The exact bytes of what it says.
    pub fn payload(&self) -> &[u8] {
        &self.envelope.payload
    }

    /// For each signature, the key that it claims to be by, if the directory holds it, revoked or not.
    pub fn claimed_keys(&self, directory: &Directory) -> Vec<Option<PublicKey>> {
        let key = |keyid: &str| {
            let key = Fingerprint::from_hex(keyid).ok()?;
            Some(directory.get(&key)?.enrolment.key)
        };
        self.envelope.signatures.iter().map(|signature| key(&signature.keyid)).collect()
    }

    /// Checks each signature by the key in its place, ahead of the judgement. Who may sign is judged later; a
    /// signature that turns out to be by another key is checked again then.
    pub fn check_ahead(&mut self, keys: &[Option<PublicKey>]) {
        let message = self.envelope.signed_bytes();
        let check = |(signature, key): (&crate::dsse::EnvelopeSignature, &Option<PublicKey>)| {
            key.map(|key| (key, key.verify(&message, &signature.sig).is_ok()))
        };
        self.ahead = CheckedAhead(self.envelope.signatures.iter().zip(keys).map(check).collect());
    }
}

impl Candidate<'static> {
    /// Reads the statement of an envelope and keeps both.
    pub fn owning(envelope: Envelope) -> Result<Self, RecordError> {
        Self::of(Cow::Owned(envelope))
    }

    /// How many signatures there are.
    pub fn signatures(&self) -> usize {
        self.envelope.signatures.len()
    }
}

fn short(Hash(whole): &Hash) -> ShortDigest {
    let mut half = ShortDigest::default();
    half.iter_mut().zip(whole).for_each(|(half, whole)| *half = *whole);
    half
}
