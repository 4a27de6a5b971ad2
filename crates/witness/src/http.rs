//! The witness over HTTP (C2SP tlog-witness): asked by logs, looked at by anybody.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use disclosure::witness::{
    ADD_CHECKPOINT_PATH, MAX_REQUEST_BYTES, Refusal, SIZE_MEDIA_TYPE, size_text,
};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::page;
use crate::witness::{AddError, Witness};

/// Requests that are checked and stored at once; others wait.
const MAX_AT_ONCE: usize = 8;
/// From a request's head to the end of its body.
const MAX_BODY_SECONDS: u64 = 30;

const TEXT: &str = "text/plain; charset=utf-8";
const METRICS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

#[derive(Clone)]
struct Site {
    witness: Arc<Witness>,
    at_once: Arc<Semaphore>,
}

/// Everything that a witness serves. Serve it on a tokio runtime.
pub fn router(witness: Arc<Witness>) -> Router {
    let at_once = Arc::new(Semaphore::new(MAX_AT_ONCE));
    Router::new()
        .route(ADD_CHECKPOINT_PATH, post(add_checkpoint))
        .route("/{origin_hash}/checkpoint", get(checkpoint))
        .route("/", get(async |State(site): State<Site>| text(TEXT, page::words(&site.witness))))
        .route(
            "/metrics",
            get(async |State(site): State<Site>| text(METRICS_TEXT, page::metrics(&site.witness))),
        )
        .route("/healthz", get(async || "ok\n"))
        .with_state(Site { witness, at_once })
}

async fn add_checkpoint(State(site): State<Site>, request: Request) -> Response {
    let body = match read_body(request.into_body()).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    // The semaphore is never closed.
    let Ok(_place) = site.at_once.acquire_owned().await else {
        return unavailable();
    };
    let witness = site.witness;
    // The disk blocks. A client that leaves does not cut the work off in the middle.
    match tokio::task::spawn_blocking(move || witness.add_checkpoint(&body)).await {
        Ok(Ok(cosignature)) => text(TEXT, cosignature.line()),
        Ok(Err(AddError::Refused(refusal))) => refused(&refusal),
        Ok(Err(AddError::Failed(error))) => {
            tracing::error!(%error, "a checkpoint could not be stored and was not cosigned");
            unavailable()
        }
        Err(error) => {
            tracing::error!(%error, "a checkpoint was not cosigned");
            unavailable()
        }
    }
}

async fn read_body(body: Body) -> Result<Vec<u8>, Response> {
    let limit = Duration::from_secs(MAX_BODY_SECONDS);
    match timeout(limit, to_bytes(body, MAX_REQUEST_BYTES)).await {
        Ok(Ok(bytes)) => Ok(bytes.to_vec()),
        Ok(Err(_)) => Err(sentence(
            StatusCode::PAYLOAD_TOO_LARGE,
            &format!("a request has at most {MAX_REQUEST_BYTES} bytes, all of which arrive"),
        )),
        Err(_) => Err(sentence(
            StatusCode::REQUEST_TIMEOUT,
            &format!("a request arrives within {MAX_BODY_SECONDS} seconds"),
        )),
    }
}

fn refused(refusal: &Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    match refusal {
        Refusal::OtherSize { seen, .. } => {
            (status, [(CONTENT_TYPE, SIZE_MEDIA_TYPE)], size_text(*seen)).into_response()
        }
        _ => sentence(status, &refusal.to_string()),
    }
}

async fn checkpoint(State(site): State<Site>, Path(origin_hash): Path<String>) -> Response {
    match site.witness.latest_by_hash(&origin_hash) {
        Some(note) => ([(CONTENT_TYPE, TEXT), (CACHE_CONTROL, "no-cache")], note).into_response(),
        None => sentence(
            StatusCode::NOT_FOUND,
            "nothing was cosigned of a log whose origin has this SHA-256",
        ),
    }
}

fn unavailable() -> Response {
    sentence(StatusCode::SERVICE_UNAVAILABLE, "the witness cannot store it just now: try again")
}

fn sentence(status: StatusCode, words: &str) -> Response {
    (status, [(CONTENT_TYPE, TEXT)], format!("{words}\n")).into_response()
}

fn text(media_type: &'static str, body: String) -> Response {
    ([(CONTENT_TYPE, media_type), (CACHE_CONTROL, "no-cache")], body).into_response()
}

#[cfg(test)]
mod tests {
    use disclosure::checkpoint::Checkpoint;
    use disclosure::witness::{checkpoint_path, read_cosignature};
    use tower::ServiceExt as _;

    use super::*;
    use crate::witness::tests::{ORIGIN, Scene, log_key};

    async fn ask(
        router: &Router,
        method: &str,
        path: &str,
        body: Vec<u8>,
    ) -> (u16, String, String) {
        let request = Request::builder().method(method).uri(path).body(Body::from(body)).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let media_type =
            response.headers().get(CONTENT_TYPE).map(|v| v.to_str().unwrap().to_owned());
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), MAX_REQUEST_BYTES).await.unwrap();
        (status, media_type.unwrap_or_default(), String::from_utf8(body.to_vec()).unwrap())
    }

    async fn add(router: &Router, body: Vec<u8>) -> (u16, String, String) {
        ask(router, "POST", "/add-checkpoint", body).await
    }

    #[tokio::test]
    async fn answers_what_the_specification_says() {
        let scene = Scene::new();
        let router = router(Arc::new(scene.witness()));
        let first = scene.request(0, 5, 9);
        let (status, _, answer) = add(&router, first.to_bytes()).await;
        let note = String::from_utf8(first.note_bytes()).unwrap();
        let (text, _) = note.split_once("\n\n").unwrap();
        assert_eq!(status, 200, "{answer}");
        read_cosignature(answer.as_bytes(), &format!("{text}\n"), &scene.vkey()).unwrap();

        let size = (409, "text/x.tlog.size".to_owned(), "5\n".to_owned());
        assert_eq!(add(&router, scene.request(0, 7, 9).to_bytes()).await, size);
        let (status, media_type, words) = add(&router, scene.request(5, 5, 3).to_bytes()).await;
        assert_eq!((status, media_type.as_str()), (409, TEXT));
        assert!(words.contains("the log was forked"), "{words}");
        let (status, _, words) = add(&router, scene.request(5, 7, 3).to_bytes()).await;
        assert_eq!(status, 422);
        assert!(words.contains("not shown to continue"), "{words}");
        assert_eq!(add(&router, b"old".to_vec()).await.0, 400);
        assert_eq!(add(&router, scene.of_unknown_log().to_bytes()).await.0, 404);
        assert_eq!(add(&router, scene.unsigned().to_bytes()).await.0, 403);
        assert_eq!(add(&router, vec![b'a'; MAX_REQUEST_BYTES + 1]).await.0, 413);
        assert_eq!(ask(&router, "GET", "/add-checkpoint", Vec::new()).await.0, 405);
    }

    #[tokio::test]
    async fn shows_what_it_has_cosigned() {
        let scene = Scene::new();
        let router = router(Arc::new(scene.witness()));
        let get = async |path: &str| ask(&router, "GET", path, Vec::new()).await;
        assert_eq!(get("/healthz").await.2, "ok\n");
        assert_eq!(get(&checkpoint_path(ORIGIN)).await.0, 404);
        assert!(get("/").await.2.contains("nothing cosigned yet"));
        assert_eq!(add(&router, scene.request(0, 5, 9).to_bytes()).await.0, 200);
        add(&router, scene.request(5, 5, 3).to_bytes()).await;

        let (status, _, note) = get(&checkpoint_path(ORIGIN)).await;
        assert_eq!(status, 200);
        let opened =
            Checkpoint::open_cosigned(note.as_bytes(), &log_key(), &[scene.vkey()]).unwrap();
        assert_eq!((opened.checkpoint.size, opened.cosignatures.len()), (5, 1));
        let words = get("/").await.2;
        for word in [ORIGIN, "5 entries", "1 min ago", "refused 1", "forked", "w.example.com+"] {
            assert!(words.contains(word), "{word}: {words}");
        }
        let metrics = get("/metrics").await.2;
        for line in [
            "mingqu_witness_cosigned_entries{origin=\"example.com/water\"} 5\n",
            "mingqu_witness_cosigned_at_seconds{origin=\"example.com/water\"} 1000060\n",
            "mingqu_witness_refused_total{origin=\"example.com/water\"} 1\n",
        ] {
            assert!(metrics.contains(line), "{metrics}");
        }
    }
}
