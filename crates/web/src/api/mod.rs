//! The JSON API below `/api/v1`: requests, statements that wait for signatures, sessions, alarms,
//! proposals, balances, what a tariff comes to, status.
//!
//! What may be done is decided by the signatures handed in; a session only tells its bearer what
//! waits for them. Errors are RFC 9457 problem details.

mod alarms;
mod balance;
mod curve;
mod enrolments;
mod explain;
mod key_place;
mod owed;
mod payments;
mod problem;
mod proposals;
mod readings;
mod requests;
mod roster;
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

use service::request::MAX_REQUEST_BYTES;

use crate::site::Site;

/// Readings by hand are a log entry's length at most.
const MAX_READINGS_BODY_BYTES: usize = service::board::MAX_ENVELOPE_BYTES;
/// A thousand readings with their meters, times and values, turns of some households each, or payments.
const MAX_PREVIEW_BODY_BYTES: usize = 1024 * 1024;
/// An envelope and a large roster, both in base64.
const MAX_STATEMENT_BODY_BYTES: usize = 16 * 1024 * 1024;
/// A key or its id, a nonce, a signature and the JSON around them.
const MAX_SIGNATURE_BODY_BYTES: usize = 4096;

pub(crate) fn routes() -> Router<Site> {
    let requests = post(requests::hand_in).layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES));
    let readings = post(readings::hand_in).layer(DefaultBodyLimit::max(MAX_READINGS_BODY_BYTES));
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
    let payment_previews =
        post(payments::preview).layer(DefaultBodyLimit::max(MAX_PREVIEW_BODY_BYTES));
    Router::new()
        .route("/api/v1/payments/preview", payment_previews)
        .route("/api/v1/households/{household}/payments", get(payments::list))
        .route("/api/v1/villages/{village}/owed", get(owed::list))
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
        .route("/api/v1/villages/{village}/roster", get(roster::show))
        .route("/api/v1/tariff/explain", get(explain::show))
        .route("/api/v1/status", get(status::show))
        .route("/api/{*rest}", any(problem::no_such_endpoint))
        .method_not_allowed_fallback(problem::no_such_method)
}

/// The answer to a request that did not end in its time.
pub(crate) fn too_slow() -> Response {
    problem::too_slow().into_response()
}
