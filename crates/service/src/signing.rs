//! A signature arrives for a statement that waits.

use disclosure::dsse::{Envelope, EnvelopeSignature};
use disclosure::key::{Fingerprint, PublicKey};
use disclosure::policy::{CoSignature, SignatureProblem};
use disclosure::statement::{Role, Statement};
use domain::progress::{Progress, Step};
use store::StatementRow;

use crate::{Service, ServiceError};

impl Service {
    /// Adds a signature; the statement is posted when it was the last one needed. The same
    /// signature again changes nothing.
    pub async fn sign(
        &self,
        id: i64,
        keyid: &str,
        sig: [u8; 64],
    ) -> Result<Progress, ServiceError> {
        self.catch_up().await?;
        let row = self.store.statement(id).await?.ok_or(ServiceError::UnknownStatement(id))?;
        let earlier = self.store.co_signatures(id).await?;
        if earlier.iter().any(|signature| signature.signature == sig) {
            return Ok(row.state);
        }
        let statement = Statement::parse(&row.payload_type, &row.payload)?;
        let mut envelope = envelope_of(&row, &earlier);
        let signature = EnvelopeSignature { keyid: keyid.to_owned(), sig };
        let key = self.insert_in_order(&mut envelope, signature)?;
        let standing = self.record().judge(&envelope, &statement)?;
        let step = if standing.complete() { Step::Completed } else { Step::Signed };
        let next = row.state.after(step)?;
        let fingerprint = key.fingerprint();
        let counted = standing
            .signatures
            .iter()
            .find(|counted| counted.key == fingerprint)
            .ok_or(ServiceError::StatementChanged(id))?;
        if row.state == Progress::Draft {
            check_first(counted, &standing.signatures, &standing.missing)?;
        }
        let new = store::CoSignature {
            public_key: *key.as_bytes(),
            role: counted.role.code().into(),
            person: counted.person.clone(),
            signature: sig,
            received_at: self.now(),
        };
        if !self.store.add_co_signature(id, &new, row.state, next).await? {
            return Err(ServiceError::StatementChanged(id));
        }
        self.post_ready().await?;
        let now = self.store.statement(id).await?;
        Ok(now.map_or(next, |row| row.state))
    }

    /// Puts a signature where its role belongs; fails when the directory does not know the key.
    fn insert_in_order(
        &self,
        envelope: &mut Envelope,
        signature: EnvelopeSignature,
    ) -> Result<PublicKey, ServiceError> {
        let unknown = || SignatureProblem::UnknownKey(signature.keyid.chars().take(64).collect());
        let record = self.record();
        let role_of = |keyid: &str| {
            let key = Fingerprint::from_hex(keyid).ok()?;
            record.directory().get(&key).map(|enrolled| &enrolled.enrolment)
        };
        let enrolment = role_of(&signature.keyid).ok_or_else(unknown)?;
        let place = envelope.signatures.partition_point(|earlier| {
            role_of(&earlier.keyid).is_some_and(|other| other.role <= enrolment.role)
        });
        let key = enrolment.key;
        envelope.signatures.insert(place, signature);
        Ok(key)
    }
}

/// The envelope with the signatures gathered so far, in the fixed order of roles.
pub(crate) fn envelope_of(row: &StatementRow, signatures: &[store::CoSignature]) -> Envelope {
    let mut envelope = Envelope::unsigned(row.payload_type.clone(), row.payload.clone());
    let mut ordered: Vec<_> = signatures.iter().collect();
    ordered.sort_by_key(|signature| {
        (role_order(&signature.role), signature.received_at, signature.public_key)
    });
    for signature in ordered {
        let keyid = disclosure::merkle::Hash::of(&signature.public_key).to_hex();
        envelope.signatures.push(EnvelopeSignature { keyid, sig: signature.signature });
    }
    envelope
}

fn role_order(code: &str) -> usize {
    [Role::Root, Role::Station, Role::Cadre]
        .iter()
        .position(|role| role.code() == code)
        .unwrap_or(usize::MAX)
}

/// The role that comes first in the fixed order signs first: a cadre signs what the station stands by.
fn check_first(
    counted: &CoSignature,
    signatures: &[CoSignature],
    missing: &[disclosure::statement::Need],
) -> Result<(), ServiceError> {
    let earlier_missing = missing.iter().map(|need| need.role).find(|role| *role < counted.role);
    match earlier_missing {
        Some(role) if signatures.len() == 1 => Err(ServiceError::NotYet(role)),
        _ => Ok(()),
    }
}
