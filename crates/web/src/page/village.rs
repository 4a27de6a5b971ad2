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

#[cfg(test)]
mod tests {
    use crate::testing::{Town, get, page};

    #[tokio::test]
    async fn shows_rounds_groups_and_outlets() {
        let town = Town::busy().await;
        let zh = page(&town.router, "/villages/east").await;
        zh.shows(&["东村", "3 户，30.00 亩，1 个社", "第一轮", "已结算", "第二轮", "未结算"]);
        zh.shows(&[
            "一号斗口",
            "东支渠",
            "/meters/me1",
            "按花名册公示 4 号",
            "/villages/east/owed",
        ]);
        let en = page(&town.router, "/villages/east?lang=en").await;
        en.shows(&["3 households", "/villages/east/rounds/2026-1?lang=en", "/meters/me1?lang=en"]);
    }

    #[tokio::test]
    async fn rejects_an_unknown_village() {
        let town = Town::busy().await;
        for path in ["/villages/nowhere", "/villages/%3Cscript%3E", "/villages/-"] {
            let answer = get(&town.router, path).await;
            assert_eq!(answer.status, 404, "{path}");
            answer.shows(&["没有这一页", "查找"]);
        }
    }
}
