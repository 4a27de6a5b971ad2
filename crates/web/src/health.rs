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

async fn ready(State(site): State<Site>) -> (StatusCode, String) {
    if site.service.witnesses().is_some_and(|witnesses| witnesses.contradiction().is_some()) {
        let words = "not ready: a witness holds another history of the log\n";
        return (StatusCode::SERVICE_UNAVAILABLE, words.to_owned());
    }
    match board::ready(&site.service).await {
        Ok(()) => (StatusCode::OK, format!("ready\n{}", witnesses(&site))),
        Err(error) => {
            tracing::warn!(%error, "the database does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "not ready\n".to_owned())
        }
    }
}

/// A line for each of the log's witnesses: how it last answered.
fn witnesses(site: &Site) -> String {
    let Some(witnesses) = site.service.witnesses() else { return String::new() };
    let line = |witness: service::WitnessStatus| {
        let state = match (&witness.failure, witness.asked_at) {
            (Some(why), _) => format!("did not cosign: {why}"),
            (None, Some(at)) => format!("cosigned {} at {at}", witness.cosigned.unwrap_or(0)),
            (None, None) => "not asked yet".to_owned(),
        };
        format!("witness {} {state}\n", witness.name)
    };
    witnesses.status().into_iter().map(line).collect()
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
