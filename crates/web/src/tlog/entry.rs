//! `/postings/{index}/receipt` and `/postings/{index}/envelope`: what anyone can keep of an entry.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use service::board;

use super::{FRESH, IMMUTABLE, LogRefusal, TEXT};
use crate::params::plain_number;
use crate::site::Site;

type Index = Result<Path<String>, PathRejection>;

/// A C2SP tlog-proof file.
pub(super) async fn receipt(
    State(site): State<Site>,
    index: Index,
) -> Result<Response, LogRefusal> {
    let index = read(index)?;
    let proof = site.service.log().receipt(index).await?.ok_or(LogRefusal::Absent)?;
    Ok(download(TEXT, FRESH, &format!("posting-{index}.tlog-proof"), proof))
}

/// The exact DSSE envelope.
pub(super) async fn envelope(
    State(site): State<Site>,
    index: Index,
) -> Result<Response, LogRefusal> {
    let index = read(index)?;
    let envelope = board::envelope(&site.service, index).await?.ok_or(LogRefusal::Absent)?;
    Ok(download(
        "application/vnd.dsse+json",
        IMMUTABLE,
        &format!("posting-{index}.dsse.json"),
        envelope,
    ))
}

fn read(index: Index) -> Result<u64, LogRefusal> {
    let Path(index) = index.map_err(|_| LogRefusal::Malformed)?;
    plain_number(&index).map_err(|_| LogRefusal::Malformed)
}

fn download(
    media_type: &'static str,
    caching: &'static str,
    name: &str,
    body: Vec<u8>,
) -> Response {
    let headers = [
        (CONTENT_TYPE, media_type.to_owned()),
        (CACHE_CONTROL, caching.to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, body).into_response()
}
