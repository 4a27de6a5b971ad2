//! `/villages/{village}`: a village's rounds, groups and outlets.

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use service::board::{self, VillageId, VillageView};

use super::html;
use crate::here::Here;
use crate::refusal::Refusal;
use crate::site::Site;

#[derive(Template)]
#[template(path = "village.html")]
struct VillagePage<'a> {
    here: &'a Here,
    view: VillageView,
}

pub(crate) async fn show(
    State(site): State<Site>,
    here: Here,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Response> {
    let view = find(&site, path).await.map_err(|refusal| refusal.page(&here))?;
    Ok(html(&here, &VillagePage { here: &here, view }))
}

async fn find(
    site: &Site,
    path: Result<Path<String>, PathRejection>,
) -> Result<VillageView, Refusal> {
    let Path(code) = path.map_err(|_| Refusal::BadInput)?;
    let village = VillageId::new(code).map_err(|_| Refusal::NotFound)?;
    board::village(&site.service, &village).await?.ok_or(Refusal::NotFound)
}
