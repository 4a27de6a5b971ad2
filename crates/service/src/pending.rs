//! Statements on their way to the log: proposing one, reading those that wait.

use std::collections::BTreeMap;

use disclosure::dsse::Envelope;
use disclosure::key::PublicKey;
use disclosure::merkle::Hash;
use disclosure::record::RecordError;
use disclosure::statement::{Kind, Statement};
use domain::progress::{Progress, Step};
use domain::{PersonId, Timestamp, VillageId};
use store::{Attachment, Refusal, StatementRow};

use crate::{Reached, Service, ServiceError};

/// The most attachments that one proposal carries.
const MAX_PROPOSED_ATTACHMENTS: usize = 8;

/// Bytes handed in with a statement that names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAttachment {
    /// Their media type.
    pub media_type: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A statement that is drawn up, with the signatures it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingStatement {
    /// Its id on this server.
    pub id: i64,
    /// Its kind.
    pub kind: Kind,
    /// How far it has come.
    pub progress: Progress,
    /// Whether it is posted and in the published log.
    pub published: bool,
    /// The DSSE payload type.
    pub payload_type: String,
    /// The exact bytes to sign.
    pub payload: Vec<u8>,
    /// When it was drawn up.
    pub created_at: Timestamp,
    /// Its index in the log, once posted.
    pub posted_index: Option<u64>,
    /// Who refused it, and why.
    pub refusal: Option<Refusal>,
    /// Who signed it.
    pub signatures: Vec<PendingSignature>,
}

impl PendingStatement {
    /// How far it has come, as those who wait for it are told.
    pub const fn reached(&self) -> Reached {
        Reached { progress: self.progress, published: self.published }
    }
}

/// A signature on a pending statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingSignature {
    /// The key's fingerprint in hex.
    pub keyid: String,
    /// The role in which it counts.
    pub role: String,
    /// Who signed.
    pub person: PersonId,
    /// When it came in.
    pub received_at: Timestamp,
}

impl Service {
    /// Takes in a statement that its author drew up and at least one expected signer has signed.
    /// It is posted at once when all signatures are there. The same statement again adds the signatures that are new.
    ///
    /// Waterings and bill runs are drawn up here, from the meters' reports and the postings, and
    /// are not taken from outside.
    pub async fn propose(
        &self,
        envelope: &[u8],
        attachments: Vec<NewAttachment>,
    ) -> Result<i64, ServiceError> {
        self.catch_up().await?;
        let envelope = Envelope::parse(envelope)?;
        let statement = Statement::parse(&envelope.payload_type, &envelope.payload)?;
        if matches!(
            statement.kind(),
            Kind::Watering | Kind::Correction | Kind::BillRun | Kind::Overdue | Kind::Balance
        ) {
            return Err(ServiceError::DrawnUpHere(statement.kind()));
        }
        if envelope.signatures.is_empty() {
            return Err(ServiceError::Unsigned);
        }
        if statement.head().district != *self.district() {
            return Err(RecordError::OtherDistrict(statement.head().district.clone()).into());
        }
        if let Statement::District(district) = &statement
            && district.log_key != self.log_vkey()
        {
            return Err(ServiceError::OtherLogKey(self.log_vkey()));
        }
        let digest = Hash::of(&envelope.payload);
        let founding = statement.kind() == Kind::District && self.record().district().is_none();
        if founding && self.genesis.is_some_and(|genesis| genesis != digest) {
            return Err(ServiceError::OtherGenesis);
        }
        if let Some(known) = self.store.statement_by_payload(&digest.0).await? {
            return self.propose_again(known, &envelope).await;
        }
        let attachments = named_attachments(&statement, attachments)?;
        let by_hash: BTreeMap<Hash, Vec<u8>> =
            attachments.iter().map(|one| (Hash(one.sha256), one.bytes.clone())).collect();
        let standing = {
            let record = self.record();
            record.check(&statement, &by_hash)?;
            record.judge(&envelope, &statement)?
        };
        let step = if standing.complete() { Step::Completed } else { Step::Signed };
        let mut new = self.new_statement(&statement, Progress::Draft.after(step)?)?;
        new.payload.clone_from(&envelope.payload);
        new.payload_sha256 = digest.0;
        let keys = self.keys_of(&envelope, &statement);
        let signatures: Vec<store::CoSignature> = envelope
            .signatures
            .iter()
            .zip(&standing.signatures)
            .zip(keys)
            .map(|((signature, counted), key)| store::CoSignature {
                public_key: *key.as_bytes(),
                role: counted.role.code().into(),
                person: counted.person.clone(),
                signature: signature.sig,
                received_at: self.now(),
            })
            .collect();
        let id = self.store.insert_signed_statement(&new, &attachments, &signatures).await?;
        self.post_ready().await?;
        Ok(id)
    }

    /// The same statement once more, perhaps because the first answer got lost, perhaps with a further signature.
    async fn propose_again(
        &self,
        known: StatementRow,
        envelope: &Envelope,
    ) -> Result<i64, ServiceError> {
        let id = known.id;
        if let Some(Refusal { by, why }) = known.refusal {
            let reason = why.to_string();
            return Err(ServiceError::RefusedBefore { statement: id, by, reason });
        }
        for signature in &envelope.signatures {
            self.sign(id, &signature.keyid, signature.sig).await?;
        }
        self.post_ready().await?;
        Ok(id)
    }

    /// Statements drawn up on this server, newest first; `before` is the last id of the page before.
    pub async fn pending(
        &self,
        state: Option<Progress>,
        village: Option<VillageId>,
        before: Option<i64>,
        most: u32,
    ) -> Result<Vec<PendingStatement>, ServiceError> {
        let mut statements = Vec::new();
        for row in self.store.statements(state, village.as_ref(), before, most).await? {
            statements.push(self.with_signatures(row).await?);
        }
        Ok(statements)
    }

    /// One statement drawn up on this server.
    pub async fn pending_statement(
        &self,
        id: i64,
    ) -> Result<Option<PendingStatement>, ServiceError> {
        match self.store.statement(id).await? {
            Some(row) => Ok(Some(self.with_signatures(row).await?)),
            None => Ok(None),
        }
    }

    async fn with_signatures(&self, row: StatementRow) -> Result<PendingStatement, ServiceError> {
        let signatures = self.store.co_signatures(row.id).await?;
        let kind = Kind::from_code(&row.kind)
            .ok_or_else(|| ServiceError::DamagedLog(format!("statement kind {:?}", row.kind)))?;
        let reached = self.reached(row.state, row.posted_index).await?;
        Ok(PendingStatement {
            id: row.id,
            kind,
            progress: reached.progress,
            published: reached.published,
            payload_type: row.payload_type,
            payload: row.payload,
            created_at: row.created_at,
            posted_index: row.posted_index,
            refusal: row.refusal,
            signatures: signatures
                .into_iter()
                .map(|signature| PendingSignature {
                    keyid: Hash::of(&signature.public_key).to_hex(),
                    role: signature.role,
                    person: signature.person,
                    received_at: signature.received_at,
                })
                .collect(),
        })
    }

    /// The public keys of an envelope's signatures, all of which have been judged good.
    fn keys_of(&self, envelope: &Envelope, statement: &Statement) -> Vec<PublicKey> {
        let record = self.record();
        let behind = |keyid: &str| record.key_behind(statement, keyid);
        envelope.signatures.iter().filter_map(|signature| behind(&signature.keyid)).collect()
    }
}

fn named_attachments(
    statement: &Statement,
    handed_in: Vec<NewAttachment>,
) -> Result<Vec<Attachment>, ServiceError> {
    if handed_in.len() > MAX_PROPOSED_ATTACHMENTS {
        let limit = MAX_PROPOSED_ATTACHMENTS;
        return Err(ServiceError::TooLarge { what: "the number of attachments", limit });
    }
    let named = statement.attachments();
    handed_in
        .into_iter()
        .map(|NewAttachment { media_type, bytes }| {
            let sha256 = Hash::of(&bytes);
            if !named.iter().any(|one| one.sha256 == sha256 && one.media_type == media_type) {
                return Err(ServiceError::StrayAttachment);
            }
            Ok(Attachment { sha256: sha256.0, media_type, bytes })
        })
        .collect()
}
