//! `/meters`: what each meter reported last.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use service::board::{self, AlarmKind, MeterCode, MetersView};

use super::html;
use crate::here::Here;
use crate::params::PageQuery;
use crate::refusal::Refusal;
use crate::site::Site;

#[derive(Template)]
#[template(path = "meters.html")]
struct MetersPage<'a> {
    here: &'a Here,
    view: MetersView,
}

type Paging = Result<Query<PageQuery>, QueryRejection>;

pub(crate) async fn show(
    State(site): State<Site>,
    here: Here,
    query: Paging,
) -> Result<Response, Response> {
    let view = find(&site, query).await.map_err(|refusal| refusal.page(&here))?;
    Ok(html(&here, &MetersPage { here: &here, view }))
}

async fn find(site: &Site, query: Paging) -> Result<MetersView, Refusal> {
    let Query(query) = query.map_err(|_| Refusal::BadInput)?;
    let after = query.after.map(MeterCode::new).transpose().map_err(|_| Refusal::BadInput)?;
    Ok(board::meters(&site.service, after.as_ref()).await?)
}

#[cfg(test)]
mod tests {
    use service::DeviceState;

    use crate::testing::{Town, get, id, page};

    #[tokio::test]
    async fn shows_reports_receipts_and_silence() {
        let town = Town::busy().await;
        let zh = page(&town.router, "/meters").await;
        zh.shows(&["id=\"m-me1\"", "一号斗口", "东村", ">24<", "2026年5月2日 07:55"]);
        zh.shows(&["href=\"/meters/me1\"", "水表签名", "没有"]);
        page(&town.router, "/meters?lang=en").await.shows(&["Receipt", "/villages/east?lang=en"]);
        page(&town.router, "/meters?after=me1").await.shows(&["这一页没有内容了", "第一页"]);
        assert_eq!(get(&town.router, "/meters?after=A%20B").await.status, 400);
    }

    #[tokio::test]
    async fn shows_what_a_meter_says_of_itself_and_since_when() {
        let town = Town::busy().await;
        assert!(!page(&town.router, "/meters").await.text().contains("在线</span>"));
        let meter = || "me1".parse().unwrap();
        let statuses = town.service.statuses();
        statuses.set(meter(), Some(DeviceState::Online)).unwrap();
        let heard = town.service.device_status(&id("me1")).unwrap();
        assert_eq!(heard.since, town.service.now());
        page(&town.router, "/meters").await.shows(&["mark good\">在线<", " 起</span>"]);
        statuses.set(meter(), Some(DeviceState::Offline)).unwrap();
        let en = page(&town.router, "/meters?lang=en").await;
        en.shows(&["mark care\">offline<", ">since "]);
    }
}
