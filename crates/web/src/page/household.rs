//! `/households/{household}`: a household's water, its cost, and every bill with every step.

use askama::Template;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use service::board::{self, HouseholdNo, HouseholdView};

use super::html;
use crate::chart::scaled;
use crate::here::Here;
use crate::params::{PageQuery, number};
use crate::refusal::Refusal;
use crate::site::Site;

/// The length of a full bar, in the template's units.
const BAR_LENGTH: i64 = 1000;

#[derive(Template)]
#[template(path = "household.html")]
struct HouseholdPage<'a> {
    here: &'a Here,
    view: HouseholdView,
    gauge: Gauge,
    /// The sentence that says how much water the year had.
    words: &'static str,
}

/// The bars of the household and of the village's median; the longer one is full.
struct Gauge {
    own: i64,
    median: i64,
}

impl Gauge {
    fn of(view: &HouseholdView) -> Self {
        let median = view.median.unwrap_or_default().get();
        let longer = view.used.get().max(median);
        Self {
            own: scaled(view.used.get(), longer, BAR_LENGTH),
            median: scaled(median, longer, BAR_LENGTH),
        }
    }
}

type Number = Result<Path<String>, PathRejection>;
type Year = Result<Query<PageQuery>, QueryRejection>;

pub(crate) async fn show(
    State(site): State<Site>,
    here: Here,
    path: Number,
    query: Year,
) -> Result<Response, Response> {
    let view = find(&site, path, query).await.map_err(|refusal| refusal.page(&here))?;
    let gauge = Gauge::of(&view);
    let words = if view.present { here.t.use_words } else { here.t.use_words_past };
    Ok(html(&here, &HouseholdPage { here: &here, view, gauge, words }))
}

async fn find(site: &Site, path: Number, query: Year) -> Result<HouseholdView, Refusal> {
    let Path(household) = path.map_err(|_| Refusal::BadInput)?;
    let Query(query) = query.map_err(|_| Refusal::BadInput)?;
    let year = number(query.year.as_deref())?;
    let household = HouseholdNo::new(household).map_err(|_| Refusal::NotFound)?;
    board::household(&site.service, &household, year).await?.ok_or(Refusal::NotFound)
}

#[cfg(test)]
mod tests {
    use crate::testing::{Town, get, page};

    #[tokio::test]
    async fn writes_out_every_step_of_the_sum() {
        let town = Town::busy().await;
        let zh = page(&town.router, "/households/101").await;
        zh.shows(&["户号 101", "张*明", "一社，8.40 亩，种植制种玉米", "今年灌水 3 次"]);
        zh.shows(&[
            "8.40 亩 × 4 元/亩·年 = 33.60 元",
            "111.000 方 × 0.152 元/方 = 16.872 ≈ 16.87 元",
        ]);
        zh.shows(&["31.080 ÷ 111.000 × 16.87 = 4.7236…，分得 4.72 元", "最大余数法"]);
        zh.shows(&[
            "/postings/5",
            "/postings/6",
            "/postings/8",
            "/postings/9",
            "未结算的还有",
            "未定稿",
        ]);
        zh.shows(&["本村中位数", "station-1", "east-1"]);
        let en = page(&town.router, "/households/101?lang=en").await;
        en.shows(&[
            "Household 101",
            "3 waterings this year",
            "largest remainder",
            "/postings/6?lang=en",
        ]);
    }

    #[tokio::test]
    async fn shows_what_is_paid_and_still_owed_with_both_lines_of_a_reversal() {
        let town = Town::with_payments().await;
        let zh = page(&town.router, "/households/101").await;
        zh.shows(&["2026 年水费 43.74 元，已缴 10.05 元，还欠 33.69 元。", "/payments/1", "银行"]);
        assert!(!zh.text().contains("TX-1") && !zh.text().contains("张三"));
        let zh = page(&town.router, "/households/102").await;
        zh.shows(&["已缴 0.00 元", "/payments/2", "已冲正", "-2.00", "户号录错"]);
        let en = page(&town.router, "/households/101?lang=en&year=2025").await;
        en.shows(&["Charges for 2025: 0.00 yuan; paid 0.00 yuan; still owed 0.00 yuan."]);
        en.shows(&["Still owed over all years: 33.69 yuan.", "/payments/1?lang=en"]);
    }

    #[tokio::test]
    async fn another_year_is_empty_and_says_so() {
        let town = Town::busy().await;
        let answer = page(&town.router, "/households/101?year=2025").await;
        answer.shows(&["2025 年还没有公示的灌水", "/households/101?year=2026"]);
    }

    #[tokio::test]
    async fn rejects_what_is_no_household() {
        let town = Town::busy().await;
        let long = format!("/households/{}", "9".repeat(10_000));
        for (path, status) in [
            ("/households/999", 404),
            ("/households/%3Cscript%3E", 404),
            (long.as_str(), 404),
            ("/households/101?year=abc", 400),
            ("/households/101?year=99999", 404),
            ("/households/%C3%28", 400),
        ] {
            assert_eq!(get(&town.router, path).await.status, status, "{path:.60}");
        }
    }
}
