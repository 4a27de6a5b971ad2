//! `/postings/{index}`: one entry of the public log, whole.

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use service::board::{self, PostingBody, PostingView};

use super::html;
use crate::chart::Chart;
use crate::here::Here;
use crate::params::plain_number;
use crate::refusal::Refusal;
use crate::site::Site;

#[derive(Template)]
#[template(path = "posting.html")]
struct PostingPage<'a> {
    here: &'a Here,
    view: PostingView,
    chart: Option<Chart>,
}

pub(crate) async fn show(
    State(site): State<Site>,
    here: Here,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Response> {
    let view = find(&site, path).await.map_err(|refusal| refusal.page(&here))?;
    let chart = match &view.body {
        PostingBody::Watering(watering) => watering
            .curve
            .as_ref()
            .and_then(|curve| Chart::new(curve, watering.facts.start, watering.facts.end)),
        _ => None,
    };
    Ok(html(&here, &PostingPage { here: &here, view, chart }))
}

async fn find(
    site: &Site,
    path: Result<Path<String>, PathRejection>,
) -> Result<PostingView, Refusal> {
    let Path(index) = path.map_err(|_| Refusal::BadInput)?;
    let index = plain_number(&index)?;
    board::posting(&site.service, index).await?.ok_or(Refusal::NotFound)
}
