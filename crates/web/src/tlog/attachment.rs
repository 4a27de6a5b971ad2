//! `/attachments/{sha256}`: what a statement names by its hash.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use service::board::Hash;

use super::{IMMUTABLE, LogRefusal, OCTETS};
use crate::site::Site;

pub(super) async fn show(
    State(site): State<Site>,
    sha256: Result<Path<String>, PathRejection>,
) -> Result<Response, LogRefusal> {
    let Path(text) = sha256.map_err(|_| LogRefusal::Malformed)?;
    let sha256 = Hash::from_hex(&text).map_err(|_| LogRefusal::Malformed)?;
    let (media_type, body) =
        site.service.log().attachment(&sha256).await?.ok_or(LogRefusal::Absent)?;
    // Whoever proposed it chose the type: it is downloaded, never shown as a page of this site.
    let headers = [
        (CACHE_CONTROL, IMMUTABLE.to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{sha256}\"")),
    ];
    let media_type = media_type.parse().unwrap_or(axum::http::HeaderValue::from_static(OCTETS));
    Ok((headers, [(CONTENT_TYPE, media_type)], body).into_response())
}
