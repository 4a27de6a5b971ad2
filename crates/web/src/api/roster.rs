//! `GET /api/v1/villages/{village}/roster?at=TIME`: the roster in force, and what the next one is drawn up from.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use service::board::{self, RosterGround, Timestamp, VillageId};

use super::problem::Problem;
use crate::site::Site;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct When {
    /// The present time where none is given.
    at: Option<String>,
}

pub(super) async fn show(
    State(site): State<Site>,
    path: Result<Path<String>, PathRejection>,
    when: Result<Query<When>, QueryRejection>,
) -> Result<Json<RosterGround>, Problem> {
    let Path(village) = path?;
    let Query(When { at }) = when?;
    let bad = |error: &dyn std::fmt::Display| Problem::bad_request(error.to_string());
    let village = VillageId::new(village).map_err(|error| bad(&error))?;
    let at = match at {
        Some(at) => at.parse::<Timestamp>().map_err(|error| bad(&error))?,
        None => site.service.now(),
    };
    let absent = || Problem::new(StatusCode::NOT_FOUND, "the registry has no such village");
    Ok(Json(board::roster_ground(&site.service, &village, at).ok_or_else(absent)?))
}

#[cfg(test)]
mod tests {
    use crate::testing::{Town, get, page};

    #[tokio::test]
    async fn tells_the_roster_in_force_at_a_time() {
        let town = Town::busy().await;
        let path = "/api/v1/villages/east/roster";
        let now = page(&town.router, path).await.json();
        assert_eq!((&now["district"], &now["roster"]), (&"sample".into(), &4.into()));
        assert_eq!(now["village"]["groups"][0]["name"], "一社");
        assert_eq!(now["entries"][0]["plots"][0]["area"], 840);
        assert_eq!(now["signers"].as_array().map(Vec::len), Some(2));
        let before = page(&town.router, &format!("{path}?at=2025-12-31T15:59:59Z")).await.json();
        assert_eq!((&before["roster"], &before["entries"]), (&().into(), &serde_json::json!([])));
        assert_eq!(before["until"], "2025-12-31T16:00:00Z");
    }

    #[tokio::test]
    async fn rejects_what_is_no_village_or_time() {
        let town = Town::busy().await;
        for (path, status) in [
            ("/api/v1/villages/west/roster", 404),
            ("/api/v1/villages/A/roster", 400),
            ("/api/v1/villages/east/roster?at=today", 400),
            ("/api/v1/villages/east/roster?on=2026-01-01T00:00:00Z", 400),
        ] {
            assert_eq!(get(&town.router, path).await.status, status, "{path}");
        }
    }
}
