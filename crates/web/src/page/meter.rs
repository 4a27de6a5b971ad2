//! `/meters/{code}`: one meter, with what is missing and what is wrong.

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use service::board::{self, MeterCode, MeterView};

use super::html;
use crate::chart::Chart;
use crate::here::Here;
use crate::refusal::Refusal;
use crate::site::Site;

#[derive(Template)]
#[template(path = "meter.html")]
struct MeterPage<'a> {
    here: &'a Here,
    view: MeterView,
    chart: Option<Chart>,
}

pub(crate) async fn show(
    State(site): State<Site>,
    here: Here,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Response> {
    let view = find(&site, path).await.map_err(|refusal| refusal.page(&here))?;
    let ends = view.curve.as_ref().and_then(|curve| curve.points.first().zip(curve.points.last()));
    let chart = view
        .curve
        .as_ref()
        .zip(ends)
        .and_then(|(curve, (first, last))| Chart::new(curve, first.0, last.0));
    Ok(html(&here, &MeterPage { here: &here, view, chart }))
}

async fn find(
    site: &Site,
    path: Result<Path<String>, PathRejection>,
) -> Result<MeterView, Refusal> {
    let Path(code) = path.map_err(|_| Refusal::BadInput)?;
    let code = MeterCode::new(code).map_err(|_| Refusal::NotFound)?;
    board::meter(&site.service, &code).await?.ok_or(Refusal::NotFound)
}

#[cfg(test)]
mod tests {
    use crate::testing::{Town, get, page};

    #[tokio::test]
    async fn shows_registry_reports_and_what_is_wrong() {
        let town = Town::watched().await;
        let zh = page(&town.router, "/meters/me1").await;
        zh.shows(&["水表 me1", "一号斗口", "东村", "水表签名", "1 字 = 0.1 方", "自第 1 号上报起"]);
        zh.shows(&["收妥到第 25 号，共存 25 份", "一份不缺", "每一份都接上前一份"]);
        zh.shows(&["外壳被打开或有磁铁靠近", "第 25 号", "电池电量低", "3.700", "<polyline"]);
        page(&town.router, "/meters/me1?lang=en")
            .await
            .shows(&["Latest reports", "None is missing"]);
    }

    #[tokio::test]
    async fn a_meter_that_never_reported_says_so() {
        let town = Town::silent().await;
        let zh = page(&town.router, "/meters/me1").await;
        zh.shows(&["从未上报", "还没有收到这块水表的上报", "这块水表没有过告警"]);
    }

    #[tokio::test]
    async fn rejects_an_unknown_meter() {
        let town = Town::busy().await;
        for (path, status) in
            [("/meters/nobody", 404), ("/meters/%3Cscript%3E", 404), ("/meters/%FF", 400)]
        {
            assert_eq!(get(&town.router, path).await.status, status, "{path}");
        }
    }
}
