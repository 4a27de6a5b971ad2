//! `GET /api/v1/statements?state=&village=&before=` lists, `POST /api/v1/statements` proposes.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use service::NewAttachment;
use service::board::{Envelope, Progress, VillageId};

use super::problem::Problem;
use super::statement::StatementBody;
use crate::params::number;
use crate::site::Site;

/// Statements of one answer.
const MAX_STATEMENTS_PER_ANSWER: u32 = 100;

#[derive(Deserialize)]
pub(super) struct Filter {
    state: Option<String>,
    village: Option<String>,
    before: Option<String>,
}

#[derive(Serialize)]
pub(super) struct StatementList {
    /// Newest first; ask again with `before` set to the last id for the next ones.
    statements: Vec<StatementBody>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Proposal {
    /// The exact bytes of the envelope, in base64.
    envelope: String,
    /// What the statement names by its hash.
    #[serde(default)]
    attachments: Vec<AttachmentBody>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AttachmentBody {
    media_type: String,
    /// The bytes, in base64.
    data: String,
}

#[derive(Serialize)]
pub(super) struct Proposed {
    id: i64,
    /// What is owed for the envelope and by when, signed by the log; null where nothing is.
    submission: Option<Envelope>,
}

pub(super) async fn list(
    State(site): State<Site>,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Result<Json<StatementList>, Problem> {
    let Query(Filter { state, village, before }) = filter?;
    let state = present(state).map(|code| read_state(&code)).transpose()?;
    let village = present(village)
        .map(VillageId::new)
        .transpose()
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    let before = number(before.as_deref())?;
    let found = site.service.pending(state, village, before, MAX_STATEMENTS_PER_ANSWER).await?;
    Ok(Json(StatementList { statements: found.into_iter().map(Into::into).collect() }))
}

pub(super) async fn propose(
    State(site): State<Site>,
    proposal: Result<Json<Proposal>, JsonRejection>,
) -> Result<(StatusCode, Json<Proposed>), Problem> {
    let Json(Proposal { envelope, attachments }) = proposal?;
    let envelope = decode("envelope", &envelope)?;
    let attachments = attachments
        .into_iter()
        .map(|AttachmentBody { media_type, data }| {
            Ok(NewAttachment { media_type, bytes: decode("data", &data)? })
        })
        .collect::<Result<_, Problem>>()?;
    let id = site.service.propose(&envelope, attachments).await?;
    let submission = site.service.submission(id, &envelope).await?;
    Ok((StatusCode::CREATED, Json(Proposed { id, submission })))
}

/// An empty field asks for everything, as an absent one does.
fn present(field: Option<String>) -> Option<String> {
    field.filter(|text| !text.is_empty())
}

fn read_state(code: &str) -> Result<Progress, Problem> {
    Progress::from_code(code).ok_or_else(|| {
        let known: Vec<&str> = Progress::ALL.iter().map(|state| state.code()).collect();
        Problem::bad_request(format!("there is no such state: use one of {}", known.join(", ")))
    })
}

fn decode(field: &str, text: &str) -> Result<Vec<u8>, Problem> {
    STANDARD.decode(text).map_err(|_| {
        Problem::bad_request(format!(
            "{field} must be base64 in the standard alphabet with padding"
        ))
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use crate::testing::{Town, page, post};

    #[tokio::test]
    async fn lists_by_state_and_village_newest_first() {
        let town = Town::busy().await;
        let all = page(&town.router, "/api/v1/statements").await.json();
        let ids: Vec<i64> = all["statements"]
            .as_array()
            .unwrap()
            .iter()
            .map(|statement| statement["id"].as_i64().unwrap())
            .collect();
        assert_eq!(ids.len(), 10);
        assert!(ids.is_sorted_by(|a, b| a > b));
        let path = "/api/v1/statements?state=posted&village=east";
        let east = page(&town.router, path).await.json();
        // A cadre's key, the roster, three waterings and the bills.
        assert_eq!(east["statements"].as_array().unwrap().len(), 6);
        let draft = page(&town.router, "/api/v1/statements?state=draft").await.json();
        assert_eq!(draft["statements"].as_array().unwrap().len(), 0);
        let first = page(&town.router, "/api/v1/statements?state=&before=2").await.json();
        assert_eq!(first["statements"][0]["kind"], "district");
    }

    #[tokio::test]
    async fn a_statement_proposed_again_keeps_its_id() {
        let town = Town::busy().await;
        let envelope = page(&town.router, "/postings/0/envelope").await.body;
        let body = serde_json::json!({ "envelope": STANDARD.encode(envelope) });
        let answer =
            post(&town.router, "/api/v1/statements", "application/json", body.to_string().into())
                .await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let known = page(&town.router, "/api/v1/statements?before=2").await.json();
        assert_eq!(answer.json()["id"], known["statements"][0]["id"]);
    }
}
