//! A small district with real keys, meters, waterings and bills, on SQLite in a folder of its own.
//!
//! Village `east` (东村) has group `g1`, outlet `e1` and meter `me1`; its households are 101, 102
//! and 103. Round `2026-1` has a plain watering and one with a doubt, both billed; round `2026-2`
//! has one that is not billed yet. Postings: 0 genesis, 1 and 2 keys, 3 registry, 4 roster,
//! 5 tariff, 6 and 7 waterings, 8 bill run, 9 the unbilled watering.

mod meter;
mod people;
mod town;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use tower::ServiceExt as _;

pub(crate) use people::Person;
pub(crate) use town::{Town, id};

/// More than any page or answer of the tests.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Panics unless every one of `parts` stands on the page.
    pub(crate) fn shows(&self, parts: &[&str]) {
        let page = self.text();
        for part in parts {
            assert!(page.contains(part), "{part:?} does not stand on the page:\n{page}");
        }
    }
}

pub(crate) async fn get(router: &Router, path: &str) -> Answer {
    send(router, Request::get(path).body(Body::empty()).unwrap()).await
}

/// A page that must be there.
pub(crate) async fn page(router: &Router, path: &str) -> Answer {
    let answer = get(router, path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer
}

pub(crate) async fn post(router: &Router, path: &str, media_type: &str, body: Vec<u8>) -> Answer {
    let request = Request::post(path).header("content-type", media_type).body(Body::from(body));
    send(router, request.unwrap()).await
}

pub(crate) async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, MAX_ANSWER_BYTES).await.unwrap().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}
