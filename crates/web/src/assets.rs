//! The style sheet and the mark, compiled in. Their addresses carry a hash of their content, so
//! that a browser may keep them for ever and still sees a new one at once.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::site::Site;

const STYLE: &str = include_str!("../assets/mingqu.css");
const MARK: &str = include_str!("../assets/mark.svg");

static STYLE_PATH: LazyLock<String> =
    LazyLock::new(|| format!("/assets/{:016x}/mingqu.css", content_hash(STYLE)));
static MARK_PATH: LazyLock<String> =
    LazyLock::new(|| format!("/assets/{:016x}/mark.svg", content_hash(MARK)));

/// Where the style sheet lies.
pub(crate) fn style_path() -> &'static str {
    &STYLE_PATH
}

/// Where the mark lies.
pub(crate) fn mark_path() -> &'static str {
    &MARK_PATH
}

pub(crate) fn routes() -> Router<Site> {
    Router::new().route("/assets/{hash}/{name}", get(asset))
}

async fn asset(Path((hash, name)): Path<(String, String)>) -> Response {
    let wanted = format!("/assets/{hash}/{name}");
    let (media_type, body) = if wanted == style_path() {
        ("text/css; charset=utf-8", STYLE)
    } else if wanted == mark_path() {
        ("image/svg+xml", MARK)
    } else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers =
        [(CONTENT_TYPE, media_type), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (headers, body).into_response()
}

/// FNV-1a, 64 bits: tells versions apart; nobody's security rests on it.
const fn content_hash(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        at += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_as_the_published_function_does() {
        assert_eq!(content_hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(content_hash("foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn the_style_sheet_asks_for_nothing_from_elsewhere() {
        for foreign in ["@import", "url(", "http:", "https:"] {
            assert!(!STYLE.contains(foreign), "{foreign}");
        }
    }
}
