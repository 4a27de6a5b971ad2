//! `POST /api/v1/turns/preview`: what would come of entering turns that are over, before anybody signs for them.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use serde::{Deserialize, Serialize};
use service::past_turns::{PastTurn, TurnPreview};

use super::problem::Problem;
use crate::site::Site;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Drafts {
    turns: Vec<PastTurn>,
}

#[derive(Serialize)]
pub(super) struct Previews {
    /// In the order of the turns.
    previews: Vec<TurnPreview>,
}

pub(super) async fn preview(
    State(site): State<Site>,
    drafts: Result<Json<Drafts>, JsonRejection>,
) -> Result<Json<Previews>, Problem> {
    let Json(Drafts { turns }) = drafts?;
    Ok(Json(Previews { previews: site.service.preview_turns(&turns).await? }))
}

#[cfg(test)]
mod tests {
    use crate::testing::{Town, post};

    #[tokio::test]
    async fn says_of_each_turn_what_would_come_of_it() {
        let town = Town::busy().await;
        let ask = async |turns: String| {
            post(&town.router, "/api/v1/turns/preview", "application/json", turns.into()).await
        };
        let turn = |outlet: &str| {
            format!(
                r#"{{"turn":{{"id":"t9","round":"2026-1","outlet":"{outlet}","village":"east","group":"g1","method":"area",
                "members":[],"opened_at":"2026-05-01T12:00:00Z"}},"closed_at":"2026-05-01T12:10:00Z"}}"#
            )
        };
        let answer = ask(format!(r#"{{"turns":[{},{}]}}"#, turn("e1"), turn("e9"))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let previews = answer.json();
        assert_eq!(previews["previews"][0], "new");
        let reason = previews["previews"][1]["refused"]["reason"].as_str().unwrap();
        assert!(reason.contains("e9"), "{reason}");
        assert_eq!(ask(r#"{"turns":[{"turn":7}]}"#.into()).await.status, 422);
    }
}
