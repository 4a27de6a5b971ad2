//! `GET /api/v1/status`: figures for machines that watch the server.

use axum::Json;
use axum::extract::State;
use service::board::{self, Status};

use super::problem::Problem;
use crate::site::Site;

pub(super) async fn show(State(site): State<Site>) -> Result<Json<Status>, Problem> {
    Ok(Json(board::status(&site.service).await?))
}
