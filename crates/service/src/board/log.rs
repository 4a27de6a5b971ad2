//! The public log, as a list of postings.

use disclosure::statement::Kind;
use domain::{OutletId, RoundId, Timestamp, VillageId};
use store::EntryRow;

use super::places::{Named, named_outlet, named_village};
use crate::{Service, ServiceError};

/// Postings of one page.
pub const MAX_POSTINGS_PER_PAGE: u32 = 50;

/// The log's head as everybody can check it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogState {
    /// How many entries the published checkpoint covers.
    pub size: u64,
    /// The published checkpoint; none before the first posting.
    pub checkpoint: Option<String>,
    /// The log's verifier key.
    pub verifier_key: String,
}

/// A posting among others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostingLine {
    /// Its index.
    pub index: u64,
    /// Its kind; none for an entry that this program does not know.
    pub kind: Option<Kind>,
    /// The village it concerns.
    pub village: Option<Named<VillageId>>,
    /// The round it concerns.
    pub round: Option<RoundId>,
    /// The outlet it concerns.
    pub outlet: Option<Named<OutletId>>,
    /// When it was posted.
    pub posted_at: Timestamp,
}

/// A page of postings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogView {
    /// The log's head.
    pub log: LogState,
    /// The postings, newest first.
    pub lines: Vec<PostingLine>,
    /// Whether this is not the first page.
    pub paged: bool,
    /// The `before` of the next page; none on the last.
    pub older: Option<u64>,
}

/// The postings before an index, or the newest, and the log's head.
pub async fn log(service: &Service, before: Option<u64>) -> Result<LogView, ServiceError> {
    let entries = service.store().latest_entries(before, MAX_POSTINGS_PER_PAGE).await?;
    let older = entries.last().map(|entry| entry.index).filter(|&index| index > 0);
    Ok(LogView {
        log: log_state(service).await?,
        lines: posting_lines(service, &entries),
        paged: before.is_some(),
        older,
    })
}

pub(crate) async fn log_state(service: &Service) -> Result<LogState, ServiceError> {
    let published = service.store().checkpoint().await?;
    Ok(LogState {
        size: published.as_ref().map_or(0, |(size, _)| *size),
        checkpoint: published.map(|(_, note)| String::from_utf8_lossy(&note).into_owned()),
        verifier_key: service.log_vkey(),
    })
}

pub(crate) fn posting_lines(service: &Service, entries: &[EntryRow]) -> Vec<PostingLine> {
    let record = service.record();
    entries
        .iter()
        .map(|entry| PostingLine {
            index: entry.index,
            kind: Kind::from_code(&entry.kind),
            village: entry.village.as_ref().map(|village| named_village(&record, village)),
            round: entry.round.clone(),
            outlet: entry.outlet.as_ref().map(|outlet| named_outlet(&record, outlet)),
            posted_at: entry.posted_at,
        })
        .collect()
}
