//! `/meters`: what each meter reported last.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use service::board::{self, MetersView};

use super::html;
use crate::here::Here;
use crate::refusal::Refusal;
use crate::site::Site;

#[derive(Template)]
#[template(path = "meters.html")]
struct MetersPage<'a> {
    here: &'a Here,
    view: MetersView,
}

pub(crate) async fn show(State(site): State<Site>, here: Here) -> Result<Response, Response> {
    let view = board::meters(&site.service).await.map_err(|e| Refusal::from(e).page(&here))?;
    Ok(html(&here, &MetersPage { here: &here, view }))
}
