//! `/search?q=`: what is printed on paper leads to its page.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use service::board::{self, Hit, MAX_QUERY_CHARS};

use super::html;
use crate::here::Here;
use crate::refusal::Refusal;
use crate::site::Site;

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage<'a> {
    here: &'a Here,
    query: String,
    hits: Vec<Hit>,
}

#[derive(Deserialize)]
pub(crate) struct SearchQuery {
    q: Option<String>,
}

pub(crate) async fn show(
    State(site): State<Site>,
    here: Here,
    query: Result<Query<SearchQuery>, QueryRejection>,
) -> Result<Response, Response> {
    let Query(SearchQuery { q }) = query.map_err(|_| Refusal::BadInput.page(&here))?;
    let query = q.unwrap_or_default().trim().to_owned();
    if query.chars().count() > MAX_QUERY_CHARS {
        return Err(Refusal::BadInput.page(&here));
    }
    let hits = board::search(&site.service, &query)
        .await
        .map_err(|error| Refusal::from(error).page(&here))?;
    match hits.as_slice() {
        [only] => Ok(Redirect::to(&here.hit_link(only)).into_response()),
        _ => Ok(html(&here, &SearchPage { here: &here, query, hits })),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Town, get, page};

    #[tokio::test]
    async fn one_hit_leads_straight_to_its_page() {
        let town = Town::busy().await;
        for (query, place) in [
            ("101", "/households/101"),
            ("%EF%BC%91%EF%BC%90%EF%BC%92", "/households/102"),
            ("7", "/postings/7"),
            ("e1", "/villages/east"),
            ("ME1", "/meters/me1"),
            ("%E4%B8%9C%E6%9D%91", "/villages/east"),
        ] {
            let answer = get(&town.router, &format!("/search?q={query}")).await;
            assert_eq!((answer.status.as_u16(), answer.header("location")), (303, place));
        }
        let english = get(&town.router, "/search?q=101&lang=en").await;
        assert_eq!(english.header("location"), "/households/101?lang=en");
    }

    #[tokio::test]
    async fn nothing_found_says_what_to_do() {
        let town = Town::busy().await;
        page(&town.router, "/search?q=zzz").await.shows(&["没有找到“zzz”", "请核对"]);
        page(&town.router, "/search").await.shows(&["请输入户号"]);
        page(&town.router, "/search?q=%FF%FE").await.shows(&["没有找到"]);
    }

    #[tokio::test]
    async fn a_script_stays_text() {
        let town = Town::busy().await;
        let answer = page(&town.router, "/search?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E").await;
        assert!(!answer.text().contains("<script"));
        answer.shows(&["&#60;script&#62;"]);
    }

    #[tokio::test]
    async fn rejects_an_over_long_or_doubled_query() {
        let town = Town::busy().await;
        for path in [format!("/search?q={}", "a".repeat(65)), "/search?q=1&q=2".to_owned()] {
            assert_eq!(get(&town.router, &path).await.status, 400);
        }
    }
}
