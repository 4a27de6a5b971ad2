//! `/villages/{village}/rounds/{round}/notice`: the board (公示榜) for the village's wall, and as a file to take away.

mod file;
mod table;

use std::borrow::Borrow;

use askama::Template;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use service::ServiceError;
use service::board::{self, MAX_NOTICE_LINES, NoticeView, Role, RoundId, SignatureView, VillageId};
use tokio::sync::SemaphorePermit;

use super::html;
use crate::here::Here;
use crate::params::number;
use crate::qr::Qr;
use crate::refusal::Refusal;
use crate::site::Site;
use table::Table;

pub(crate) use file::{csv, xlsx};

/// Lines of one page: some fifty sheets.
const MAX_LINES_PER_PAGE: usize = 1000;
/// Boards that are made at the same time; who asks for another one waits.
pub(crate) const MAX_NOTICES_AT_ONCE: usize = 1;
/// How many digits of the log's root stand on each sheet.
const CODE_DIGITS: usize = 8;

#[derive(Template)]
#[template(path = "notice.html")]
struct NoticePage<'a> {
    here: &'a Here,
    view: NoticeView,
    table: Table,
    /// The page's first and last line, counted from 1.
    shown: (usize, usize),
    paper: Paper,
    /// The board's own address.
    board: String,
    qr: Option<Qr>,
    code: Option<String>,
}

/// What it is printed on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Paper {
    #[default]
    A4,
    A4Portrait,
    A3,
}

impl Paper {
    const ALL: [Self; 3] = [Self::A4, Self::A4Portrait, Self::A3];

    const fn code(self) -> &'static str {
        match self {
            Self::A4 => "a4",
            Self::A4Portrait => "a4-portrait",
            Self::A3 => "a3",
        }
    }

    fn name(self, here: &Here) -> &'static str {
        match self {
            Self::A4 => here.notice.a4,
            Self::A4Portrait => here.notice.a4_portrait,
            Self::A3 => here.notice.a3,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct NoticeQuery {
    #[serde(default)]
    paper: Paper,
    row: Option<String>,
}

type Place = Result<Path<(String, String)>, PathRejection>;

pub(crate) async fn show(
    State(site): State<Site>,
    here: Here,
    path: Place,
    query: Result<Query<NoticeQuery>, QueryRejection>,
) -> Result<Response, Response> {
    let refused = |refusal: Refusal| refused(&refusal, &here);
    let Query(query) = query.map_err(|_| refused(Refusal::BadInput))?;
    let row = number(query.row.as_deref()).map_err(|error| refused(error.into()))?;
    let (_permit, view) = find(&site, path).await.map_err(refused)?;
    let first: usize = row.unwrap_or(1).max(1);
    let last = first.saturating_add(MAX_LINES_PER_PAGE - 1).min(view.lines.len());
    let board = format!("{}/villages/{}/rounds/{}", here.base, view.village.id, view.round.id);
    let page = NoticePage {
        here: &here,
        table: Table::of(&here, &view, first, last),
        shown: (first, last),
        paper: query.paper,
        qr: Qr::of(board.as_bytes()),
        code: code(&view),
        board,
        view,
    };
    Ok(html(&here, &page))
}

/// The board, and the leave to make it, which is held until the answer is made.
async fn find(site: &Site, path: Place) -> Result<(SemaphorePermit<'_>, NoticeView), Refusal> {
    let Path((village, round)) = path.map_err(|_| Refusal::BadInput)?;
    let village = VillageId::new(village).map_err(|_| Refusal::NotFound)?;
    let round = RoundId::new(round).map_err(|_| Refusal::NotFound)?;
    // Nobody closes it.
    let permit = site.notices.acquire().await.map_err(|_| Refusal::NotFound)?;
    let view = board::notice(&site.service, &village, &round).await?.ok_or(Refusal::NotFound)?;
    Ok((permit, view))
}

fn refused(refusal: &Refusal, here: &Here) -> Response {
    let Refusal::Service(ServiceError::NoticeTooLong { .. }) = refusal else {
        return refusal.page(here);
    };
    let t = here.notice;
    let most = u64::try_from(MAX_NOTICE_LINES).unwrap_or(u64::MAX);
    let words = here.say(t.too_long_words, [here.count(most)]);
    let text = format!("{}\n{words}{}\n", t.too_long, t.too_long_next);
    (StatusCode::PAYLOAD_TOO_LARGE, text).into_response()
}

/// The beginning of the log's root.
fn code(view: &NoticeView) -> Option<String> {
    let root = view.log_root?.to_hex();
    root.get(..CODE_DIGITS).map(str::to_owned)
}

impl NoticePage<'_> {
    /// This board's page from a line on, on such paper.
    fn at(&self, row: impl Borrow<usize>, paper: impl Borrow<Paper>) -> String {
        let (row, paper) = (row.borrow(), paper.borrow().code());
        let (village, round) = (&self.view.village.id, &self.view.round.id);
        self.here.to(format!("/villages/{village}/rounds/{round}/notice?paper={paper}&row={row}"))
    }

    /// Where the QR code leads.
    fn qr_label(&self) -> String {
        self.here.say(self.here.notice.qr_label, std::slice::from_ref(&self.board))
    }

    /// The short code in words.
    fn code_label(&self) -> String {
        let t = self.here.notice;
        let code = self.code.as_ref();
        code.map_or_else(
            || t.code_none.to_owned(),
            |code| self.here.say(t.code, std::slice::from_ref(code)),
        )
    }

    /// The `row` of the next page; none on the last.
    fn next(&self) -> Option<usize> {
        (self.shown.1 < self.view.lines.len()).then_some(self.shown.1.saturating_add(1))
    }

    fn counted(&self, lines: impl Borrow<usize>) -> String {
        self.here.count(u64::try_from(*lines.borrow()).unwrap_or(u64::MAX))
    }

    /// Who signed in a role and whose signature holds, each once.
    fn signers(&self, signatures: &[SignatureView], role: Role) -> String {
        let here = self.here;
        let own = |one: &&SignatureView| one.holds && one.role == Some(role);
        let mut people: Vec<String> = signatures
            .iter()
            .filter(own)
            .filter_map(|one| one.person.as_ref().map(ToString::to_string))
            .collect();
        people.dedup();
        if people.is_empty() {
            here.notice.none_signed.to_owned()
        } else {
            people.join(here.t.comma)
        }
    }
}

#[cfg(test)]
mod tests;
