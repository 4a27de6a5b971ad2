//! `/`: the district, its villages and its newest postings.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use service::board::{self, DistrictView};

use super::html;
use crate::here::Here;
use crate::refusal::Refusal;
use crate::site::Site;

#[derive(Template)]
#[template(path = "district.html")]
struct DistrictPage<'a> {
    here: &'a Here,
    view: DistrictView,
}

pub(crate) async fn show(State(site): State<Site>, here: Here) -> Result<Response, Response> {
    let view = board::district(&site.service).await.map_err(|e| Refusal::from(e).page(&here))?;
    Ok(html(&here, &DistrictPage { here: &here, view }))
}

#[cfg(test)]
mod tests {
    use crate::testing::{Town, page};

    #[tokio::test]
    async fn shows_the_villages_and_the_log() {
        let town = Town::busy().await;
        let zh = page(&town.router, "/").await;
        zh.shows(&["样例灌区", "东村", "/villages/east", "2026 年灌水", "/postings/9"]);
        zh.shows(&["sample.example/log\n10\n", "156.22 元"]);
        let en = page(&town.router, "/?lang=en").await;
        en.shows(&["Waterings in 2026", "/villages/east?lang=en", "name=\"lang\" value=\"en\""]);
    }

    #[tokio::test]
    async fn an_empty_district_says_what_comes_next() {
        let town = Town::empty().await;
        page(&town.router, "/").await.shows(&[
            "还没有登记村",
            "还没有公示",
            "第一条公示后才有检查点",
        ]);
    }
}
