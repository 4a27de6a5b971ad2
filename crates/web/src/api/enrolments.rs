//! `POST /api/v1/enrolments`: a key is handed in under a one-time code.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use service::Secret;
use service::board::{KeyKept, PublicKey};

use super::problem::Problem;
use crate::site::Site;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewKey {
    /// The one-time code.
    code: String,
    /// The public key in hexadecimal digits.
    key: PublicKey,
    /// Where it is kept.
    kept: KeyKept,
    /// The 64 bytes of its signature over the enrolment's text, in base64.
    proof: String,
}

#[derive(Serialize)]
pub(super) struct Drafted {
    /// The statement that waits for those who decide.
    statement: i64,
}

pub(super) async fn enrol(
    State(site): State<Site>,
    key: Result<Json<NewKey>, JsonRejection>,
) -> Result<(StatusCode, Json<Drafted>), Problem> {
    let Json(NewKey { code, key, kept, proof }) = key?;
    // What is no code at all is one that nobody gave out.
    let code = Secret::from_hex(&code).map_err(|_| service::ServiceError::UnknownCode)?;
    let proof = STANDARD
        .decode(proof)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| Problem::bad_request("proof must be 64 bytes in base64"))?;
    let statement = site.service.enrol(&code, key, kept, &proof).await?;
    Ok((StatusCode::CREATED, Json(Drafted { statement })))
}

#[cfg(test)]
mod tests {
    use crate::testing::{Town, post};

    #[tokio::test]
    async fn rejects_codes_that_nobody_gave_out_and_what_is_no_key() {
        let town = Town::busy().await;
        let key = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
        let proof = "A".repeat(86) + "==";
        let code = "ab".repeat(32);
        for (code, key, kept, proof, status) in [
            (code.as_str(), key, "browser", proof.as_str(), 404),
            ("no code", key, "browser", &proof, 404),
            (&code, key, "browser", "AA==", 400),
            (&code, "00", "browser", &proof, 422),
            (&code, key, "pocket", &proof, 422),
        ] {
            let body =
                serde_json::json!({ "code": code, "key": key, "kept": kept, "proof": proof });
            let bytes = body.to_string().into_bytes();
            let answer = post(&town.router, "/api/v1/enrolments", "application/json", bytes).await;
            assert_eq!(answer.status, status, "{body}: {}", answer.text());
        }
    }
}
