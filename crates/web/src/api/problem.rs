//! Errors as problem details (RFC 9457).

use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use service::{ErrorClass, ServiceError};

use crate::params::NotANumber;

/// What went wrong and what to do about it.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
}

#[derive(Serialize)]
struct Details<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let details = Details {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
        };
        let body = serde_json::to_vec(&details).unwrap_or_default();
        (self.status, [(CONTENT_TYPE, "application/problem+json")], body).into_response()
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        let status = match error.class() {
            ErrorClass::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorClass::NoSession => StatusCode::UNAUTHORIZED,
            ErrorClass::Forbidden => StatusCode::FORBIDDEN,
            ErrorClass::NotFound => StatusCode::NOT_FOUND,
            ErrorClass::Gone => StatusCode::GONE,
            ErrorClass::Conflict => StatusCode::CONFLICT,
            ErrorClass::Unavailable => {
                tracing::error!(%error, "a request could not be done");
                return Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the server could not do this just now: try again",
                );
            }
        };
        Self::new(status, error.to_string())
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl From<NotANumber> for Problem {
    fn from(NotANumber: NotANumber) -> Self {
        Self::bad_request("a number is expected: write decimal digits")
    }
}

/// Every address below `/api` that has no endpoint.
pub(super) async fn no_such_endpoint() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is no such endpoint: the API lies below /api/v1")
}

/// A method that an endpoint does not have; the methods it has stand in the header `Allow`.
pub(super) async fn no_such_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this endpoint does not have this method: use one of those in the header Allow",
    )
}

/// A request that did not end in its time.
pub(super) fn too_slow() -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "the request took too long: send it again over a faster line, or in a quieter hour",
    )
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;

    use crate::testing::{Answer, Town, get, post, send};

    fn is_problem(answer: &Answer, status: u16) {
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let details = answer.json();
        assert_eq!(details["status"], status);
        assert!(!details["detail"].as_str().unwrap().is_empty());
    }

    #[tokio::test]
    async fn rejects_what_cannot_be_read() {
        let town = Town::busy().await;
        let json = "application/json";
        for (path, media_type, body, status) in [
            ("/api/v1/requests", json, &b"{}"[..], 422),
            ("/api/v1/requests", json, b"\xff\xfe", 422),
            ("/api/v1/statements", json, b"not json", 400),
            ("/api/v1/statements", "text/plain", b"{}", 415),
            ("/api/v1/statements", json, br#"{"envelope":"*"}"#, 400),
            ("/api/v1/statements", json, br#"{"envelope":"e30="}"#, 422),
            ("/api/v1/statements", json, br#"{"envelope":"e30=","more":1}"#, 422),
            ("/api/v1/statements/1/signatures", json, br#"{"keyid":"a","sig":"AA=="}"#, 400),
            ("/api/v1/statements/x/signatures", json, br#"{"keyid":"a","sig":"AA=="}"#, 400),
            ("/api/v1/elsewhere", json, b"{}", 404),
        ] {
            is_problem(&post(&town.router, path, media_type, body.to_vec()).await, status);
        }
        for (path, status) in [
            ("/api/v1/statements/999999", 404),
            ("/api/v1/statements/-1", 400),
            ("/api/v1/statements/%FF", 400),
            ("/api/v1/statements?state=sleeping", 400),
            ("/api/v1/statements?village=A%20B", 400),
            ("/api/v1/statements?before=99999999999999999999", 400),
        ] {
            is_problem(&get(&town.router, path).await, status);
        }
    }

    #[tokio::test]
    async fn rejects_methods_that_an_endpoint_lacks() {
        let town = Town::empty().await;
        for (path, allowed) in [
            ("/api/v1/status", "GET,HEAD"),
            ("/api/v1/requests", "POST"),
            ("/api/v1/statements", "GET,HEAD,POST"),
            ("/api/v1/statements/1/signatures", "POST"),
        ] {
            let request = Request::delete(path).body(Body::empty()).unwrap();
            let answer = send(&town.router, request).await;
            is_problem(&answer, 405);
            assert_eq!(answer.header("allow"), allowed, "{path}");
        }
        let request = Request::delete("/api/v1/elsewhere").body(Body::empty()).unwrap();
        is_problem(&send(&town.router, request).await, 404);
    }

    #[tokio::test]
    async fn rejects_bodies_over_their_limits() {
        let town = Town::empty().await;
        let json = "application/json";
        let long = |bytes: usize| vec![b' '; bytes + 1];
        let requests = long(service::request::MAX_REQUEST_BYTES);
        is_problem(&post(&town.router, "/api/v1/requests", json, requests).await, 413);
        let signature = long(crate::api::MAX_SIGNATURE_BODY_BYTES);
        let path = "/api/v1/statements/1/signatures";
        is_problem(&post(&town.router, path, json, signature).await, 413);
        let statement = long(crate::api::MAX_STATEMENT_BODY_BYTES);
        is_problem(&post(&town.router, "/api/v1/statements", json, statement).await, 413);
    }

    #[tokio::test]
    async fn a_failing_store_reveals_nothing() {
        let town = Town::busy().await;
        town.service.store().close().await;
        for path in ["/api/v1/status", "/api/v1/statements", "/api/v1/statements/1"] {
            let answer = get(&town.router, path).await;
            is_problem(&answer, 503);
            assert!(!answer.text().contains("pool"), "{}", answer.text());
        }
    }
}
