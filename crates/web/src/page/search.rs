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
