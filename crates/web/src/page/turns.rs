//! `/turns`: who has the water, what waits, and what water ran without a turn.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use service::board::{self, DistrictId, Proposal, Timestamp, TurnsView};
use service::request::Ask;

use super::html;
use crate::chart::Chart;
use crate::here::Here;
use crate::params::{PageQuery, number};
use crate::refusal::Refusal;
use crate::request::request_text;
use crate::site::Site;

#[derive(Template)]
#[template(path = "turns.html")]
struct TurnsPage<'a> {
    here: &'a Here,
    view: TurnsView,
    proposals: Vec<Drawn>,
    paged: bool,
}

/// A proposal with its curve, and what accepts or dismisses it.
struct Drawn {
    proposal: Proposal,
    chart: Option<Chart>,
    accept: Option<String>,
    dismiss: String,
}

type Paging = Result<Query<PageQuery>, QueryRejection>;

pub(crate) async fn show(
    State(site): State<Site>,
    here: Here,
    query: Paging,
) -> Result<Response, Response> {
    let (mut view, paged) = find(&site, query).await.map_err(|refusal| refusal.page(&here))?;
    let (district, now) = (site.service.district(), view.now);
    let proposals = std::mem::take(&mut view.proposals);
    let proposals = proposals.into_iter().map(|one| drawn(&here, district, now, one)).collect();
    Ok(html(&here, &TurnsPage { here: &here, view, proposals, paged }))
}

async fn find(site: &Site, query: Paging) -> Result<(TurnsView, bool), Refusal> {
    let Query(query) = query.map_err(|_| Refusal::BadInput)?;
    let before = number(query.before.as_deref())?;
    Ok((board::turns(&site.service, before).await?, before.is_some()))
}

fn drawn(here: &Here, district: &DistrictId, now: Timestamp, proposal: Proposal) -> Drawn {
    let chart =
        proposal.curve.as_ref().and_then(|curve| Chart::new(curve, proposal.from, proposal.to));
    let id = proposal.id;
    let accept = proposal.turn.clone().map(|turn| {
        let ask = Ask::LogTurn { turn, closed_at: proposal.to, proposal: Some(id) };
        request_text(district, now, ask)
    });
    let reason = here.watch.dismiss_example.to_owned();
    let dismiss = request_text(district, now, Ask::DismissProposal { proposal: id, reason });
    Drawn { proposal, chart, accept, dismiss }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Town, get, page};

    #[tokio::test]
    async fn shows_water_that_ran_without_a_turn_and_how_to_enter_it() {
        let town = Town::flowing().await;
        let zh = page(&town.router, "/turns").await;
        zh.shows(&["还没有轮灌", "一号斗口 · 东村", "还在流", "<polyline", "/meters/me1"]);
        zh.shows(&[
            "&#34;log-turn&#34;:",
            "&#34;proposal&#34;:1",
            "&#34;round&#34;:&#34;2026-1&#34;",
        ]);
        zh.shows(&["dismiss-proposal", "渠道冲洗", "mingqu sign --key station.pem --kind request"]);
        page(&town.router, "/turns?lang=en").await.shows(&["Water that ran", "still running"]);
    }

    #[tokio::test]
    async fn shows_turns_that_are_open_or_wait() {
        let town = Town::with_a_draft().await;
        let zh = page(&town.router, "/turns").await;
        zh.shows(&["等签字和公示", "t4", "44.400", "待水管所签", "--statement"]);
        let town = Town::with_an_open_turn().await;
        let zh = page(&town.router, "/turns").await;
        zh.shows(&["正在放水", "t6", "一社", "44.400 方", "没有等签字的灌水"]);
        let town = Town::with_a_waiting_turn().await;
        page(&town.router, "/turns").await.shows(&["已放水、尚未成单", "t5", "等水表补报"]);
    }

    #[tokio::test]
    async fn nothing_under_way_is_said_so() {
        let town = Town::empty().await;
        let zh = page(&town.router, "/turns").await;
        zh.shows(&["现在没有开着的轮灌", "没有等签字的灌水", "没有无主的水流"]);
        page(&town.router, "/turns?before=1").await.shows(&["这一页没有内容了"]);
        assert_eq!(get(&town.router, "/turns?before=x").await.status, 400);
    }
}
