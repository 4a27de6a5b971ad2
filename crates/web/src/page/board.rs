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

#[cfg(test)]
mod tests {
    use crate::testing::{Town, get, page};

    #[tokio::test]
    async fn shows_the_columns_people_know() {
        let town = Town::busy().await;
        let zh = page(&town.router, "/villages/east/rounds/2026-1").await;
        zh.shows(&[
            "序号",
            "社",
            "斗口/机井",
            "起止时间",
            "起止读数",
            "斗口水量",
            "分摊方式",
            "户",
        ]);
        zh.shows(&["5月1日 09:00<br>5月1日 11:30", "按面积", "估算", "/postings/6", "/postings/7"]);
        zh.shows(&["合计", "水管所", "村社干部", "有效", "公示 8 号"]);
        assert!(!zh.text().contains("无效"));
    }

    #[tokio::test]
    async fn water_that_cannot_be_measured_yet_stands_in_plain_sight() {
        let town = Town::with_a_waiting_turn().await;
        let zh = page(&town.router, "/villages/east/rounds/2026-2").await;
        zh.shows(&["已放水、尚未成单", "t5", "5月3日 13:00", "等水表补报"]);
        assert!(!zh.text().contains("wait for its reports"));
        let en = page(&town.router, "/villages/east/rounds/2026-2?lang=en").await;
        en.shows(&["wait for its reports"]);
        let other = page(&town.router, "/villages/east/rounds/2026-1").await;
        assert!(!other.text().contains("尚未成单"));
    }

    #[tokio::test]
    async fn the_water_account_stands_in_public() {
        let town = Town::busy().await;
        let zh = page(&town.router, "/villages/east/rounds/2026-1").await;
        zh.shows(&["水账", "未入账", "1,061.900", "到最近的读数为止"]);
        let en = page(&town.router, "/villages/east/rounds/2026-1?lang=en").await;
        en.shows(&["Water account", "Unattributed (m³)"]);
    }

    #[tokio::test]
    async fn an_unbilled_round_says_so() {
        let town = Town::busy().await;
        page(&town.router, "/villages/east/rounds/2026-2").await.shows(&["未结算", "还没有结算"]);
    }

    #[tokio::test]
    async fn a_page_past_the_end_is_empty() {
        let town = Town::busy().await;
        let path = "/villages/east/rounds/2026-1?after=18446744073709551615&row=900";
        page(&town.router, path).await.shows(&["第一页"]);
    }

    #[tokio::test]
    async fn rejects_what_is_no_round_or_number() {
        let town = Town::busy().await;
        for (path, status) in [
            ("/villages/east/rounds/2031-9", 404),
            ("/villages/west/rounds/2026-1", 404),
            ("/villages/east/rounds/2026-1?after=x", 400),
            ("/villages/east/rounds/2026-1?after=1&after=2", 400),
            ("/villages/east/rounds/2026-1?row=99999999999999999999999", 400),
            ("/villages/east/rounds/%FF", 400),
        ] {
            assert_eq!(get(&town.router, path).await.status, status, "{path}");
        }
    }
}
