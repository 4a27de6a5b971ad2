//! `POST /api/v1/statements/{id}/signatures`: a signature over a waiting statement.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use service::board::Envelope;

use super::problem::Problem;
use crate::params::plain_number;
use crate::site::Site;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSignature {
    /// The key's fingerprint in hexadecimal digits.
    keyid: String,
    /// The 64 bytes of the Ed25519 signature, in base64.
    sig: String,
}

#[derive(Serialize)]
pub(super) struct Signed {
    /// How far the statement has come; `unwitnessed` where it is posted and waits for witnesses.
    state: &'static str,
    /// What is owed for the signature and by when, signed by the log; null where nothing is.
    submission: Option<Envelope>,
}

pub(super) async fn sign(
    State(site): State<Site>,
    id: Result<Path<String>, PathRejection>,
    signature: Result<Json<NewSignature>, JsonRejection>,
) -> Result<Json<Signed>, Problem> {
    let Path(id) = id?;
    let id = plain_number(&id)?;
    let Json(NewSignature { keyid, sig }) = signature?;
    let sig = STANDARD
        .decode(sig)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| Problem::bad_request("sig must be 64 bytes in base64"))?;
    let reached = site.service.sign(id, &keyid, sig).await?;
    let submission = site.service.submission(id, &sig).await?;
    Ok(Json(Signed { state: reached.code(), submission }))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use disclosure::dsse::pae;
    use disclosure::key::{PublicKey, sign};

    use crate::testing::{Person, Town, page, post};

    fn body(person: &Person, message: &[u8]) -> Vec<u8> {
        let keyid = PublicKey::of(&person.key).fingerprint().to_hex();
        let sig = STANDARD.encode(sign(&person.key, message));
        serde_json::json!({ "keyid": keyid, "sig": sig }).to_string().into()
    }

    #[tokio::test]
    async fn the_last_signature_posts_the_statement() {
        let town = Town::with_a_draft().await;
        let list = page(&town.router, "/api/v1/statements?state=draft").await.json();
        let draft = &list["statements"][0];
        let payload = STANDARD.decode(draft["payload"].as_str().unwrap()).unwrap();
        let message = pae(draft["payload_type"].as_str().unwrap(), &payload);
        let path = format!("/api/v1/statements/{}/signatures", draft["id"]);
        let forged = post(&town.router, &path, "application/json", body(&town.station, b"x")).await;
        assert_eq!(forged.status, 403, "{}", forged.text());
        for (person, state) in [(&town.station, "awaiting"), (&town.cadre, "posted")] {
            let signed = body(person, &message);
            let answer = post(&town.router, &path, "application/json", signed).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(answer.json()["state"], state);
        }
        page(&town.router, "/postings/10").await.shows(&["灌水"]);
    }
}
