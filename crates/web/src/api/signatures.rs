//! `POST /api/v1/statements/{id}/signatures`: a signature over a waiting statement.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

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
    /// How far the statement has come.
    state: &'static str,
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
    let progress = site.service.sign(id, &keyid, sig).await?;
    Ok(Json(Signed { state: progress.code() }))
}
