//! `/villages/{village}/rounds/{round}`: the board (公示榜).

use askama::Template;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use service::board::{self, RoundId, RoundView, VillageId};

use super::html;
use crate::here::Here;
use crate::params::{PageQuery, number};
use crate::refusal::Refusal;
use crate::site::Site;

#[derive(Template)]
#[template(path = "board.html")]
struct BoardPage<'a> {
    here: &'a Here,
    view: RoundView,
    /// The number of the page's first row.
    first_row: u64,
    /// The number of the next page's first row.
    next_row: u64,
}

type Place = Result<Path<(String, String)>, PathRejection>;
type Paging = Result<Query<PageQuery>, QueryRejection>;

pub(crate) async fn show(
    State(site): State<Site>,
    here: Here,
    path: Place,
    query: Paging,
) -> Result<Response, Response> {
    let (view, first_row) =
        find(&site, path, query).await.map_err(|refusal| refusal.page(&here))?;
    let rows = u64::try_from(view.rows.len()).unwrap_or(u64::MAX);
    let next_row = first_row.saturating_add(rows);
    Ok(html(&here, &BoardPage { here: &here, view, first_row, next_row }))
}

async fn find(site: &Site, path: Place, query: Paging) -> Result<(RoundView, u64), Refusal> {
    let Path((village, round)) = path.map_err(|_| Refusal::BadInput)?;
    let Query(query) = query.map_err(|_| Refusal::BadInput)?;
    let after = number(query.after.as_deref())?;
    let first_row = number(query.row.as_deref())?.unwrap_or(1);
    let village = VillageId::new(village).map_err(|_| Refusal::NotFound)?;
    let round = RoundId::new(round).map_err(|_| Refusal::NotFound)?;
    let view = board::round(&site.service, &village, &round, after).await?;
    Ok((view.ok_or(Refusal::NotFound)?, first_row))
}
