//! `/villages/{village}/owed`: the reminders list (催缴名单).

use askama::Template;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use service::board::{self, Fen, HouseholdNo, OwedAfter, OwedView, VillageId};

use super::html;
use crate::here::Here;
use crate::params::plain_number;
use crate::refusal::Refusal;
use crate::site::Site;

#[derive(Template)]
#[template(path = "owed.html")]
struct OwedPage<'a> {
    here: &'a Here,
    view: OwedView,
    /// The list by household number.
    number: String,
    /// The list by debt.
    balance: String,
    next: Option<String>,
}

/// In which order, and after which household; text until it has been read.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct OwedQuery {
    order: Option<String>,
    after: Option<String>,
    owed: Option<String>,
}

impl OwedQuery {
    /// Where the page begins; none when it cannot be read.
    pub(crate) fn after(&self) -> Option<OwedAfter> {
        let after = match self.after.as_deref() {
            None | Some("") => None,
            Some(household) => Some(HouseholdNo::new(household).ok()?),
        };
        let owed = match self.owed.as_deref() {
            None | Some("") => None,
            Some(fen) => Some(Fen(plain_number(fen).ok()?)),
        };
        match (self.order.as_deref(), owed, after) {
            (None | Some("" | "number"), None, after) => Some(OwedAfter::Number(after)),
            (Some("balance"), None, None) => Some(OwedAfter::Balance(None)),
            (Some("balance"), Some(owed), Some(after)) => {
                Some(OwedAfter::Balance(Some((owed, after))))
            }
            _ => None,
        }
    }
}

pub(crate) async fn show(
    State(site): State<Site>,
    here: Here,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<OwedQuery>, QueryRejection>,
) -> Result<Response, Response> {
    let view = find(&site, path, query).await.map_err(|refusal| refusal.page(&here))?;
    let at = |query: String| here.to(format!("/villages/{}/owed?{query}", view.village.id));
    let next = view.next.as_ref().map(|after| at(query_of(after)));
    let (number, balance) = (at("order=number".to_owned()), at("order=balance".to_owned()));
    Ok(html(&here, &OwedPage { here: &here, view, number, balance, next }))
}

fn query_of(after: &OwedAfter) -> String {
    match after {
        OwedAfter::Number(None) => "order=number".to_owned(),
        OwedAfter::Number(Some(household)) => format!("order=number&after={household}"),
        OwedAfter::Balance(None) => "order=balance".to_owned(),
        OwedAfter::Balance(Some((owed, household))) => {
            format!("order=balance&after={household}&owed={}", owed.get())
        }
    }
}

async fn find(
    site: &Site,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<OwedQuery>, QueryRejection>,
) -> Result<OwedView, Refusal> {
    let Path(village) = path.map_err(|_| Refusal::BadInput)?;
    let Query(query) = query.map_err(|_| Refusal::BadInput)?;
    let after = query.after().ok_or(Refusal::BadInput)?;
    let village = VillageId::new(village).map_err(|_| Refusal::NotFound)?;
    board::owed(&site.service, &village, &after).await?.ok_or(Refusal::NotFound)
}

#[cfg(test)]
mod tests {
    use super::{OwedQuery, query_of};
    use crate::testing::{Town, get, page};

    #[tokio::test]
    async fn lists_who_owes_what_and_since_when() {
        let town = Town::with_payments().await;
        let zh = page(&town.router, "/villages/east/owed").await;
        // 101 was billed 43.74 yuan and paid 10.05; what 102 paid was reversed.
        zh.shows(&[
            "东村催缴名单",
            "3 户共欠",
            "33.69",
            "10.05",
            "/households/103",
            "2026年5月10日",
        ]);
        zh.shows(&["历年收费", "当年收到", "/villages/east/owed?order=balance"]);
        let en = page(&town.router, "/villages/east/owed?order=balance&lang=en").await;
        en.shows(&["3 households owe", "By debt", "/households/101?lang=en"]);
        let page = en.text();
        assert!(page.find("/households/102").unwrap() < page.find("/households/101").unwrap());
        assert!(!page.contains('张'), "{page}");
    }

    #[tokio::test]
    async fn a_village_that_owes_nothing_says_so() {
        let town = Town::silent().await;
        page(&town.router, "/villages/east/owed").await.shows(&["没有欠费的农户"]);
    }

    #[test]
    fn where_a_page_begins_reads_as_it_is_written() {
        let query = |order: &str, after: &str, owed: &str| OwedQuery {
            order: Some(order.to_owned()),
            after: Some(after.to_owned()),
            owed: Some(owed.to_owned()),
        };
        for (query, text) in [
            (query("number", "", ""), "order=number"),
            (query("", "101", ""), "order=number&after=101"),
            (query("balance", "", ""), "order=balance"),
            (query("balance", "101", "7"), "order=balance&after=101&owed=7"),
        ] {
            assert_eq!(query_of(&query.after().unwrap()), text);
        }
        for query in [query("size", "", ""), query("balance", "101", ""), query("number", "1", "7")]
        {
            assert_eq!(query.after(), None, "{query:?}");
        }
    }

    #[tokio::test]
    async fn rejects_an_unknown_village_or_order() {
        let town = Town::busy().await;
        for (path, status) in [
            ("/villages/west/owed", 404),
            ("/villages/A/owed", 404),
            ("/villages/east/owed?order=size", 400),
            ("/villages/east/owed?order=balance&after=101&owed=-1", 400),
            ("/villages/east/owed?after=%3Cscript%3E", 400),
        ] {
            assert_eq!(get(&town.router, path).await.status, status, "{path}");
        }
    }
}
