//! The public log over HTTP, as C2SP tlog-tiles lays it out, with its attachments and receipts.
//!
//! These addresses are for programs: errors are plain text. Full tiles and attachments never
//! change and may be kept for ever; the checkpoint must be asked for each time.

mod attachment;
mod checkpoint;
mod entry;
mod tile;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use service::{ErrorClass, ServiceError};

use crate::site::Site;

/// May be kept for ever.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// Must be asked for each time.
const FRESH: &str = "no-cache";

pub(crate) fn routes() -> Router<Site> {
    Router::new()
        .route("/checkpoint", get(checkpoint::show))
        .route("/log.vkey", get(checkpoint::verifier_key))
        .route("/tile/{*place}", get(tile::show))
        .route("/attachments/{sha256}", get(attachment::show))
        .route("/postings/{index}/receipt", get(entry::receipt))
        .route("/postings/{index}/envelope", get(entry::envelope))
}

/// Why the log does not answer with bytes.
enum LogRefusal {
    /// The address is not written as the format says.
    Malformed,
    /// The log has no such thing, or not yet.
    Absent,
    /// The service did not do it.
    Service(ServiceError),
}

impl From<ServiceError> for LogRefusal {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

impl IntoResponse for LogRefusal {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::Malformed => (StatusCode::BAD_REQUEST, "not a path of this log\n"),
            Self::Absent => (StatusCode::NOT_FOUND, "the log has no such resource\n"),
            Self::Service(error) if error.class() == ErrorClass::Unavailable => {
                tracing::error!(%error, "the log could not be read");
                (StatusCode::SERVICE_UNAVAILABLE, "the log cannot be read just now: try again\n")
            }
            Self::Service(error) => {
                tracing::error!(%error, "the log could not be read");
                (StatusCode::INTERNAL_SERVER_ERROR, "the log cannot be read\n")
            }
        };
        (status, text).into_response()
    }
}

/// Bytes with their type and how long they may be kept.
fn bytes(media_type: &'static str, caching: &'static str, body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, media_type), (CACHE_CONTROL, caching)], body).into_response()
}

const TEXT: &str = "text/plain; charset=utf-8";
const OCTETS: &str = "application/octet-stream";
