//! `…/notice.csv` and `…/notice.xlsx`: the same board as a file.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LANGUAGE, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use service::board::NoticeView;
use sheet::{Handout, HandoutError};

use super::table::Table;
use super::{Place, find, refused};
use crate::here::Here;
use crate::site::Site;

const CSV_MEDIA_TYPE: &str = "text/csv; charset=utf-8; header=present";
const XLSX_MEDIA_TYPE: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

pub(crate) async fn csv(
    State(site): State<Site>,
    here: Here,
    path: Place,
) -> Result<Response, Response> {
    hand_out(&site, here, path, CSV_MEDIA_TYPE, "csv", Handout::csv).await
}

pub(crate) async fn xlsx(
    State(site): State<Site>,
    here: Here,
    path: Place,
) -> Result<Response, Response> {
    hand_out(&site, here, path, XLSX_MEDIA_TYPE, "xlsx", Handout::xlsx).await
}

async fn hand_out(
    site: &Site,
    here: Here,
    path: Place,
    media_type: &'static str,
    ending: &str,
    write: fn(&Handout) -> Result<Vec<u8>, HandoutError>,
) -> Result<Response, Response> {
    let (permit, view) = find(site, path).await.map_err(|refusal| refused(&refusal, &here))?;
    let name = file_name(&view, ending);
    let language = here.lang.tag();
    // A long table keeps a core busy for some time, on which nobody else should wait.
    let written = tokio::task::spawn_blocking(move || write(&Table::handout(&here, &view))).await;
    drop(permit);
    let bytes = match written {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) => return Err(failed(&error)),
        Err(error) => return Err(failed(&error)),
    };
    let headers = [
        (CONTENT_TYPE, media_type.to_owned()),
        (CONTENT_LANGUAGE, language.to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, bytes).into_response())
}

/// Codes are plain letters, digits and hyphens.
fn file_name(view: &NoticeView, ending: &str) -> String {
    format!("{}-{}.{ending}", view.village.id, view.round.id)
}

fn failed(error: &dyn std::error::Error) -> Response {
    tracing::error!(error = %error, "a board could not be written as a file");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
