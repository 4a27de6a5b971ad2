//! `POST /api/v1/requests`: a signed request; the body is the exact envelope.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use service::Answer;

use super::problem::Problem;
use crate::site::Site;

pub(super) async fn hand_in(
    State(site): State<Site>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Answer>, Problem> {
    Ok(Json(site.service.request(&body?).await?))
}
