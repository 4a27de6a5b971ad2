//! The township's people: their keys, which the demo holds and the server never sees, and what they do with them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use disclosure::dsse::Envelope;
use disclosure::key::PublicKey;
use disclosure::statement::{ExpectedSigner, Head, Role, Statement};
use domain::{DistrictId, Timestamp};
use ed25519_dalek::SigningKey;
use service::request::{Ask, REQUEST_PAYLOAD_TYPE, Request};

use super::township::{PersonEntry, Township};
use crate::api::Api;
use crate::key_file;

/// Somebody with a key.
pub struct Person {
    pub entry: PersonEntry,
    pub key: SigningKey,
}

/// Everybody who signs, and the server they sign for.
pub struct People {
    pub district: DistrictId,
    pub all: Vec<Person>,
    pub api: Api,
}

/// The people with their keys, read from the folder or made at the first start.
pub fn people_with_keys(township: &Township, folder: &Path) -> anyhow::Result<Vec<Person>> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let with_key = |entry: &PersonEntry| {
        let key = key_file::read_or_create(&folder.join(format!("{}.pem", entry.person)))?;
        Ok(Person { entry: entry.clone(), key })
    };
    township.people.iter().map(with_key).collect()
}

impl People {
    /// Everybody in a role.
    pub fn in_role(&self, role: Role) -> impl Iterator<Item = &Person> {
        self.all.iter().filter(move |person| person.entry.role == role)
    }

    /// What a statement begins with that all people of these roles may sign.
    pub fn head(&self, at: Timestamp, roles: &[Role]) -> Head {
        let mut signers: Vec<ExpectedSigner> = self
            .all
            .iter()
            .filter(|person| roles.contains(&person.entry.role))
            .map(|person| ExpectedSigner {
                role: person.entry.role,
                key: PublicKey::of(&person.key).fingerprint(),
            })
            .collect();
        signers.sort();
        Head { district: self.district.clone(), drafted_at: at, signers }
    }

    /// Signs a statement with these people's keys and hands it in.
    pub fn propose<'a>(
        &self,
        statement: &Statement,
        signers: impl IntoIterator<Item = &'a Person>,
        attachments: Vec<Vec<u8>>,
    ) -> anyhow::Result<()> {
        let mut envelope =
            Envelope::unsigned(statement.kind().payload_type(), statement.to_payload()?);
        for person in signers {
            envelope.sign_with(&person.key)?;
        }
        self.api.propose(&envelope, attachments)?;
        Ok(())
    }

    /// The station asks for something.
    pub fn ask(&self, at: Timestamp, ask: Ask) -> anyhow::Result<serde_json::Value> {
        let operator = self.in_role(Role::Station).next().context("the township has no station")?;
        let request = Request { district: self.district.clone(), asked_at: at, ask };
        let mut envelope = Envelope::unsigned(REQUEST_PAYLOAD_TYPE, serde_json::to_vec(&request)?);
        envelope.sign_with(&operator.key)?;
        self.api.request(&envelope)
    }

    /// The station signs every draft, then one cadre of the village whom the statement names.
    /// Returns how many statements went all the way to the log.
    pub fn sign_all(&self) -> anyhow::Result<u64> {
        let mut posted = 0;
        for (state, role) in [("draft", Role::Station), ("awaiting", Role::Cadre)] {
            for waiting in self.api.statements(state)? {
                let statement = Statement::parse(&waiting.payload_type, &waiting.payload)?;
                let envelope = Envelope::unsigned(waiting.payload_type, waiting.payload);
                let Some(signer) = self.signer_for(&statement, role) else {
                    continue;
                };
                let progress = self.api.sign(waiting.id, &signer.key, &envelope.signed_bytes())?.is;
                posted += u64::from(progress == "posted");
            }
        }
        Ok(posted)
    }

    fn signer_for(&self, statement: &Statement, role: Role) -> Option<&Person> {
        let expected: BTreeMap<_, _> =
            statement.head().signers.iter().map(|signer| (signer.key, signer.role)).collect();
        self.in_role(role)
            .find(|person| expected.get(&PublicKey::of(&person.key).fingerprint()) == Some(&role))
    }
}
