//! `GET /api/v1/statements/{id}`: a statement with the exact bytes to sign.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use service::board::Timestamp;
use service::{Grounds, PendingStatement, Refusal, ServiceError};

use super::problem::Problem;
use crate::params::plain_number;
use crate::site::Site;

/// A statement as the API shows it.
#[derive(Debug, Serialize)]
pub(super) struct StatementBody {
    id: i64,
    kind: &'static str,
    state: &'static str,
    payload_type: String,
    /// The exact bytes to sign, in base64.
    payload: String,
    created_at: Timestamp,
    posted_index: Option<u64>,
    refusal: Option<RefusalBody>,
    signatures: Vec<SignatureBody>,
}

#[derive(Debug, Serialize)]
struct RefusalBody {
    person: String,
    reason: Option<&'static str>,
    note: Option<String>,
}

impl From<Refusal> for RefusalBody {
    fn from(Refusal { by, why }: Refusal) -> Self {
        let (reason, note) = match why {
            Grounds::Reason { reason, note } => (Some(reason.code()), note),
            Grounds::Words(words) => (None, Some(words)),
        };
        Self { person: by.to_string(), reason, note }
    }
}

#[derive(Debug, Serialize)]
struct SignatureBody {
    keyid: String,
    role: String,
    person: String,
    received_at: Timestamp,
}

impl From<PendingStatement> for StatementBody {
    fn from(statement: PendingStatement) -> Self {
        Self {
            id: statement.id,
            kind: statement.kind.code(),
            state: statement.reached().code(),
            payload_type: statement.payload_type,
            payload: STANDARD.encode(statement.payload),
            created_at: statement.created_at,
            posted_index: statement.posted_index,
            refusal: statement.refusal.map(RefusalBody::from),
            signatures: statement
                .signatures
                .into_iter()
                .map(|signature| SignatureBody {
                    keyid: signature.keyid,
                    role: signature.role,
                    person: signature.person.to_string(),
                    received_at: signature.received_at,
                })
                .collect(),
        }
    }
}

pub(super) async fn show(
    State(site): State<Site>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<StatementBody>, Problem> {
    let Path(id) = id?;
    let id = plain_number(&id)?;
    let found = site.service.pending_statement(id).await?;
    let statement = found.ok_or(ServiceError::UnknownStatement(id))?;
    Ok(Json(statement.into()))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use crate::testing::{Town, page};

    #[tokio::test]
    async fn shows_the_exact_bytes_and_who_signed() {
        let town = Town::busy().await;
        let list = page(&town.router, "/api/v1/statements?state=posted").await.json();
        let id = list["statements"][0]["id"].as_i64().unwrap();
        let shown = page(&town.router, &format!("/api/v1/statements/{id}")).await.json();
        assert_eq!(shown["state"], "posted");
        assert_eq!(shown["posted_index"], 9);
        assert_eq!(shown["refusal"], serde_json::Value::Null);
        assert_eq!(shown["signatures"][0]["person"], "station-1");
        assert_eq!(shown["signatures"][1]["role"], "cadre");
        let payload = STANDARD.decode(shown["payload"].as_str().unwrap()).unwrap();
        let statement: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(statement["watering"]["turn"], "t3");
    }
}
