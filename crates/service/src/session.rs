//! Sessions: a server tells somebody what waits for them after a signature has shown whose key they hold.
//!
//! A session authorises nothing that a signature must: whoever steals one sees a list.

use std::fmt;

use disclosure::key::{Fingerprint, PublicKey};
use disclosure::merkle::Hash;
use disclosure::policy::SignatureProblem;
use disclosure::statement::Enrolment;
use domain::{DistrictId, Timestamp};
use store::NewSession;
use thiserror::Error;

use crate::{Service, ServiceError};

/// How long a challenge can be answered: enough for a slow line.
pub const CHALLENGE_SECONDS: i64 = 120;
/// How long a session lasts; the page begins the next one by itself.
pub const SESSION_SECONDS: i64 = 1800;
/// The longest origin that is signed: a scheme, a name of 253 characters, a port.
pub const MAX_ORIGIN_BYTES: usize = 270;

const MILLIS_PER_SECOND: i64 = 1000;

/// 32 random bytes that one side shows the other, in hexadecimal digits: a nonce, a session's token.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; 32]);

/// Not 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("write 64 lower-case hexadecimal digits")]
pub struct NotASecret;

impl Secret {
    /// Reads 64 lower-case hexadecimal digits.
    pub fn from_hex(text: &str) -> Result<Self, NotASecret> {
        Hash::from_hex(text).map(|hash| Self(hash.0)).map_err(|_| NotASecret)
    }

    /// 64 lower-case hexadecimal digits.
    pub fn to_hex(&self) -> String {
        Hash(self.0).to_hex()
    }

    /// 32 bytes that were just drawn.
    pub(crate) const fn drawn(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// What the store keeps of it.
    pub(crate) fn hashed(&self) -> [u8; 32] {
        Hash::of(&self.0).0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Something to sign, once and soon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// What the signed text repeats.
    pub nonce: Secret,
    /// Until when.
    pub expires_at: Timestamp,
}

/// A session that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// What its bearer shows from then on.
    pub token: Secret,
    /// Whose it is.
    pub session: Session,
}

/// Whose session it is, by the record as it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The key that answered the challenge, and who holds it.
    pub signer: Enrolment,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// The bytes that begin a session, when signed: UTF-8,
/// `mingqu-session/v1\n<origin>\n<district>\n<key>\n<nonce>\n`, with key and nonce in hexadecimal
/// digits. No statement, request, enrolment, checkpoint or report begins like this.
pub fn session_text(
    origin: &str,
    district: &DistrictId,
    key: &PublicKey,
    nonce: &Secret,
) -> Vec<u8> {
    format!("mingqu-session/v1\n{origin}\n{district}\n{key}\n{}\n", nonce.to_hex()).into_bytes()
}

impl Service {
    /// Gives out a challenge.
    pub async fn challenge(&self) -> Result<Challenge, ServiceError> {
        let nonce = Secret(self.randomness.draw()?);
        let now = self.now();
        let expires_at = now.plus_millis(CHALLENGE_SECONDS * MILLIS_PER_SECOND);
        self.store.put_challenge(&nonce.hashed(), now, expires_at).await?;
        Ok(Challenge { nonce, expires_at })
    }

    /// Begins a session for whoever answers a challenge at `origin` with a key in force. The
    /// challenge is spent, whatever comes of it.
    pub async fn begin_session(
        &self,
        origin: &str,
        key: &PublicKey,
        nonce: &Secret,
        signature: &[u8; 64],
    ) -> Result<Begun, ServiceError> {
        if !self.store.take_challenge(&nonce.hashed(), self.now()).await? {
            return Err(ServiceError::ChallengeSpent);
        }
        if origin.len() > MAX_ORIGIN_BYTES || origin.chars().any(char::is_control) {
            return Err(ServiceError::TooLarge { what: "the origin", limit: MAX_ORIGIN_BYTES });
        }
        let signer = self.signer(&key.fingerprint()).await?;
        key.verify(&session_text(origin, self.district(), key, nonce), signature)
            .map_err(|_| SignatureProblem::Invalid(key.fingerprint()))?;
        let token = Secret(self.randomness.draw()?);
        let now = self.now();
        let expires_at = now.plus_millis(SESSION_SECONDS * MILLIS_PER_SECOND);
        let new = NewSession {
            token_sha256: token.hashed(),
            fingerprint: *key.fingerprint().as_bytes(),
            expires_at,
        };
        self.store.begin_session(&new, now).await?;
        Ok(Begun { token, session: Session { signer, expires_at } })
    }

    /// The session of a token, if it has not ended and its key is still in force.
    pub async fn session(&self, token: &Secret) -> Result<Session, ServiceError> {
        let found = self.store.session(&token.hashed(), self.now()).await?;
        let row = found.ok_or(ServiceError::NoSession)?;
        let fingerprint = Fingerprint::from_hex(&Hash(row.fingerprint).to_hex())
            .map_err(|_| ServiceError::NoSession)?;
        let signer = self.signer(&fingerprint).await?;
        Ok(Session { signer, expires_at: row.expires_at })
    }

    /// Ends a session; one that has ended stays so.
    pub async fn end_session(&self, token: &Secret) -> Result<(), ServiceError> {
        self.store.end_session(&token.hashed()).await?;
        Ok(())
    }

    /// Who holds a key that is enrolled and not revoked, by the log as it stands now.
    async fn signer(&self, key: &Fingerprint) -> Result<Enrolment, ServiceError> {
        // Another server may have posted its enrolment, or that it was revoked.
        self.catch_up().await?;
        let record = self.record();
        let enrolled = record
            .directory()
            .get(key)
            .ok_or_else(|| SignatureProblem::UnknownKey(key.to_hex()))?;
        match enrolled.revoked_at {
            None => Ok(enrolled.enrolment.clone()),
            Some(at) => {
                let person = enrolled.enrolment.person.clone();
                Err(SignatureProblem::Revoked { key: *key, person, at }.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../docs/formats/api.md");

    fn block(name: &str) -> &'static str {
        let after = PAGE.split_once(&format!("```{name}\n")).unwrap().1;
        after.split_once("```").unwrap().0
    }

    #[test]
    fn the_documented_vector_is_ours() {
        let answer: serde_json::Value = serde_json::from_str(block("session")).unwrap();
        let field = |name: &str| answer[name].as_str().unwrap();
        let key = PublicKey::from_hex(field("key")).unwrap();
        let nonce = Secret::from_hex(field("nonce")).unwrap();
        let district = DistrictId::new("sample").unwrap();
        let text = session_text("https://water.example", &district, &key, &nonce);
        assert_eq!(text, block("session-text").as_bytes());
    }

    #[test]
    fn rejects_what_is_no_secret() {
        for text in ["", "0f", &"0F".repeat(32), &"zz".repeat(32), &"0f".repeat(33)] {
            assert_eq!(Secret::from_hex(text), Err(NotASecret), "{text}");
        }
        let secret = Secret::from_hex(&"0f".repeat(32)).unwrap();
        assert_eq!(Secret::from_hex(&secret.to_hex()), Ok(secret.clone()));
        assert_eq!(format!("{secret:?}"), "Secret(..)", "never in a log");
    }
}
