//! Where a request comes from: one that a cookie authorises must come from a page of this site.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use thiserror::Error;

use crate::site::Site;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The longest of the headers that are read: a scheme, a name of 253 characters, a port.
const MAX_ORIGIN_BYTES: usize = service::session::MAX_ORIGIN_BYTES;

/// The origin of the page that sent the request, which is this site's own: `https://water.example`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnOrigin(pub(crate) String);

/// Why a request is not taken as one of this site's pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum NotOwn {
    /// No `Origin`.
    #[error("send the header Origin with this site's address, as browsers do")]
    Missing,
    /// Another site's, or sent by another site.
    #[error(
        "this is only taken from the site's own pages: Origin must name the address in Host (a proxy must pass Host on)"
    )]
    Foreign,
}

impl IntoResponse for NotOwn {
    fn into_response(self) -> Response {
        (StatusCode::FORBIDDEN, self.to_string()).into_response()
    }
}

impl FromRequestParts<Site> for OwnOrigin {
    type Rejection = NotOwn;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, NotOwn> {
        let read = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let origin = read(ORIGIN).ok_or(NotOwn::Missing)?;
        let host = read(HOST).ok_or(NotOwn::Foreign)?;
        // Browsers that do not send it are held to Origin alone.
        if parts.headers.get(SEC_FETCH_SITE).is_some_and(|value| value != "same-origin") {
            return Err(NotOwn::Foreign);
        }
        own(origin, host, site.config.https_only).ok_or(NotOwn::Foreign)
    }
}

fn own(origin: &str, host: &str, https_only: bool) -> Option<OwnOrigin> {
    let (scheme, named) = origin.split_once("://")?;
    // Behind a proxy this server does not see by which of the two it was asked.
    let known = scheme == "https" || (scheme == "http" && !https_only);
    let whole = origin.len() <= MAX_ORIGIN_BYTES && !host.is_empty();
    (known && whole && named.eq_ignore_ascii_case(host)).then(|| OwnOrigin(origin.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_page_is_taken() {
        for (origin, host) in [
            ("https://water.example", "water.example"),
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("http://[::1]:8080", "[::1]:8080"),
        ] {
            assert_eq!(own(origin, host, false), Some(OwnOrigin(origin.to_owned())));
        }
    }

    #[test]
    fn rejects_other_origins() {
        for (origin, host) in [
            ("https://evil.example", "water.example"),
            ("https://water.example.evil.example", "water.example"),
            ("https://water.example:8443", "water.example"),
            ("ftp://water.example", "water.example"),
            ("null", "water.example"),
            ("https://", ""),
        ] {
            assert_eq!(own(origin, host, false), None, "{origin}");
        }
    }

    #[test]
    fn rejects_plain_http_where_https_is_served() {
        assert_eq!(own("http://water.example", "water.example", true), None);
        assert!(own("https://water.example", "water.example", true).is_some());
    }
}
