//! May this billing run stand in the record? It may when it says exactly what the postings before it give.
//!
//! A village's year is reckoned whole each time ([`domain::account`]); a run bills the difference to what earlier runs
//! billed. So a watering that was corrected or posted late changes later rounds by lines of their own, and nothing is
//! rewritten. The closing of a year is final: no later posting changes it.

use std::collections::{BTreeMap, BTreeSet};

use domain::account::{AccountError, QuotaUse, Rosters, YearWatering, account, quota_uses};
use domain::bill::{Bill, BillLine, Charge, settle};
use domain::plot::Source;
use domain::share::Share;
use domain::{Fen, HouseholdNo, RoundId, Timestamp, VillageId};

use super::{Attachments, PostedRun, Record, RecordError, load};
use crate::statement::{BillRun, RosterEntry, WateringFacts, bills_to_lines};

/// What the record gives for a village and round, or for the closing of its year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// The year.
    pub year: i32,
    /// The waterings that no earlier run billed as they hold now, by posting index.
    pub waterings: Vec<u64>,
    /// The bills, by household number.
    pub bills: Vec<Bill>,
    /// What they come to.
    pub total_fen: Fen,
}

/// What a village's bills of a year are reckoned from.
#[derive(Debug, Clone, Default)]
pub(super) struct YearBook {
    /// The waterings that hold, by the posting index of their first version.
    waterings: BTreeMap<u64, Booked>,
    /// The rounds of which a run was posted.
    rounds: BTreeSet<RoundId>,
    /// What runs have billed: the latest amount of each charge.
    billed: BTreeMap<HouseholdNo, BTreeMap<Charge, Fen>>,
    /// The run that closed the year.
    closed_by: Option<u64>,
}

/// A watering that holds; what it says stands in the record.
#[derive(Debug, Clone)]
struct Booked {
    /// Its posting index.
    index: u64,
    /// What the registry said of its outlet when it was posted.
    source: Source,
    /// Whether a run has billed it as it holds.
    billed: bool,
}

impl Record {
    /// The latest run that billed a village and round; of no round, the one that closed its year.
    pub fn run_of(&self, village: &VillageId, round: Option<&RoundId>) -> Option<&PostedRun> {
        let same = |run: &&PostedRun| run.village == *village && run.round.as_ref() == round;
        self.runs.iter().rev().find(same)
    }

    /// The run that billed the watering posted at `index`.
    pub fn billed_by(&self, index: u64) -> Option<u64> {
        if let Some(posted) = self.waterings.get(&index) {
            return posted.billed_by;
        }
        // Forgotten, if it ever was a watering; a run lists its waterings in order.
        let billed = |run: &&PostedRun| run.waterings.binary_search(&index).is_ok();
        self.runs.iter().find(billed).map(|run| run.index)
    }

    /// The run that closed a village's year.
    pub fn closed_by(&self, village: &VillageId, year: i32) -> Option<u64> {
        self.books.get(village)?.get(&year)?.closed_by
    }

    /// Computes what is due for a village and round: in the first year in which something is.
    pub fn settle(&self, village: &VillageId, round: &RoundId) -> Result<Settlement, RecordError> {
        self.known_village(village)?;
        let books = self.books.get(village).into_iter().flatten();
        let open = books.filter(|(_, book)| book.closed_by.is_none());
        let of_round = open.filter(|(_, book)| {
            let mut waterings = book.waterings.values();
            book.rounds.contains(round) || waterings.any(|one| self.is_of(one, round))
        });
        for (&year, book) in of_round {
            let settlement = self.reckon(village, year, book, Some(round))?;
            if !settlement.waterings.is_empty() || !settlement.bills.is_empty() {
                return Ok(settlement);
            }
        }
        match self.run_of(village, Some(round)) {
            Some(run) => Err(RecordError::BilledBefore { run: run.index }),
            None => Err(RecordError::NothingToBill),
        }
    }

    /// Computes the closing of a village's year: all that is due still, with rewards and what is short of the minimum.
    /// A year closes once it is over.
    pub fn settle_year(
        &self,
        village: &VillageId,
        year: i32,
        now: Timestamp,
    ) -> Result<Settlement, RecordError> {
        self.known_village(village)?;
        if let Some(run) = self.closed_by(village, year) {
            return Err(RecordError::BilledBefore { run });
        }
        if now <= Timestamp::year_end(year).map_err(AccountError::from)? {
            return Err(RecordError::YearNotOver(year));
        }
        let book = self.books.get(village).and_then(|books| books.get(&year));
        self.reckon(village, year, book.ok_or(RecordError::NothingToBill)?, None)
    }

    /// What would be billed to a household now, were all its waterings of a year settled; none when nothing would.
    pub fn running(
        &self,
        village: &VillageId,
        year: i32,
        household: &HouseholdNo,
    ) -> Result<Option<Bill>, RecordError> {
        let Some(book) = self.books.get(village).and_then(|books| books.get(&year)) else {
            return Ok(None);
        };
        if book.closed_by.is_some() {
            return Ok(None);
        }
        let all = book.waterings.iter();
        let waterings = all.filter_map(|(origin, booked)| self.year_watering(*origin, booked));
        let own = |watering: &YearWatering| watering.shares.iter().any(|(one, _)| one == household);
        let waterings: Vec<YearWatering> = waterings.filter(own).collect();
        let accounts = self.accounts(village, year, &waterings, false)?;
        let lines = accounts.into_iter().find(|(one, _)| one == household);
        let lines = lines.map(|(_, lines)| lines).unwrap_or_default();
        Ok(due_of(book, household.clone(), &lines))
    }

    /// How the shares of a village's waterings of a year that hold stand to the quotas, settled or not; none of a year
    /// without any.
    pub fn quota_uses(&self, village: &VillageId, year: i32) -> Result<Vec<QuotaUse>, RecordError> {
        let Some(book) = self.books.get(village).and_then(|books| books.get(&year)) else {
            return Ok(Vec::new());
        };
        let all = book.waterings.iter();
        let waterings: Vec<YearWatering> =
            all.filter_map(|(origin, booked)| self.year_watering(*origin, booked)).collect();
        let rosters = self.holdings(village, year)?;
        Ok(quota_uses(year, &rosters, &self.tariffs, &waterings)?)
    }

    fn reckon(
        &self,
        village: &VillageId,
        year: i32,
        book: &YearBook,
        round: Option<&RoundId>,
    ) -> Result<Settlement, RecordError> {
        // The waterings of its round and of those settled before; all for the closing.
        let counts = |booked: &Booked| {
            round.is_none_or(|round| self.is_of(booked, round))
                || book.rounds.iter().any(|settled| self.is_of(booked, settled))
        };
        let counted: Vec<(&u64, &Booked)> =
            book.waterings.iter().filter(|(_, booked)| counts(booked)).collect();
        let waterings = counted.iter();
        let waterings: Vec<YearWatering> =
            waterings.filter_map(|(origin, booked)| self.year_watering(**origin, booked)).collect();
        let accounts = self.accounts(village, year, &waterings, round.is_none())?;
        let mut accounts: BTreeMap<HouseholdNo, _> = accounts.into_iter().collect();
        // Who was billed and has no line any more gets the money back.
        for household in book.billed.keys() {
            accounts.entry(household.clone()).or_default();
        }
        let mut bills: Vec<Bill> = accounts
            .into_iter()
            .filter_map(|(household, lines)| due_of(book, household, &lines))
            .collect();
        bills.sort_by(|a, b| a.household.number_order().cmp(&b.household.number_order()));
        let new = counted.iter().filter(|(_, booked)| !booked.billed);
        let mut waterings: Vec<u64> = new.map(|(_, booked)| booked.index).collect();
        waterings.sort_unstable();
        let total_fen = bills.iter().map(|bill| bill.total_fen).sum();
        Ok(Settlement { year, waterings, bills, total_fen })
    }

    fn accounts(
        &self,
        village: &VillageId,
        year: i32,
        waterings: &[YearWatering],
        closing: bool,
    ) -> Result<Vec<(HouseholdNo, Vec<BillLine>)>, RecordError> {
        let rosters = self.holdings(village, year)?;
        Ok(account(year, &rosters, &self.tariffs, waterings, closing)?)
    }

    fn is_of(&self, booked: &Booked, round: &RoundId) -> bool {
        self.waterings.get(&booked.index).is_some_and(|posted| posted.facts.round == *round)
    }

    fn year_watering(&self, origin: u64, booked: &Booked) -> Option<YearWatering> {
        let facts = &self.waterings.get(&booked.index)?.facts;
        let share = |share: &Share| (share.household.clone(), share.litres);
        Some(YearWatering {
            origin,
            index: booked.index,
            start: facts.start,
            source: booked.source,
            shares: facts.shares.iter().map(share).collect(),
        })
    }

    /// What a village's households hold by the rosters of a year.
    fn holdings(&self, village: &VillageId, year: i32) -> Result<Rosters, RecordError> {
        let start = Timestamp::year_start(year).map_err(AccountError::from)?;
        let end = Timestamp::year_end(year).map_err(AccountError::from)?;
        let mut rosters = Rosters::default();
        for posted in
            self.rosters.get(village).map(|all| all.within(start, Some(end))).into_iter().flatten()
        {
            let holdings = posted.entries.values().map(RosterEntry::holding).collect();
            rosters.post(posted.index, posted.effective_from, holdings)?;
        }
        Ok(rosters)
    }

    pub(super) fn check_run(
        &self,
        body: &BillRun,
        attachments: &impl Attachments,
    ) -> Result<Vec<Bill>, RecordError> {
        let due = match &body.round {
            Some(round) => self.settle(&body.village, round)?,
            None => self.settle_year(&body.village, body.year, body.head.drafted_at)?,
        };
        if body.waterings != due.waterings {
            return Err(RecordError::OtherWaterings { expected: due.waterings });
        }
        if body.year != due.year {
            return Err(RecordError::Year(due.year));
        }
        let stated = load(&body.bills, attachments)?;
        let expected = bills_to_lines(&due.bills).map_err(RecordError::Json)?;
        if stated != expected {
            return Err(RecordError::BillsDiffer(first_difference(&due.bills, &stated)));
        }
        let count = u32::try_from(due.bills.len()).ok();
        if count != Some(body.households) || body.total_fen != due.total_fen {
            return Err(RecordError::BillsDiffer(None));
        }
        Ok(due.bills)
    }

    /// A year that was closed takes no watering any more.
    pub(super) fn check_year(&self, facts: &WateringFacts) -> Result<(), RecordError> {
        let year = facts.start.year();
        match self.closed_by(&facts.village, year) {
            Some(run) => Err(RecordError::YearClosed { village: facts.village.clone(), year, run }),
            None => Ok(()),
        }
    }

    /// Enters a watering, or its correction in the place of the version before, in the book of its year.
    pub(super) fn book(&mut self, index: u64, facts: &WateringFacts, supersedes: Option<u64>) {
        let Some(source) = self.outlets.get(&facts.outlet).map(|outlet| outlet.source) else {
            return;
        };
        let books = self.books.entry(facts.village.clone()).or_default();
        // A correction may move the watering over the turn of a year.
        let former = supersedes.and_then(|former| {
            books.values_mut().find_map(|book| {
                let mut waterings = book.waterings.iter();
                let origin = *waterings.find(|(_, booked)| booked.index == former)?.0;
                book.waterings.remove(&origin).map(|_| origin)
            })
        });
        let booked = Booked { index, source, billed: false };
        let book = books.entry(facts.start.year()).or_default();
        book.waterings.insert(former.unwrap_or(index), booked);
    }

    /// Takes in a run with its bills, which were checked to be those that are due.
    pub(super) fn apply_run(&mut self, index: u64, body: BillRun, bills: Vec<Bill>) {
        for watering in &body.waterings {
            if let Some(posted) = self.waterings.get_mut(watering) {
                posted.billed_by = Some(index);
            }
        }
        let books = self.books.entry(body.village.clone()).or_default();
        let book = books.entry(body.year).or_default();
        for booked in book.waterings.values_mut() {
            booked.billed |= body.waterings.binary_search(&booked.index).is_ok();
        }
        for bill in bills {
            let billed = book.billed.entry(bill.household).or_default();
            billed.extend(bill.lines.into_iter().map(|line| (line.charge, line.amount_fen)));
        }
        if let Some(round) = &body.round {
            book.rounds.insert(round.clone());
        } else {
            // Nothing to come is judged by them.
            let closed = std::mem::take(book);
            book.closed_by = Some(index);
            if self.forgets {
                for booked in closed.waterings.into_values() {
                    self.forget(booked.index);
                }
            } else {
                // Boards still tell how they stood to the quotas.
                book.waterings = closed.waterings;
            }
        }
        self.runs.push(PostedRun {
            index,
            village: body.village,
            round: body.round,
            year: body.year,
            waterings: body.waterings,
        });
    }
}

/// A household's bill of what is due after earlier runs; none when nothing is.
fn due_of(book: &YearBook, household: HouseholdNo, lines: &[BillLine]) -> Option<Bill> {
    let none = BTreeMap::new();
    let due = settle(lines, book.billed.get(&household).unwrap_or(&none));
    (!due.is_empty()).then(|| Bill::new(household, due))
}

/// The first household whose line is not the one expected.
fn first_difference(expected: &[Bill], stated: &[u8]) -> Option<HouseholdNo> {
    let mut lines = stated.split_inclusive(|&byte| byte == b'\n');
    expected
        .iter()
        .find(|bill| {
            let own = bills_to_lines(core::slice::from_ref(*bill)).unwrap_or_default();
            lines.next() != Some(own.as_slice())
        })
        .map(|bill| bill.household.clone())
}
