//! `/checkpoint`, `/log.vkey` and `/witnesses.policy`.

use axum::extract::State;
use axum::response::Response;

use super::{FRESH, LogRefusal, TEXT, bytes};
use crate::site::Site;

pub(super) async fn show(State(site): State<Site>) -> Result<Response, LogRefusal> {
    let checkpoint = site.service.log().checkpoint().await?.ok_or(LogRefusal::Absent)?;
    Ok(bytes(TEXT, FRESH, checkpoint))
}

pub(super) async fn verifier_key(State(site): State<Site>) -> Response {
    bytes(TEXT, FRESH, format!("{}\n", site.service.log_vkey()).into_bytes())
}

pub(super) async fn policy(State(site): State<Site>) -> Response {
    bytes(TEXT, FRESH, site.service.reader_policy())
}
