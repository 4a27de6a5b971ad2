//! `GET /api/v1/status`: figures for machines that watch the server.

use axum::Json;
use axum::extract::State;
use service::board::{self, Status};

use super::problem::Problem;
use crate::site::Site;

pub(super) async fn show(State(site): State<Site>) -> Result<Json<Status>, Problem> {
    Ok(Json(board::status(&site.service).await?))
}

#[cfg(test)]
mod tests {
    use crate::testing::{Town, page};

    #[tokio::test]
    async fn counts_what_was_taken_in_and_posted() {
        let town = Town::busy().await;
        let status = page(&town.router, "/api/v1/status").await.json();
        assert_eq!(status["district"], "sample");
        assert_eq!(status["log_size"], 10);
        assert_eq!(status["stored_reports"], 24);
        assert_eq!(status["first_bill_run"], 8);
        let refused: u64 = status["quarantine"]
            .as_object()
            .unwrap()
            .values()
            .filter_map(serde_json::Value::as_u64)
            .sum();
        assert_eq!(refused, 1);
    }
}
