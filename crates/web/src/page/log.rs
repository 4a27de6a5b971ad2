//! `/log`: the public log, newest first, and how to check it.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use service::board::{self, LogView};

use super::html;
use crate::here::Here;
use crate::params::{PageQuery, number};
use crate::refusal::Refusal;
use crate::site::Site;

#[derive(Template)]
#[template(path = "log.html")]
struct LogPage<'a> {
    here: &'a Here,
    view: LogView,
}

type Paging = Result<Query<PageQuery>, QueryRejection>;

pub(crate) async fn show(
    State(site): State<Site>,
    here: Here,
    query: Paging,
) -> Result<Response, Response> {
    let view = find(&site, query).await.map_err(|refusal| refusal.page(&here))?;
    Ok(html(&here, &LogPage { here: &here, view }))
}

async fn find(site: &Site, query: Paging) -> Result<LogView, Refusal> {
    let Query(query) = query.map_err(|_| Refusal::BadInput)?;
    let before = number(query.before.as_deref())?;
    Ok(board::log(&site.service, before).await?)
}

#[cfg(test)]
mod tests {
    use crate::testing::{Town, get, page};

    #[tokio::test]
    async fn lists_postings_and_says_how_to_check() {
        let town = Town::busy().await;
        let zh = page(&town.router, "/log").await;
        zh.shows(&[
            "/postings/9",
            "/postings/0",
            "水费结算",
            "mingqu log copy http://HOST log-copy",
            "tlog-tiles",
        ]);
        let older = page(&town.router, "/log?before=3&lang=en").await;
        older.shows(&["/postings/2?lang=en", "Newest"]);
        assert!(!older.text().contains("/postings/3"));
    }

    #[tokio::test]
    async fn rejects_a_page_that_is_no_number() {
        let town = Town::busy().await;
        for bad in ["-1", "1e9", "%3Cscript%3E", "99999999999999999999999999"] {
            let answer = get(&town.router, &format!("/log?before={bad}")).await;
            assert_eq!(answer.status, 400, "{bad}");
            answer.shows(&["看不懂这个地址"]);
        }
        page(&town.router, "/log?before=18446744073709551615").await;
        page(&town.router, "/log?before=0").await.shows(&["最新"]);
    }
}
