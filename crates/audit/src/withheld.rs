//! What should stand in the log by now and does not: promises that its server signed, and what the log's own
//! times say is overdue.
//!
//! An entry does not say when it was posted. But the server dates what it draws up, and nothing is posted before it
//! was drawn up: the latest of these dates among the entries so far is a time that had passed.

use std::collections::BTreeMap;

use disclosure::merkle::Hash;
use disclosure::record::{Candidate, Record};
use disclosure::statement::{
    Balance, DAY_MILLIS, Kind, OutletBalance, Statement, Subject, balances_from_lines,
};
use disclosure::submission::Submission;
use domain::{MeterCode, Timestamp};

use crate::finding::{Findings, Place, Rule};
use crate::report::count;

/// How long a server may take to post what is overdue: a day, as its submission receipts say.
const POST_WITHIN_MILLIS: i64 = DAY_MILLIS;
/// How long after its end a day's balance may be posted.
const BALANCE_WITHIN_MILLIS: i64 = 2 * DAY_MILLIS;

/// What is watched for over the entries.
pub(crate) struct Withheld<'a> {
    /// What was promised, and whether it was kept.
    owed: Vec<(&'a Submission, bool)>,
    /// A time that had passed when the last entry was posted.
    passed: Option<Timestamp>,
    /// The day whose balance was missed already.
    missed: Option<Timestamp>,
    /// How far each meter's reports had come, by the last balance.
    last_reports: BTreeMap<MeterCode, u64>,
}

impl<'a> Withheld<'a> {
    pub(crate) fn new(submissions: &'a [Submission]) -> Self {
        let owed = submissions.iter().map(|submission| (submission, false)).collect();
        Self { owed, passed: None, missed: None, last_reports: BTreeMap::new() }
    }

    /// Looks at a statement that may stand next in the record.
    pub(crate) fn look(
        &mut self,
        index: u64,
        statement: &Statement,
        attachments: &BTreeMap<Hash, Vec<u8>>,
        record: &Record,
        findings: &mut Findings,
    ) {
        self.note_time(statement);
        self.look_for_overdue(index, statement, record, findings);
        self.look_for_balance(index, statement, record, findings);
        if let Statement::Balance(balance) = statement {
            self.look_at_reports(index, balance, attachments, findings);
        }
    }

    /// The promises that an entry keeps, if it may stand, by their place.
    pub(crate) fn kept_by(&self, candidate: &Candidate<'_>) -> Vec<usize> {
        if self.owed.is_empty() {
            return Vec::new();
        }
        let payload = Hash::of(candidate.payload());
        let keeps = |(_, (submission, _)): &(usize, &(&Submission, bool))| {
            submission.owed.is_met_by(candidate.statement(), &payload)
        };
        self.owed.iter().enumerate().filter(keeps).map(|(place, _)| place).collect()
    }

    /// Takes note of promises that are kept.
    pub(crate) fn keep(&mut self, places: &[usize]) {
        for place in places {
            if let Some((_, kept)) = self.owed.get_mut(*place) {
                *kept = true;
            }
        }
    }

    /// How many promises there are, and how many are kept.
    pub(crate) fn promises(&self) -> (u64, u64) {
        let kept = self.owed.iter().filter(|(_, kept)| *kept).count();
        (count(self.owed.len()), count(kept))
    }

    /// Says which promises are broken `now`.
    pub(crate) fn finish(&self, now: Option<Timestamp>, size: u64, findings: &mut Findings) {
        let Some(now) = now.max(self.passed) else { return };
        for (submission, _) in self.owed.iter().filter(|(owed, kept)| !kept && owed.by < now) {
            let says = format_args!(
                "{} was to be posted by {}, as the log signed on {}, and is not among its {size} entries",
                submission.owed, submission.by, submission.received_at
            );
            findings.add(Place::Log, Rule::Owed, says);
        }
    }

    fn note_time(&mut self, statement: &Statement) {
        let drawn_up_by_the_server = matches!(
            statement.kind(),
            Kind::Watering | Kind::Correction | Kind::BillRun | Kind::Overdue | Kind::Balance
        );
        if drawn_up_by_the_server {
            self.passed = self.passed.max(Some(statement.head().drafted_at));
        }
    }

    fn look_for_overdue(
        &self,
        index: u64,
        statement: &Statement,
        record: &Record,
        findings: &mut Findings,
    ) {
        let Some((subject, since)) = Subject::of(statement) else { return };
        let Some(due_at) = record.due_since(statement.kind(), since) else { return };
        let late = self.passed.is_some_and(|now| now > due_at.plus_millis(POST_WITHIN_MILLIS));
        if late && record.overdue(&subject).is_none() {
            let says = format_args!(
                "its signatures were due by {due_at}, it came later, and the log never said that it is overdue"
            );
            findings.add(Place::Entry(index), Rule::OverdueUntold, says);
        }
    }

    /// What is drawn up for people to sign tells that the server was at work then. What the log says by itself does
    /// not: after days without a server it begins with what was missed.
    fn look_for_balance(
        &mut self,
        index: u64,
        statement: &Statement,
        record: &Record,
        findings: &mut Findings,
    ) {
        if !matches!(statement.kind(), Kind::Watering | Kind::Correction | Kind::BillRun) {
            return;
        }
        let next = match (record.balanced_until(), record.district()) {
            (Some(last), _) => last.plus_millis(DAY_MILLIS),
            (None, Some(district)) => Balance::end_of_day(district.head.drafted_at),
            (None, None) => return,
        };
        let late = statement.head().drafted_at > next.plus_millis(BALANCE_WITHIN_MILLIS);
        if late && self.missed != Some(next) {
            self.missed = Some(next);
            let says =
                format_args!("the balance of the day that ended at {next} is not posted by now");
            findings.add(Place::Entry(index), Rule::BalanceMissing, says);
        }
    }

    fn look_at_reports(
        &mut self,
        index: u64,
        balance: &Balance,
        attachments: &BTreeMap<Hash, Vec<u8>>,
        findings: &mut Findings,
    ) {
        // That they cannot be read was said where they were judged.
        let lines = attachments.get(&balance.entries.sha256);
        let entries = lines.and_then(|lines| balances_from_lines(lines).ok()).unwrap_or_default();
        for last in entries.into_iter().flat_map(|OutletBalance { meters, .. }| meters) {
            let before = self.last_reports.insert(last.meter.clone(), last.report);
            if let Some(before) = before.filter(|before| *before > last.report) {
                let says = format_args!(
                    "reports 1 to {before} of meter {} were there a day before, now only {}",
                    last.meter, last.report
                );
                findings.add(Place::Entry(index), Rule::ReportsWithdrawn, says);
            }
        }
    }
}
