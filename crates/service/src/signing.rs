//! A signature arrives for a statement that waits.

use disclosure::dsse::{Envelope, EnvelopeSignature};
use disclosure::key::PublicKey;
use disclosure::policy::{CoSignature, SignatureProblem, Standing};
use disclosure::statement::{Act, KeyAct, Role, Statement};
use domain::progress::{Progress, Step};
use store::{SeenStatement, StatementRow};

use crate::{Reached, Service, ServiceError};

/// How often a signature is judged again when another server's signer got ahead.
const MAX_SIGNING_TRIES: usize = 5;

impl Service {
    /// Adds a signature; the statement is posted when it was the last one needed. The same
    /// signature again changes nothing.
    pub async fn sign(&self, id: i64, keyid: &str, sig: [u8; 64]) -> Result<Reached, ServiceError> {
        let next = {
            let _one_at_a_time = self.signing.lock().await;
            self.add_signature(id, keyid, sig).await?
        };
        self.post_ready().await?;
        let now = self.store.statement(id).await?;
        match now {
            Some(row) => self.reached(row.state, row.posted_index).await,
            None => self.reached(next, None).await,
        }
    }

    async fn add_signature(
        &self,
        id: i64,
        keyid: &str,
        sig: [u8; 64],
    ) -> Result<Progress, ServiceError> {
        for _ in 0..MAX_SIGNING_TRIES {
            if let Some(state) = self.try_signature(id, keyid, sig).await? {
                return Ok(state);
            }
        }
        Err(ServiceError::StatementChanged(id))
    }

    /// None when the statement moved on, by another server's signer, while this signature was judged.
    async fn try_signature(
        &self,
        id: i64,
        keyid: &str,
        sig: [u8; 64],
    ) -> Result<Option<Progress>, ServiceError> {
        self.catch_up().await?;
        let row = self.store.statement(id).await?.ok_or(ServiceError::UnknownStatement(id))?;
        let earlier = self.store.co_signatures(id).await?;
        if earlier.iter().any(|signature| signature.signature == sig) {
            return Ok(Some(row.state));
        }
        let statement = Statement::parse(&row.payload_type, &row.payload)?;
        let mut envelope = envelope_of(&row, &statement, &earlier);
        if matches!(row.state, Progress::Draft | Progress::Awaiting)
            && let Err(why) = self.judge(&envelope, &statement)
        {
            // A key was revoked, or the bytes were replaced, under a signature: nobody can complete it.
            self.send_back(&row, &why).await?;
            return Err(ServiceError::StatementChanged(id));
        }
        let signature = EnvelopeSignature { keyid: keyid.to_owned(), sig };
        let key = self.insert_in_order(&mut envelope, signature, &statement)?;
        let standing = self.judge(&envelope, &statement)?;
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
        let seen = SeenStatement {
            state: row.state,
            payload_sha256: row.payload_sha256,
            signatures: earlier.len(),
        };
        let added = self.store.add_co_signature(id, &new, &seen, next).await?;
        Ok(added.then_some(next))
    }

    fn judge(&self, envelope: &Envelope, statement: &Statement) -> Result<Standing, ServiceError> {
        Ok(self.record().judge(envelope, statement)?)
    }

    /// Puts a signature where its role belongs; fails when the directory does not know the key.
    fn insert_in_order(
        &self,
        envelope: &mut Envelope,
        signature: EnvelopeSignature,
        statement: &Statement,
    ) -> Result<PublicKey, ServiceError> {
        let unknown = || SignatureProblem::UnknownKey(signature.keyid.chars().take(64).collect());
        let key = self.record().key_behind(statement, &signature.keyid).ok_or_else(unknown)?;
        let own = place_of(statement, &signature.keyid);
        let place = envelope
            .signatures
            .partition_point(|earlier| place_of(statement, &earlier.keyid) <= own);
        envelope.signatures.insert(place, signature);
        Ok(key)
    }
}

/// Where a signature stands: by role, and of one role as the statement names the signers. Whoever is not named is refused anyway.
fn place_of(statement: &Statement, keyid: &str) -> Option<(Role, usize)> {
    let signers = &statement.head().signers;
    let place = signers.iter().position(|signer| signer.key.to_hex() == keyid)?;
    let role = signers.get(place)?.role;
    // Of a rotation the old key signs first, in whatever order its author named the two.
    if let Statement::Key(KeyAct { act: Act::Rotate { old, .. }, .. }) = statement {
        return Some((role, usize::from(old.to_hex() != keyid)));
    }
    Some((role, place))
}

/// The envelope with the signatures gathered so far, in their fixed order.
pub(crate) fn envelope_of(
    row: &StatementRow,
    statement: &Statement,
    signatures: &[store::CoSignature],
) -> Envelope {
    let mut envelope = Envelope::unsigned(row.payload_type.clone(), row.payload.clone());
    envelope.signatures.extend(signatures.iter().map(|signature| {
        let keyid = disclosure::merkle::Hash::of(&signature.public_key).to_hex();
        EnvelopeSignature { keyid, sig: signature.signature }
    }));
    envelope.signatures.sort_by_key(|signature| place_of(statement, &signature.keyid));
    envelope
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
