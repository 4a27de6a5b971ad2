//! `GET /api/v1/keys/{fingerprint}`: where the log enrolled a key. An index and no proof: the browser proves the entry.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use service::board::{self, Fingerprint};

use super::problem::Problem;
use crate::site::Site;

#[derive(Serialize)]
pub(super) struct KeyPlaceBody {
    enrolled_at: u64,
    revoked_at: Option<u64>,
}

pub(super) async fn show(
    State(site): State<Site>,
    fingerprint: Result<Path<String>, PathRejection>,
) -> Result<Json<KeyPlaceBody>, Problem> {
    let Path(fingerprint) = fingerprint?;
    let key = Fingerprint::from_hex(&fingerprint)
        .map_err(|_| Problem::bad_request("a fingerprint is 64 lower-case hexadecimal digits"))?;
    let absent = || Problem::new(StatusCode::NOT_FOUND, "the log has enrolled no such key");
    let place = board::key_place(&site.service, &key).ok_or_else(absent)?;
    Ok(Json(KeyPlaceBody { enrolled_at: place.enrolled_at, revoked_at: place.revoked_at }))
}

#[cfg(test)]
mod tests {
    use disclosure::key::PublicKey;

    use crate::testing::{Town, get, page};

    #[tokio::test]
    async fn tells_which_posting_enrolled_a_key() {
        let town = Town::busy().await;
        let key = PublicKey::of(&town.station.key).fingerprint();
        let place = page(&town.router, &format!("/api/v1/keys/{key}")).await.json();
        assert_eq!(place, serde_json::json!({ "enrolled_at": 1, "revoked_at": null }));
    }

    #[tokio::test]
    async fn rejects_what_is_no_enrolled_key() {
        let town = Town::busy().await;
        assert_eq!(get(&town.router, &format!("/api/v1/keys/{:064}", 0)).await.status, 404);
        assert_eq!(get(&town.router, "/api/v1/keys/zz").await.status, 400);
    }
}
