//! `/quarantine`: refused messages, with their reasons.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use service::board::{self, QuarantineView};

use super::html;
use crate::here::Here;
use crate::params::{PageQuery, number};
use crate::refusal::Refusal;
use crate::site::Site;

#[derive(Template)]
#[template(path = "quarantine.html")]
struct QuarantinePage<'a> {
    here: &'a Here,
    view: QuarantineView,
}

type Paging = Result<Query<PageQuery>, QueryRejection>;

pub(crate) async fn show(
    State(site): State<Site>,
    here: Here,
    query: Paging,
) -> Result<Response, Response> {
    let view = find(&site, query).await.map_err(|refusal| refusal.page(&here))?;
    Ok(html(&here, &QuarantinePage { here: &here, view }))
}

async fn find(site: &Site, query: Paging) -> Result<QuarantineView, Refusal> {
    let Query(query) = query.map_err(|_| Refusal::BadInput)?;
    let before = number(query.before.as_deref())?;
    Ok(board::quarantine(&site.service, before).await?)
}

#[cfg(test)]
mod tests {
    use crate::testing::{Town, get, page};

    #[tokio::test]
    async fn shows_reasons_and_payloads_as_digits() {
        let town = Town::busy().await;
        let zh = page(&town.router, "/quarantine").await;
        zh.shows(&[
            "拒收的上报",
            "格式不对",
            "malformed",
            "3c7363726970743e",
            "mingqu/v1/sample/me1/report",
            "25 字节",
        ]);
        assert!(!zh.text().contains("<script"));
        page(&town.router, "/quarantine?lang=en").await.shows(&["Refused reports", "25 bytes"]);
    }

    #[tokio::test]
    async fn an_empty_quarantine_says_so() {
        let town = Town::empty().await;
        page(&town.router, "/quarantine").await.shows(&["没有拒收过上报"]);
    }

    #[tokio::test]
    async fn rejects_a_page_that_is_no_number() {
        let town = Town::busy().await;
        assert_eq!(get(&town.router, "/quarantine?before=x").await.status, 400);
        page(&town.router, "/quarantine?before=0").await.shows(&["这一页没有内容了"]);
    }
}
