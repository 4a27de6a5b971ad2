//! The pages, one a file: its address, its template, its handler.

mod alarms;
mod board;
mod district;
mod enrol;
mod household;
mod log;
mod meter;
mod meters;
mod notice;
mod outbox;
mod owed;
mod payment;
mod posting;
mod quarantine;
mod receipt;
mod search;
mod sign;
mod tariff;
mod turns;
mod verify;
mod village;

use askama::Template;
use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

pub(crate) use alarms::AlarmQuery;
pub(crate) use notice::MAX_NOTICES_AT_ONCE;
pub(crate) use owed::OwedQuery;

use crate::here::Here;
use crate::security;
use crate::site::Site;

pub(crate) fn routes() -> Router<Site> {
    Router::new()
        .route("/", get(district::show))
        .route("/villages/{village}", get(village::show))
        .route("/villages/{village}/rounds/{round}", get(board::show))
        .route("/villages/{village}/rounds/{round}/notice", get(notice::show))
        .route("/villages/{village}/rounds/{round}/notice.csv", get(notice::csv))
        .route("/villages/{village}/rounds/{round}/notice.xlsx", get(notice::xlsx))
        .route("/postings/{index}", get(posting::show))
        .route("/postings/{index}/receipt/page", get(receipt::show))
        .route("/households/{household}", get(household::show))
        .route("/villages/{village}/owed", get(owed::show))
        .route("/payments/{receipt}", get(payment::show))
        .route("/search", get(search::show))
        .route("/tariff", get(tariff::show))
        .route("/log", get(log::show))
        .route("/alarms", get(alarms::show))
        .route("/meters", get(meters::show))
        .route("/meters/{code}", get(meter::show))
        .route("/turns", get(turns::show))
        .route("/quarantine", get(quarantine::show))
        .route("/verify", get(verify::show))
        .route("/sign", get(sign::show))
        .route("/enrol", get(enrol::show))
        .route("/outbox", get(outbox::show))
}

/// A template as an answer in the page's language.
pub(crate) fn html(here: &Here, page: &impl Template) -> Response {
    match page.render() {
        Ok(body) => {
            let headers = [
                (CONTENT_TYPE, "text/html; charset=utf-8"),
                (CONTENT_LANGUAGE, here.lang.tag()),
                (VARY, "Accept-Language"),
            ];
            (headers, body).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a template did not render");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A page with a script: it may run this site's scripts, and they may ask this site.
fn scripted(here: &Here, page: &impl Template) -> Response {
    ([(CONTENT_SECURITY_POLICY, security::SCRIPTED_POLICY)], html(here, page)).into_response()
}
