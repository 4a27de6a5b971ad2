//! For the machine that watches this one: does it run, and does its database answer?

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use service::board;

use crate::site::Site;

pub(crate) fn routes() -> Router<Site> {
    Router::new().route("/healthz", get(|| async { "ok\n" })).route("/readyz", get(ready))
}

async fn ready(State(site): State<Site>) -> (StatusCode, &'static str) {
    match board::ready(&site.service).await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(%error, "the database does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Town, get, page};

    #[tokio::test]
    async fn says_whether_the_database_answers() {
        let town = Town::empty().await;
        assert_eq!(page(&town.router, "/healthz").await.text(), "ok\n");
        assert_eq!(page(&town.router, "/readyz").await.text(), "ready\n");
        town.service.store().close().await;
        assert_eq!(get(&town.router, "/readyz").await.status, 503);
    }
}
