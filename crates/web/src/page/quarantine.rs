//! `/quarantine`: refused messages, with their reasons.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use service::board::{self, QuarantineView};

use super::html;
use crate::here::Here;
use crate::params::{PageQuery, number};
use crate::refusal::Refusal;
use crate::site::Site;

#[derive(Template)]
#[template(path = "quarantine.html")]
struct QuarantinePage<'a> {
    here: &'a Here,
    view: QuarantineView,
}

type Paging = Result<Query<PageQuery>, QueryRejection>;

pub(crate) async fn show(
    State(site): State<Site>,
    here: Here,
    query: Paging,
) -> Result<Response, Response> {
    let view = find(&site, query).await.map_err(|refusal| refusal.page(&here))?;
    Ok(html(&here, &QuarantinePage { here: &here, view }))
}

async fn find(site: &Site, query: Paging) -> Result<QuarantineView, Refusal> {
    let Query(query) = query.map_err(|_| Refusal::BadInput)?;
    let before = number(query.before.as_deref())?;
    Ok(board::quarantine(&site.service, before).await?)
}
