//! The JSON API below `/api/v1`: requests, statements that wait for signatures, sessions, alarms,
//! proposals, balances, status.
//!
//! What may be done is decided by the signatures handed in; a session only tells its bearer what
//! waits for them. Errors are RFC 9457 problem details.

mod alarms;
mod balance;
mod curve;
mod enrolments;
mod key_place;
mod problem;
mod proposals;
mod readings;
mod requests;
mod session;
mod signatures;
mod statement;
mod statements;
mod status;
mod turns;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};

use crate::site::Site;

/// A request's envelope is a log entry's at most.
const MAX_REQUEST_BODY_BYTES: usize = service::board::MAX_ENVELOPE_BYTES;
/// A thousand readings with their meters, times and values, or turns of some households each.
const MAX_PREVIEW_BODY_BYTES: usize = 1024 * 1024;
/// An envelope and a large roster, both in base64.
const MAX_STATEMENT_BODY_BYTES: usize = 16 * 1024 * 1024;
/// A key or its id, a nonce, a signature and the JSON around them.
const MAX_SIGNATURE_BODY_BYTES: usize = 4096;

pub(crate) fn routes() -> Router<Site> {
    let requests = post(requests::hand_in).layer(DefaultBodyLimit::max(MAX_REQUEST_BODY_BYTES));
    let readings = post(readings::hand_in).layer(DefaultBodyLimit::max(MAX_REQUEST_BODY_BYTES));
    let statements = get(statements::list)
        .post(statements::propose)
        .layer(DefaultBodyLimit::max(MAX_STATEMENT_BODY_BYTES));
    let signatures = post(signatures::sign).layer(DefaultBodyLimit::max(MAX_SIGNATURE_BODY_BYTES));
    let sessions = get(session::show)
        .post(session::begin)
        .delete(session::end)
        .layer(DefaultBodyLimit::max(MAX_SIGNATURE_BODY_BYTES));
    let enrolments = post(enrolments::enrol).layer(DefaultBodyLimit::max(MAX_SIGNATURE_BODY_BYTES));
    let previews = post(readings::preview).layer(DefaultBodyLimit::max(MAX_PREVIEW_BODY_BYTES));
    let turn_previews = post(turns::preview).layer(DefaultBodyLimit::max(MAX_PREVIEW_BODY_BYTES));
    Router::new()
        .route("/api/v1/requests", requests)
        .route("/api/v1/readings", readings)
        .route("/api/v1/readings/preview", previews)
        .route("/api/v1/turns/preview", turn_previews)
        .route("/api/v1/statements", statements)
        .route("/api/v1/statements/{id}", get(statement::show))
        .route("/api/v1/statements/{id}/curve", get(curve::show))
        .route("/api/v1/statements/{id}/signatures", signatures)
        .route("/api/v1/enrolments", enrolments)
        .route("/api/v1/keys/{fingerprint}", get(key_place::show))
        .route("/api/v1/session/challenge", post(session::challenge))
        .route("/api/v1/session", sessions)
        .route("/api/v1/session/statements", get(session::statements))
        .route("/api/v1/alarms", get(alarms::list))
        .route("/api/v1/proposals", get(proposals::list))
        .route("/api/v1/villages/{village}/rounds/{round}/balance", get(balance::show))
        .route("/api/v1/status", get(status::show))
        .route("/api/{*rest}", any(problem::no_such_endpoint))
        .method_not_allowed_fallback(problem::no_such_method)
}

/// The answer to a request that did not end in its time.
pub(crate) fn too_slow() -> Response {
    problem::too_slow().into_response()
}
