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

#[cfg(test)]
mod tests {
    use service::DeviceState;

    use crate::testing::{Town, id, page};

    #[tokio::test]
    async fn shows_reports_receipts_and_silence() {
        let town = Town::busy().await;
        let zh = page(&town.router, "/meters").await;
        zh.shows(&["id=\"m-me1\"", "一号斗口", "东村", ">24<", "2026年5月2日 07:55"]);
        page(&town.router, "/meters?lang=en").await.shows(&["Receipt", "/villages/east?lang=en"]);
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
