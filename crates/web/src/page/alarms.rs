//! `/alarms`: what somebody at the station must look at.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use service::board::{self, AlarmFilter, AlarmKind, AlarmsView};
use service::request::Ask;

use super::html;
use crate::here::Here;
use crate::params::number;
use crate::refusal::Refusal;
use crate::request::request_text;
use crate::site::Site;

#[derive(Template)]
#[template(path = "alarms.html")]
struct AlarmsPage<'a> {
    here: &'a Here,
    view: AlarmsView,
    /// A request that takes note of the first alarm of the list.
    note: Option<String>,
    /// Where the list of this kind begins.
    first: String,
    older_open: Option<String>,
    older_cleared: Option<String>,
}

/// Which alarms; text until it has been read.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct AlarmQuery {
    kind: Option<String>,
    cleared: Option<String>,
    before: Option<String>,
}

impl AlarmQuery {
    /// What is asked for; none when it cannot be read.
    pub(crate) fn filter(&self) -> Option<AlarmFilter> {
        let kind = match self.kind.as_deref() {
            None | Some("") => None,
            Some(code) => Some(AlarmKind::from_code(code)?),
        };
        let cleared = match self.cleared.as_deref() {
            None | Some("" | "0") => false,
            Some("1") => true,
            Some(_) => return None,
        };
        let before = number(self.before.as_deref()).ok()?;
        Some(AlarmFilter { kind, cleared, before })
    }
}

pub(crate) async fn show(
    State(site): State<Site>,
    here: Here,
    query: Result<Query<AlarmQuery>, QueryRejection>,
) -> Result<Response, Response> {
    let view = find(&site, query).await.map_err(|refusal| refusal.page(&here))?;
    let note = view.open.first().map(|alarm| {
        let note = here.watch.note_example.to_owned();
        let ask = Ask::AcknowledgeAlarm { alarm: alarm.id, note };
        request_text(&view.district, view.now, ask)
    });
    let of_kind = view.filter.kind.map_or("", AlarmKind::code);
    let first = here.to(if of_kind.is_empty() {
        "/alarms".to_owned()
    } else {
        format!("/alarms?kind={of_kind}")
    });
    let older = |cleared: u8, before: i64| {
        here.to(format!("/alarms?kind={of_kind}&cleared={cleared}&before={before}"))
    };
    let older_open = view.older_open.map(|before| older(0, before));
    let older_cleared = view.older_cleared.map(|before| older(1, before));
    Ok(html(&here, &AlarmsPage { here: &here, view, note, first, older_open, older_cleared }))
}

async fn find(
    site: &Site,
    query: Result<Query<AlarmQuery>, QueryRejection>,
) -> Result<AlarmsView, Refusal> {
    let Query(query) = query.map_err(|_| Refusal::BadInput)?;
    let filter = query.filter().ok_or(Refusal::BadInput)?;
    Ok(board::alarms(&site.service, filter).await?)
}

#[cfg(test)]
mod tests {
    use service::board::AlarmKind;

    use crate::testing::{Town, get, page};

    #[tokio::test]
    async fn shows_what_to_do_the_most_urgent_first() {
        let town = Town::watched().await;
        let zh = page(&town.router, "/alarms").await;
        zh.shows(&["外壳被打开或有磁铁靠近", "今天去现场看水表和铅封", "急", "/meters/me1"]);
        zh.shows(&["一号斗口", "东村", "共 6 次", "还没有人处理", "acknowledge-alarm"]);
        zh.shows(&["电池电量低", "/alarms?kind=low-battery"]);
        let text = zh.text();
        assert!(text.find("外壳被打开").unwrap() < text.find("下次巡查时换电池").unwrap());
        let en = page(&town.router, "/alarms?lang=en").await;
        en.shows(&["Tampered with", "Urgent", "6 times", "/meters/me1?lang=en"]);
        let chosen = page(&town.router, "/alarms?kind=low-battery").await;
        chosen.shows(&["下次巡查时换电池", "aria-current=\"true\""]);
        assert!(!chosen.text().contains("今天去现场"));
    }

    #[tokio::test]
    async fn what_somebody_noted_stands_with_the_alarm() {
        let town = Town::watched().await;
        town.note(AlarmKind::LowBattery, "电池已带上").await;
        town.note(AlarmKind::Tamper, "铅封完好").await;
        let zh = page(&town.router, "/alarms").await;
        zh.shows(&["station-1", "电池已带上", "铅封完好", "消除于"]);
        page(&town.router, "/alarms?cleared=1").await.shows(&["铅封完好", "未消除"]);
    }

    #[tokio::test]
    async fn no_alarm_is_said_so() {
        let town = Town::empty().await;
        page(&town.router, "/alarms").await.shows(&["现在没有告警", "还没有消除过告警"]);
        page(&town.router, "/alarms?kind=tamper").await.shows(&["现在没有这一类告警"]);
        page(&town.router, "/alarms?kind=tamper&before=1").await.shows(&["这一页没有内容了"]);
    }

    #[tokio::test]
    async fn rejects_what_is_no_kind_or_number() {
        let town = Town::empty().await;
        for path in ["/alarms?kind=fire", "/alarms?cleared=yes", "/alarms?before=x"] {
            assert_eq!(get(&town.router, path).await.status, 400, "{path}");
        }
    }
}
