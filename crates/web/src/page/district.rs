//! `/`: the district, its villages and its newest postings.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use service::board::{self, DistrictView};

use super::html;
use crate::here::Here;
use crate::refusal::Refusal;
use crate::site::Site;

#[derive(Template)]
#[template(path = "district.html")]
struct DistrictPage<'a> {
    here: &'a Here,
    view: DistrictView,
}

pub(crate) async fn show(State(site): State<Site>, here: Here) -> Result<Response, Response> {
    let view = board::district(&site.service).await.map_err(|e| Refusal::from(e).page(&here))?;
    Ok(html(&here, &DistrictPage { here: &here, view }))
}
