//! `GET /api/v1/statements?state=&village=&before=` lists, `POST /api/v1/statements` proposes.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use service::NewAttachment;
use service::board::{Progress, VillageId};

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
    Ok((StatusCode::CREATED, Json(Proposed { id })))
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
