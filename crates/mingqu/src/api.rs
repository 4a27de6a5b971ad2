//! The server's HTTP interface, as the people at the command line and in the demo use it.

use std::time::Duration;

use anyhow::{Context, anyhow};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use disclosure::dsse::Envelope;
use disclosure::key::{PublicKey, sign};
use disclosure::merkle::Hash;
use disclosure::record::RosterGround;
use disclosure::statement::{Role, Statement};
use domain::payment::Payment;
use domain::{DistrictId, PersonId, Timestamp, VillageId};
use ed25519_dalek::SigningKey;
use serde::Deserialize;
use serde_json::{Value, json};
use service::hand_readings::{DraftReading, Preview};
use service::past_turns::{PastTurn, TurnPreview};
use service::payments::PaymentPreview;
use service::session::{Secret, session_text};

use crate::transport::{self, Conduct, Trust, agent};

/// What is signed for one server is not carried on to another.
const CONDUCT: Conduct = Conduct { within: Duration::from_mins(2), redirects: 0, connections: 2 };
/// The longest answer: the statements of a page, each at most an entry long.
const MAX_ANSWER_BYTES: u64 = 16 * 1024 * 1024;

/// A client of one server.
pub struct Api {
    base: String,
    agent: ureq::Agent,
}

/// What came of something that was handed in.
pub struct HandedIn<T> {
    /// What it is now.
    pub is: T,
    /// What is owed for it and by when, as the log signed it; none where nothing is.
    pub submission: Option<Value>,
}

/// A statement that waits on the server.
pub struct Waiting {
    /// Its id there.
    pub id: i64,
    /// The DSSE payload type.
    pub payload_type: String,
    /// The exact bytes to sign.
    pub payload: Vec<u8>,
}

/// Whose key it is, as the log says.
#[derive(Debug, Deserialize)]
pub struct KeyOwner {
    /// The person's code.
    pub person: PersonId,
    /// As what they sign.
    pub role: Role,
}

/// How far a statement has come.
#[derive(Debug, Deserialize)]
pub struct Standing {
    /// The API's word for it, like `posted`.
    pub state: String,
    /// Its posting index, once it is posted.
    pub posted_index: Option<u64>,
    /// Why it was refused.
    pub refusal: Option<Refusal>,
}

/// Why a statement was refused.
#[derive(Debug, Deserialize)]
pub struct Refusal {
    /// In words.
    pub reason: String,
}

#[derive(Deserialize)]
struct ChallengeJson {
    nonce: String,
    district: DistrictId,
}

#[derive(Deserialize)]
struct WaitingJson {
    id: i64,
    payload_type: String,
    payload: String,
}

impl Api {
    /// A client of the server at `base`, like `http://127.0.0.1:8080`.
    pub fn new(base: &str, trust: &Trust) -> Self {
        let agent = agent(base, trust, CONDUCT);
        Self { base: base.trim_end_matches('/').to_owned(), agent }
    }

    /// Hands in a signed request.
    pub fn request(&self, envelope: &Envelope) -> anyhow::Result<Value> {
        let path = "/api/v1/requests";
        let response = self
            .agent
            .post(format!("{}{path}", self.base))
            .content_type("application/json")
            .send(envelope.to_json());
        self.answer(path, response)
    }

    /// The district that it serves.
    pub fn district(&self) -> anyhow::Result<DistrictId> {
        let answer = self.get("/api/v1/status")?;
        let district = answer["district"].as_str().context("the server names no district")?;
        DistrictId::new(district).context("the server names no district")
    }

    /// Whose key this is and as what they sign now; refused with the reason for a key that the log does not know or that
    /// was revoked. It begins a session, which ends with the key.
    pub fn owner_of(&self, key: &SigningKey) -> anyhow::Result<KeyOwner> {
        let origin = self.origin();
        let path = "/api/v1/session/challenge";
        let asked = self.agent.post(format!("{}{path}", self.base)).header("Origin", origin);
        let challenge: ChallengeJson =
            serde_json::from_value(self.answer(path, asked.send_empty())?)?;
        let nonce = Secret::from_hex(&challenge.nonce).context("the server's nonce")?;
        let public = PublicKey::of(key);
        let text = session_text(origin, &challenge.district, &public, &nonce);
        let body = json!({
            "key": public.to_hex(),
            "nonce": nonce.to_hex(),
            "signature": STANDARD.encode(sign(key, &text)),
        });
        let path = "/api/v1/session";
        let asked = self.agent.post(format!("{}{path}", self.base)).header("Origin", origin);
        let answer = self.answer(path, asked.send_json(body))?;
        serde_json::from_value(answer).context("the server's answer cannot be read")
    }

    /// How far a statement has come.
    pub fn standing(&self, id: i64) -> anyhow::Result<Standing> {
        let answer = self.get(&format!("/api/v1/statements/{id}"))?;
        serde_json::from_value(answer).context("the server's answer cannot be read")
    }

    /// What a roster of a village that holds from a time on is drawn up from.
    pub fn roster_ground(
        &self,
        village: &VillageId,
        at: Timestamp,
    ) -> anyhow::Result<RosterGround> {
        let answer = self.get(&format!("/api/v1/villages/{village}/roster?at={at}"))?;
        serde_json::from_value(answer).context("the server's answer cannot be read")
    }

    /// What readings by hand would come to.
    pub fn preview_readings(&self, drafts: &[DraftReading]) -> anyhow::Result<Vec<Preview>> {
        let answer = self.post("/api/v1/readings/preview", &json!({ "readings": drafts }))?;
        let previews = answer["previews"].clone();
        serde_json::from_value(previews).context("the server's answer cannot be read")
    }

    /// What would come of entering turns that are over.
    pub fn preview_turns(&self, turns: &[PastTurn]) -> anyhow::Result<Vec<TurnPreview>> {
        let answer = self.post("/api/v1/turns/preview", &json!({ "turns": turns }))?;
        let previews = answer["previews"].clone();
        serde_json::from_value(previews).context("the server's answer cannot be read")
    }

    /// What would come of recording payments.
    pub fn preview_payments(&self, payments: &[Payment]) -> anyhow::Result<Vec<PaymentPreview>> {
        let answer = self.post("/api/v1/payments/preview", &json!({ "payments": payments }))?;
        let previews = answer["previews"].clone();
        serde_json::from_value(previews).context("the server's answer cannot be read")
    }

    /// Hands in signed readings by hand.
    pub fn enter_readings(&self, envelope: &Envelope) -> anyhow::Result<()> {
        let path = "/api/v1/readings";
        let response = self
            .agent
            .post(format!("{}{path}", self.base))
            .content_type("application/json")
            .send(envelope.to_json());
        self.answer(path, response).map(|_| ())
    }

    /// Hands in a statement with the attachments that it names; returns its id.
    pub fn propose(
        &self,
        envelope: &Envelope,
        attachments: Vec<Vec<u8>>,
    ) -> anyhow::Result<HandedIn<i64>> {
        let statement = Statement::parse(&envelope.payload_type, &envelope.payload)?;
        let named = statement.attachments();
        let mut handed_in = Vec::new();
        for bytes in attachments {
            let sha256 = Hash::of(&bytes);
            let reference = named.iter().find(|one| one.sha256 == sha256).with_context(|| {
                format!("the statement names no attachment with SHA-256 {sha256}")
            })?;
            handed_in.push(json!({
                "media_type": reference.media_type,
                "data": STANDARD.encode(&bytes),
            }));
        }
        let body =
            json!({ "envelope": STANDARD.encode(envelope.to_json()), "attachments": handed_in });
        let answer = self.post("/api/v1/statements", &body)?;
        let id = answer["id"].as_i64();
        let is = id.with_context(|| format!("the server's answer has no id: {answer}"))?;
        Ok(HandedIn { is, submission: submission_in(&answer) })
    }

    /// The statements in a state, oldest first.
    pub fn statements(&self, state: &str) -> anyhow::Result<Vec<Waiting>> {
        let answer = self.get(&format!("/api/v1/statements?state={state}"))?;
        let rows: Vec<WaitingJson> = serde_json::from_value(answer["statements"].clone())?;
        let mut waiting: Vec<Waiting> =
            rows.into_iter().map(Waiting::from_json).collect::<Result<_, _>>()?;
        waiting.sort_by_key(|one| one.id);
        Ok(waiting)
    }

    /// One statement.
    pub fn statement(&self, id: i64) -> anyhow::Result<Waiting> {
        Waiting::from_json(serde_json::from_value(self.get(&format!("/api/v1/statements/{id}"))?)?)
    }

    /// Signs `message` (the pre-authentication encoding) and hands the signature in; returns how
    /// far the statement has come.
    pub fn sign(
        &self,
        id: i64,
        key: &SigningKey,
        message: &[u8],
    ) -> anyhow::Result<HandedIn<String>> {
        let body = json!({
            "keyid": PublicKey::of(key).fingerprint().to_hex(),
            "sig": STANDARD.encode(sign(key, message)),
        });
        let answer = self.post(&format!("/api/v1/statements/{id}/signatures"), &body)?;
        let progress = answer["state"].as_str().map(str::to_owned);
        let is = progress.with_context(|| format!("the server's answer: {answer}"))?;
        Ok(HandedIn { is, submission: submission_in(&answer) })
    }

    /// The scheme, host and port of the server's address, as a browser would name the site.
    fn origin(&self) -> &str {
        let host = self.base.find("://").map_or(0, |at| at + "://".len());
        let end = self.base.get(host..).and_then(|rest| rest.find('/'));
        end.and_then(|end| self.base.get(..host + end)).unwrap_or(&self.base)
    }

    fn get(&self, path: &str) -> anyhow::Result<Value> {
        let response = self.agent.get(format!("{}{path}", self.base)).call();
        self.answer(path, response)
    }

    fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let response = self.agent.post(format!("{}{path}", self.base)).send_json(body);
        self.answer(path, response)
    }

    /// The JSON of a good answer; a refusal's own words otherwise (RFC 9457).
    fn answer(
        &self,
        path: &str,
        response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> anyhow::Result<Value> {
        let mut response = response.map_err(|error| {
            let base = &self.base;
            let why = transport::mistrust(&error);
            anyhow!("cannot reach the server at {base}: {}", why.unwrap_or(error.to_string()))
        })?;
        let status = response.status();
        let value: Value = response
            .body_mut()
            .with_config()
            .limit(MAX_ANSWER_BYTES)
            .read_json()
            .with_context(|| format!("{}{path} answered {status} without JSON", self.base))?;
        if status.is_success() {
            return Ok(value);
        }
        let detail = value["detail"].as_str().or(value["title"].as_str()).unwrap_or("no reason");
        Err(anyhow!("the server refused ({status}): {detail}"))
    }
}

/// The submission receipt in an answer, or in what became of a turn.
pub fn submission_in(answer: &Value) -> Option<Value> {
    let of_turn = &answer["entered"]["submission"];
    [&answer["submission"], of_turn].into_iter().find(|one| one.is_object()).cloned()
}

impl Waiting {
    fn from_json(row: WaitingJson) -> anyhow::Result<Self> {
        let payload = STANDARD.decode(&row.payload).context("a payload is not base64")?;
        Ok(Self { id: row.id, payload_type: row.payload_type, payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_is_the_address_without_its_path() {
        for (base, origin) in [
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
            ("https://water.example/minghe/", "https://water.example"),
        ] {
            assert_eq!(Api::new(base, &Trust::of_browsers()).origin(), origin);
        }
    }
}
