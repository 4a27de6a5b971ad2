//! `/postings/{index}`: one entry of the public log, whole.

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use service::board::{self, PostingBody, PostingView};

use super::scripted;
use crate::chart::Chart;
use crate::here::Here;
use crate::params::index;
use crate::refusal::Refusal;
use crate::site::Site;

#[derive(Template)]
#[template(path = "posting.html")]
struct PostingPage<'a> {
    here: &'a Here,
    view: PostingView,
    chart: Option<Chart>,
    log_key: String,
}

pub(crate) async fn show(
    State(site): State<Site>,
    here: Here,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Response> {
    let view = find(&site, path).await.map_err(|refusal| refusal.page(&here))?;
    let watering = match &view.body {
        PostingBody::Watering(watering) => Some(watering),
        PostingBody::Overdue(overdue) => overdue.watering.as_ref(),
        _ => None,
    };
    let chart = watering.and_then(|watering| {
        let curve = watering.curve.as_ref()?;
        Chart::new(curve, watering.facts.start, watering.facts.end)
    });
    let log_key = site.service.log_vkey();
    Ok(scripted(&here, &PostingPage { here: &here, view, chart, log_key }))
}

async fn find(
    site: &Site,
    path: Result<Path<String>, PathRejection>,
) -> Result<PostingView, Refusal> {
    board::posting(&site.service, index(path)?).await?.ok_or(Refusal::NotFound)
}

#[cfg(test)]
mod tests {
    use domain::round::Member;
    use domain::share::ShareMethod;

    use crate::testing::{Town, get, id, page};

    #[tokio::test]
    async fn shows_a_watering_whole() {
        let town = Town::busy().await;
        let zh = page(&town.router, "/postings/6").await;
        zh.shows(&["灌水", "公示 6 号", "东村 一社", "2026年5月1日 09:00<", "2026年5月1日 11:30<"]);
        zh.shows(&["起读数", "止读数", "111.000", "全程实测", "水表签名", "2 小时 30 分钟"]);
        zh.shows(&["<svg", "polyline", "aria-label=\"水量曲线", "/households/101", "31.080"]);
        zh.shows(&["/attachments/", "/postings/6/receipt", "/postings/6/envelope", "mingqu audit"]);
        zh.shows(&["水管所", "station-1", "村社干部", "east-1", "有效"]);
        assert!(!zh.text().contains("无效"));
        page(&town.router, "/postings/6?lang=en").await.shows(&["signed by the meter", "Valid"]);
    }

    #[tokio::test]
    async fn shows_what_each_way_to_share_goes_by() {
        let member = |household| Member::new(id(household));
        let flowed = |household, minutes, flow| Member {
            minutes: Some(minutes),
            flow_ml_per_s: Some(flow),
            ..member(household)
        };
        let town = Town::busy().await;
        let members = vec![flowed("101", 30, 12_500), flowed("102", 20, 20_000)];
        town.share(ShareMethod::MinutesFlow, members).await;
        let zh = page(&town.router, "/postings/10").await;
        zh.shows(&[
            "按时间和流量分摊",
            "流量（升/秒）",
            ">12.500<",
            ".shares.1.minutes\">20<",
            ">50<",
        ]);

        let town = Town::busy().await;
        let agreed = |household, weight| Member { weight: Some(weight), ..member(household) };
        town.share(ShareMethod::Fixed, vec![agreed("101", 2), agreed("102", 3)]).await;
        let en = page(&town.router, "/postings/10?lang=en").await;
        en.shows(&["by agreed shares", "Agreed weight", ".shares.1.weight\">3<", ">5<"]);
        assert!(!en.text().contains("Minutes"));

        let town = Town::busy().await;
        town.share(ShareMethod::Household, vec![member("103")]).await;
        page(&town.router, "/postings/10").await.shows(&["计量到一户，斗口水量全部归该户"]);
    }

    #[tokio::test]
    async fn says_why_a_volume_is_an_estimate() {
        let town = Town::busy().await;
        page(&town.router, "/postings/7").await.shows(&["估算", "外壳被打开"]);
    }

    #[tokio::test]
    async fn every_kind_of_posting_reads_well() {
        let town = Town::busy().await;
        for (index, parts) in [
            (0, &["签字规则", "root-1", "sample.example/log", "灌水"][..]),
            (1, &["登记密钥", "station-1", "水管所"]),
            (2, &["一号斗口", "me1", "东支渠", "地表水", "1 字 = 0.1 方", "30 分钟"]),
            (3, &["east-1", "村社干部", "east"]),
            (4, &["花名册", "2026年1月1日 00:00", "制种玉米", "地表水", "101", "张*明", "30.00"]),
            (5, &["0.152", "4", "元/亩·年"]),
            (
                8,
                &[
                    "水费结算",
                    "加价（元）",
                    "/postings/6",
                    "/postings/7",
                    "/households/103",
                    "张*明",
                ],
            ),
        ] {
            for lang in ["zh", "en"] {
                let answer = page(&town.router, &format!("/postings/{index}?lang={lang}")).await;
                assert!(!answer.text().contains("class=\"mark bad\""), "posting {index}");
            }
            page(&town.router, &format!("/postings/{index}")).await.shows(parts);
        }
    }

    #[tokio::test]
    async fn rejects_what_is_not_posted() {
        let town = Town::busy().await;
        for (path, status) in [
            ("/postings/10", 404),
            ("/postings/18446744073709551615", 404),
            ("/postings/18446744073709551616", 400),
            ("/postings/-1", 400),
            ("/postings/x", 400),
            ("/postings/%FF%FE", 400),
        ] {
            assert_eq!(get(&town.router, path).await.status, status, "{path}");
        }
    }
}
