//! `/households/{household}`: a household's water, its cost, and every bill with every step.

use askama::Template;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use service::board::{self, Charge, HouseholdNo, HouseholdView};

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
