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
    use crate::testing::{Town, page};

    #[tokio::test]
    async fn shows_reports_receipts_and_silence() {
        let town = Town::busy().await;
        let zh = page(&town.router, "/meters").await;
        zh.shows(&["id=\"m-me1\"", "一号斗口", "东村", ">24<", "2026年5月2日 07:55"]);
        page(&town.router, "/meters?lang=en").await.shows(&["Receipt", "/villages/east?lang=en"]);
    }
}
