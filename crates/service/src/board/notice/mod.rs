//! The board (公示榜) of a village and round for paper and files: a line for each household's share of each watering.
//!
//! What a household owes stands where it comes from. The money of a line is what the round's settlements billed for its
//! watering: what they charged less what was billed before. What is owed for the year stands in the household's first
//! line. Charges that belong to no line of the board (the year's of a household that took no water, and changes to
//! waterings of other rounds) are lines of their own. So the lines add up to the settlements, whatever was corrected.

mod charges;
mod lines;

use disclosure::checkpoint::Checkpoint;
use disclosure::merkle::Hash;
use disclosure::note::SignedNote;
use domain::plot::Crop;
use domain::share::ShareMethod;
use domain::{Area, Fen, HouseholdNo, Litres, OutletId, RoundId, Timestamp, VillageId};
use store::WateringRow;

use super::district::district_name;
use super::places::{Named, RoundDates, named_village};
use super::posting::{BillSum, SignatureView};
use super::roster::holders;
use super::round::{RunSummary, run_summaries};
use crate::{Service, ServiceError};
use charges::Charges;

/// The most lines of a board for paper or a file: two waterings of the largest village.
pub const MAX_NOTICE_LINES: usize = 40_000;

/// A board for paper or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeView {
    /// The district's name.
    pub district: String,
    /// The village.
    pub village: Named<VillageId>,
    /// The round.
    pub round: Named<RoundId>,
    /// When it opens, where this server knows it.
    pub opens_at: Option<Timestamp>,
    /// When it closes.
    pub closes_at: Option<Timestamp>,
    /// How many entries the published log has.
    pub log_size: u64,
    /// Its root; none before the first posting.
    pub log_root: Option<Hash>,
    /// When the last of the postings on it was posted.
    pub as_of: Option<Timestamp>,
    /// The waterings that hold, by group and start.
    pub waterings: Vec<NoticeWatering>,
    /// The shares, in the order of the waterings, then what belongs to none of them, by household number.
    pub lines: Vec<NoticeLine>,
    /// Their sums.
    pub totals: NoticeTotals,
    /// The round's settlements, the latest first.
    pub runs: Vec<RunSummary>,
}

/// A watering on the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeWatering {
    /// Its posting index.
    pub index: u64,
    /// The posting that it corrects.
    pub corrects: Option<u64>,
    /// The group's name.
    pub group: String,
    /// The outlet.
    pub outlet: Named<OutletId>,
    /// From when.
    pub start: Timestamp,
    /// To when.
    pub end: Timestamp,
    /// V(t0).
    pub at_start: Litres,
    /// V(t1).
    pub at_end: Litres,
    /// How much.
    pub volume: Litres,
    /// The shares together.
    pub shared: Litres,
    /// How it is shared.
    pub method: ShareMethod,
    /// Whether it is an estimate.
    pub estimated: bool,
    /// When it was posted.
    pub posted_at: Timestamp,
    /// Who signed it.
    pub signatures: Vec<SignatureView>,
}

/// A line of the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeLine {
    /// What it stands for.
    pub of: LineOf,
    /// The household.
    pub household: HouseholdNo,
    /// Its holder's masked name, where it is kept.
    pub holder: Option<String>,
    /// Its group's name; none when it stands in no roster.
    pub group: Option<String>,
    /// What the household grows there.
    pub crops: Vec<Crop>,
    /// What the settlements billed; none where they billed nothing.
    pub charges: Option<BillSum>,
    /// Whether some of it was billed before, differently (更正).
    pub adjusted: bool,
}

/// What a line stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineOf {
    /// A share of a watering on the board.
    Share(NoticeShare),
    /// What is owed for the year by a household that has no share here.
    Year,
    /// A change to what was billed for a watering of which the household has no share here, or of another round:
    /// the posting index of its first version.
    Change(u64),
}

/// A household's share of a watering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeShare {
    /// The watering's place in the list.
    pub watering: usize,
    /// The watered area.
    pub area: Area,
    /// How much.
    pub litres: Litres,
    /// The household's quota of the year (定额); none where its use counts against none.
    pub quota: Option<Litres>,
    /// What of the share lies above it as the account of the year stands now; none without a quota.
    pub over: Option<Litres>,
}

/// The sums of a board.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoticeTotals {
    /// The waterings' volumes.
    pub volume: Litres,
    /// The shares.
    pub shared: Litres,
    /// Shares above quota.
    pub over_quota: Litres,
    /// As in [`BillSum`].
    pub basic: Fen,
    /// As in [`BillSum`].
    pub metered: Fen,
    /// As in [`BillSum`].
    pub over: Fen,
    /// As in [`BillSum`].
    pub fees: Fen,
    /// As in [`BillSum`].
    pub given: Fen,
    /// What the lines come to.
    pub due: Fen,
    /// What the settlements state.
    pub billed: Fen,
}

impl NoticeView {
    /// Whether each watering's shares add up to its volume.
    pub fn water_adds_up(&self) -> bool {
        self.waterings.iter().all(|watering| watering.shared == watering.volume)
            && self.totals.shared == self.totals.volume
    }

    /// Whether the lines add up to what the settlements state.
    pub fn money_adds_up(&self) -> bool {
        self.totals.due == self.totals.billed
    }
}

/// The board of a village and round for paper and files; none when either is unknown.
///
/// Refuses a board of more than [`MAX_NOTICE_LINES`] lines.
pub async fn notice(
    service: &Service,
    village: &VillageId,
    round: &RoundId,
) -> Result<Option<NoticeView>, ServiceError> {
    if !service.record().villages().contains_key(village) {
        return Ok(None);
    }
    let known = service.store().round(round).await?;
    let rows = watering_rows(service, village, round).await?;
    if known.is_none() && rows.is_empty() {
        return Ok(None);
    }
    let waterings = lines::waterings(service, &rows).await?;
    let shares = lines::shares(service, village, &waterings)?;
    let runs = run_summaries(service, village, round).await?;
    let charges = Charges::of(service, &runs).await?;
    let mut lines = lines::lines(service, village, shares, charges)?;
    named(service, &mut lines).await?;
    let waterings: Vec<NoticeWatering> = waterings.into_iter().map(|one| one.shown).collect();
    let (log_size, log_root) = log_head(service).await?;
    let posted = waterings.iter().map(|one| one.posted_at);
    let dates = RoundDates::of(round.clone(), known.as_ref());
    Ok(Some(NoticeView {
        district: district_name(service),
        village: named_village(&service.record(), village),
        round: dates.named,
        opens_at: dates.opens_at,
        closes_at: dates.closes_at,
        log_size,
        log_root,
        as_of: posted.chain(runs.iter().map(|run| run.posted_at)).max(),
        totals: totals(&waterings, &lines, &runs),
        waterings,
        lines,
        runs,
    }))
}

/// All waterings of a village and round, superseded ones included.
async fn watering_rows(
    service: &Service,
    village: &VillageId,
    round: &RoundId,
) -> Result<Vec<WateringRow>, ServiceError> {
    let mut rows: Vec<WateringRow> = Vec::new();
    loop {
        let after = rows.last().map(|row| row.index);
        let page = store::MAX_WATERINGS_PER_READ;
        let page = service.store().waterings(village, round, after, page).await?;
        if page.is_empty() {
            return Ok(rows);
        }
        rows.extend(page);
        within_limit(rows.len())?;
    }
}

fn within_limit(lines: usize) -> Result<(), ServiceError> {
    let most = MAX_NOTICE_LINES;
    if lines > most { Err(ServiceError::NoticeTooLong { most }) } else { Ok(()) }
}

/// Fills in the holders' masked names.
async fn named(service: &Service, lines: &mut [NoticeLine]) -> Result<(), ServiceError> {
    let names = holders(service, lines.iter().map(|line| &line.household)).await?;
    for line in lines {
        line.holder = names.get(&line.household).cloned();
    }
    Ok(())
}

/// The size and root of the published log.
async fn log_head(service: &Service) -> Result<(u64, Option<Hash>), ServiceError> {
    let Some((size, note)) = service.store().checkpoint().await? else { return Ok((0, None)) };
    let damaged = |error: String| ServiceError::DamagedLog(error);
    let note = SignedNote::parse(&note).map_err(|error| damaged(error.to_string()))?;
    let checkpoint = Checkpoint::parse(&note.text).map_err(|error| damaged(error.to_string()))?;
    Ok((size, Some(checkpoint.root)))
}

fn totals(waterings: &[NoticeWatering], lines: &[NoticeLine], runs: &[RunSummary]) -> NoticeTotals {
    let mut totals = NoticeTotals {
        volume: waterings.iter().map(|one| one.volume).sum(),
        billed: runs.iter().map(|run| run.total).sum(),
        ..NoticeTotals::default()
    };
    for line in lines {
        if let LineOf::Share(share) = &line.of {
            totals.shared = totals.shared + share.litres;
            totals.over_quota = totals.over_quota + share.over.unwrap_or_default();
        }
        if let Some(sum) = &line.charges {
            totals.basic = totals.basic + sum.basic;
            totals.metered = totals.metered + sum.metered;
            totals.over = totals.over + sum.over;
            totals.fees = totals.fees + sum.fees;
            totals.given = totals.given + sum.given;
            totals.due = totals.due + sum.total;
        }
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_one_line_too_many() {
        assert!(within_limit(MAX_NOTICE_LINES).is_ok());
        let error = within_limit(MAX_NOTICE_LINES + 1).unwrap_err();
        assert!(matches!(error, ServiceError::NoticeTooLong { most: MAX_NOTICE_LINES }));
    }
}
