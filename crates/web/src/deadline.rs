//! How long one request may take, its body included.

use std::time::Duration;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use crate::api;

/// From a request's head to the head of its answer: a large roster over a slow mobile line.
const MAX_REQUEST_SECONDS: u64 = 60;

/// Answers 408 where the client is slower; a handler that is still at work is dropped.
pub(crate) async fn bounded(request: Request, next: Next) -> Response {
    within(Duration::from_secs(MAX_REQUEST_SECONDS), request, next).await
}

async fn within(limit: Duration, request: Request, next: Next) -> Response {
    let of_api = request.uri().path().starts_with("/api/");
    match timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) if of_api => api::too_slow(),
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use axum::Router;
    use axum::middleware::from_fn;
    use axum::routing::get;

    use super::*;

    #[tokio::test]
    async fn rejects_a_request_that_takes_too_long() {
        let hurried = from_fn(|request, next| within(Duration::from_millis(1), request, next));
        let stuck = get(async || pending::<()>().await);
        let router = Router::new().route("/api/x", stuck.clone()).route("/x", stuck).layer(hurried);
        let answer = crate::testing::get(&router, "/api/x").await;
        assert_eq!(answer.status, 408);
        assert_eq!(answer.json()["status"], 408);
        assert_eq!(crate::testing::get(&router, "/x").await.status, 408);
    }
}
