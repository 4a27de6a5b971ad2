//! A key comes into the log: somebody is invited with a one-time code, makes a key where they are, and hands in its
//! public half. The statement that enrols it then waits for those whom the policy lets decide.

use std::collections::BTreeMap;

use disclosure::directory::DirectoryError;
use disclosure::key::{PublicKey, SIGNATURE_BYTES};
use disclosure::policy::SignatureProblem;
use disclosure::record::RecordError;
use disclosure::statement::{Act, Enrolment, Head, KeyAct, KeyKept, Kind, Statement};
use domain::progress::Progress;
use domain::{DistrictId, Timestamp};

use crate::request::Invitation;
use crate::session::Secret;
use crate::{Answer, Service, ServiceError};

/// How long a code can be used: a week, for somebody who comes by on market day.
pub const INVITATION_SECONDS: i64 = 7 * 24 * 3600;
const MILLIS_PER_SECOND: i64 = 1000;

/// The bytes that somebody signs with the key that they enrol: it shows that they have it, and for which code.
///
/// ```text
/// "mingqu-enrolment/v1\n" <district> "\n" <code> "\n" <key in hex> "\n" <kept> "\n"
/// ```
pub fn enrolment_text(
    district: &DistrictId,
    code: &Secret,
    key: &PublicKey,
    kept: KeyKept,
) -> Vec<u8> {
    let (code, kept) = (code.to_hex(), kept.code());
    format!("mingqu-enrolment/v1\n{district}\n{code}\n{key}\n{kept}\n").into_bytes()
}

impl Service {
    /// Draws a code with which `invitation`'s person can enrol a key, once and within [`INVITATION_SECONDS`].
    pub(crate) async fn invite(
        &self,
        invitation: &Invitation,
        asker: &Enrolment,
    ) -> Result<Answer, ServiceError> {
        {
            let record = self.record();
            let decides = record.policy().is_some_and(|policy| {
                let needs = policy.needs(Kind::Key, Some(invitation.role));
                needs.iter().any(|need| need.role == asker.role)
            });
            if !decides {
                return Err(ServiceError::NotAllowed {
                    person: asker.person.clone(),
                    role: asker.role,
                });
            }
            record.check_place(&invitation.enrolment(asker.key))?;
        }
        let code = Secret::drawn(self.randomness.draw()?);
        let expires_at = self.now().plus_millis(INVITATION_SECONDS * MILLIS_PER_SECOND);
        let enrolment = serde_json::to_string(invitation)
            .map_err(|error| ServiceError::RequestMalformed(error.to_string()))?;
        let kept = store::Invitation {
            enrolment,
            invited_by: asker.person.clone(),
            expires_at,
            statement: None,
        };
        self.store.invite(&code.hashed(), &kept).await?;
        Ok(Answer::Invited { code: code.to_hex(), expires_at })
    }

    /// Draws up the statement that enrols a key by a code; the same again, perhaps because the answer got lost, names the
    /// same statement.
    pub async fn enrol(
        &self,
        code: &Secret,
        key: PublicKey,
        kept: KeyKept,
        proof: &[u8; SIGNATURE_BYTES],
    ) -> Result<i64, ServiceError> {
        self.catch_up().await?;
        let found = self.store.invitation(&code.hashed()).await?;
        let found = found.ok_or(ServiceError::UnknownCode)?;
        key.verify(&enrolment_text(self.district(), code, &key, kept), proof)
            .map_err(|_| SignatureProblem::Invalid(key.fingerprint()))?;
        if let Some(id) = found.statement {
            return if self.enrols(id, &key).await? {
                Ok(id)
            } else {
                Err(ServiceError::UnknownCode)
            };
        }
        if found.expires_at <= self.now() {
            return Err(ServiceError::CodeExpired(found.expires_at));
        }
        let invitation: Invitation = serde_json::from_str(&found.enrolment)
            .map_err(|error| ServiceError::DamagedLog(format!("an invitation: {error}")))?;
        let statement = self.enrolment(&invitation, key, kept, self.now());
        self.record().check(&statement, &BTreeMap::new()).map_err(|why| match why {
            RecordError::Directory(DirectoryError::KeyUsedBefore(key)) => {
                ServiceError::KeyKnown(key)
            }
            why => why.into(),
        })?;
        let new = self.new_statement(&statement, Progress::Draft)?;
        let id = self.store.insert_invited_statement(&code.hashed(), &new).await?;
        id.ok_or(ServiceError::UnknownCode)
    }

    fn enrolment(
        &self,
        invitation: &Invitation,
        key: PublicKey,
        kept: KeyKept,
        drafted_at: Timestamp,
    ) -> Statement {
        let enrolment = Enrolment { kept: Some(kept), ..invitation.enrolment(key) };
        let record = self.record();
        let signers = record.policy().map(|policy| {
            let needs = policy.needs(Kind::Key, Some(enrolment.role));
            // Nobody decides on a key of their own.
            record.directory().signers(needs, enrolment.village.as_ref(), |signer| {
                signer.person != enrolment.person
            })
        });
        let district = self.district().clone();
        let head = Head { district, drafted_at, signers: signers.unwrap_or_default() };
        Statement::Key(KeyAct { head, act: Act::Enrol(enrolment) })
    }

    /// Whether a statement drawn up here enrols this key.
    async fn enrols(&self, id: i64, key: &PublicKey) -> Result<bool, ServiceError> {
        let Some(row) = self.store.statement(id).await? else { return Ok(false) };
        let statement = Statement::parse(&row.payload_type, &row.payload)?;
        let Statement::Key(KeyAct { act: Act::Enrol(enrolment), .. }) = statement else {
            return Ok(false);
        };
        Ok(enrolment.key == *key)
    }
}
