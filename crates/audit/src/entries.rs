//! The log as statements: each entry in its order, judged by the record of those before it.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use disclosure::attachment::AttachmentRef;
use disclosure::merkle::Hash;
use disclosure::note::VerifierKey;
use disclosure::record::{Candidate, Record, RecordError};
use disclosure::statement::{
    BALANCE_MEDIA_TYPE, BILLS_MEDIA_TYPE, Correction, EVIDENCE_MEDIA_TYPE, Kind, ROSTER_MEDIA_TYPE,
    Statement, Watering, WateringFacts,
};
use disclosure::submission::Submission;
use domain::{Fen, Litres, Timestamp};

use crate::ahead::{Looked, Lookout, Said, rule_of};
use crate::chains::Chains;
use crate::evidence::{Checked, Ground};
use crate::files::read_attachment;
use crate::finding::{Findings, Place, Rule};
use crate::listing::Named;
use crate::source::Source;
use crate::withheld::Withheld;

pub use crate::evidence::MAX_REPORTS;

/// Totals of what was read and judged.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) statements: BTreeMap<Kind, u64>,
    pub(crate) signatures: u64,
    pub(crate) policies: u64,
    pub(crate) waterings: u64,
    pub(crate) volume_litres: Litres,
    pub(crate) shares: u64,
    pub(crate) bills: u64,
    pub(crate) billed_fen: Fen,
}

/// The fold over the entries.
pub(crate) struct Entries<'a, S> {
    lookout: &'a Lookout<'a, S>,
    record: &'a RwLock<Record>,
    log_key: Option<&'a VerifierKey>,
    /// The first entry that may not stand or cannot be read: nothing from it on is judged.
    stopped_at: Option<u64>,
    pub(crate) chains: Chains,
    /// Attachments that entries name.
    pub(crate) named: Named,
    pub(crate) totals: Totals,
    pub(crate) withheld: Withheld<'a>,
}

impl<'a, S: Source> Entries<'a, S> {
    pub(crate) fn new(
        lookout: &'a Lookout<'a, S>,
        log_key: Option<&'a VerifierKey>,
        submissions: &'a [Submission],
    ) -> Self {
        Self {
            lookout,
            record: lookout.record,
            log_key,
            stopped_at: None,
            chains: Chains::default(),
            named: Named::default(),
            totals: Totals::default(),
            withheld: Withheld::new(submissions),
        }
    }

    /// Nothing from this entry on can be judged.
    pub(crate) fn stop_at(&mut self, index: u64) {
        self.stopped_at.get_or_insert(index);
    }

    /// Takes the next entry in.
    pub(crate) fn take(&mut self, index: u64, looked: Looked, findings: &mut Findings) {
        let said = match looked {
            Looked::Refused(found) => {
                findings.extend(&found);
                self.stop_at(index);
                return;
            }
            Looked::Read(said) => *said,
        };
        findings.extend(&said.findings);
        let statement = said.candidate.statement();
        *self.totals.statements.entry(statement.kind()).or_default() += 1;
        if let (0, Statement::District(genesis)) = (index, statement) {
            check_log_key(&genesis.log_key, self.log_key, findings);
        }
        // What is overdue has the attachments of what waits.
        let due = media_type(match statement {
            Statement::Overdue(overdue) => overdue.waiting.kind(),
            _ => statement.kind(),
        });
        for AttachmentRef { sha256, media_type, .. } in statement.attachments() {
            self.named.add(sha256);
            if Some(media_type.as_str()) != due {
                let says = format_args!(
                    "attachment {sha256} is said to be {media_type:?} and should be {due:?}"
                );
                findings.add(Place::Entry(index), Rule::AttachmentType, says);
            }
        }
        let Said { candidate, evidence, ground, .. } = said;
        self.take_evidence(index, &candidate, evidence, ground, findings);
        let attachments = self.read_attachments(index, candidate.statement(), findings);
        if self.stopped_at.is_none() {
            self.judge(index, candidate, &attachments, findings);
        }
    }

    /// Says of the rest that it was not judged, if that is so; else what is withheld `now`.
    pub(crate) fn finish(&self, size: u64, now: Option<Timestamp>, findings: &mut Findings) {
        if self.stopped_at.is_none() {
            self.withheld.finish(now, size, findings);
        }
        if let Some(from) = self.stopped_at.map(|stopped| stopped + 1).filter(|&from| from < size) {
            let says = format_args!(
                "entries {from} to {} were checked for their form alone: what may stand there \
                 follows from entry {}, which may not stand or cannot be read",
                size - 1,
                from - 1
            );
            findings.add(Place::Log, Rule::NotJudged, says);
        }
    }

    fn record(&self) -> RwLockReadGuard<'a, Record> {
        self.record.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn record_mut(&self) -> RwLockWriteGuard<'a, Record> {
        self.record.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_evidence(
        &mut self,
        index: u64,
        candidate: &Candidate<'_>,
        ahead: Checked,
        ahead_by: Option<u64>,
        findings: &mut Findings,
    ) {
        let Some(facts) = candidate.statement().watering_facts() else { return };
        let checked = if self.stopped_at.is_some() {
            Checked { form: ahead.form, ..Checked::default() }
        } else {
            self.checked_by_now(index, candidate, facts, ahead, ahead_by)
        };
        findings.extend(&checked.form);
        findings.extend(&checked.substance);
        for links in checked.links {
            if let Err(says) = self.chains.enter(links) {
                findings.add(Place::Entry(index), Rule::ReportFork, says);
            }
        }
        if self.chains.reports() > MAX_REPORTS {
            let says = format_args!("the log's evidence holds more than {MAX_REPORTS} reports");
            findings.add(Place::Entry(index), Rule::TooManyReports, says);
            self.stop_at(index);
        }
    }

    /// What was checked ahead, if the registry is still the one it was checked by; else checked again.
    fn checked_by_now(
        &self,
        index: u64,
        candidate: &Candidate<'_>,
        facts: &WateringFacts,
        ahead: Checked,
        ahead_by: Option<u64>,
    ) -> Checked {
        let ground = {
            let record = self.record();
            if ahead_by == Some(record.ground()) {
                return ahead;
            }
            Ground::of(&record, facts)
        };
        match ground {
            Some(ground) => self.lookout.evidence(index, candidate, Some(&ground)),
            None => Checked { form: ahead.form, ..Checked::default() },
        }
    }

    /// The roster or the bills that the statement names; evidence was read ahead.
    fn read_attachments(
        &self,
        index: u64,
        statement: &Statement,
        findings: &mut Findings,
    ) -> BTreeMap<Hash, Vec<u8>> {
        if statement.watering_facts().is_some() {
            return BTreeMap::new();
        }
        let read = |named: &AttachmentRef| {
            let bytes = read_attachment(self.lookout.source, index, named, findings)?;
            Some((named.sha256, bytes))
        };
        statement.attachments().into_iter().filter_map(read).collect()
    }

    fn judge(
        &mut self,
        index: u64,
        candidate: Candidate<'_>,
        attachments: &BTreeMap<Hash, Vec<u8>>,
        findings: &mut Findings,
    ) {
        let kept = self.withheld.kept_by(&candidate);
        let admitted = self.record().admit_read(candidate, attachments);
        let admitted = match admitted {
            Ok(admitted) => admitted,
            Err(error) => {
                // That it is missing or altered was said where it was read.
                if !matches!(error, RecordError::AttachmentMissing(_)) {
                    findings.add(Place::Entry(index), rule_of(&error), error);
                }
                self.stop_at(index);
                return;
            }
        };
        self.count(&admitted.statement);
        let record = self.record();
        let statement = &admitted.statement;
        self.withheld.look(index, statement, attachments, &record, findings);
        drop(record);
        self.withheld.keep(&kept);
        self.totals.signatures +=
            u64::try_from(admitted.standing.signatures.len()).unwrap_or(u64::MAX);
        self.record_mut().apply(admitted);
    }

    fn count(&mut self, statement: &Statement) {
        if let Statement::Correction(body) = statement
            && let Some(former) = self.record().watering(body.supersedes)
        {
            self.totals.waterings -= 1;
            self.totals.volume_litres = self.totals.volume_litres - former.facts.volume_litres;
            self.totals.shares -= u64::try_from(former.facts.shares.len()).unwrap_or_default();
        }
        if let Statement::Watering(Watering { watering: facts, .. })
        | Statement::Correction(Correction { watering: facts, .. }) = statement
        {
            self.totals.waterings += 1;
            self.totals.volume_litres = self.totals.volume_litres + facts.volume_litres;
            self.totals.shares += u64::try_from(facts.shares.len()).unwrap_or_default();
        }
        match statement {
            Statement::District(_) => self.totals.policies += 1,
            Statement::BillRun(run) => {
                self.totals.bills += u64::from(run.households);
                self.totals.billed_fen = self.totals.billed_fen + run.total_fen;
            }
            _ => {}
        }
    }
}

/// The genesis names the key whose checkpoints it stands under.
fn check_log_key(named: &str, used: Option<&VerifierKey>, findings: &mut Findings) {
    let Some(used) = used else { return };
    // A key that cannot be read is a finding of the judgement.
    if VerifierKey::parse(named).is_ok_and(|named| named != *used) {
        let says = format_args!("the genesis names the log key {named} and not {used}");
        findings.add(Place::Entry(0), Rule::LogKey, says);
    }
}

const fn media_type(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Roster => Some(ROSTER_MEDIA_TYPE),
        Kind::Watering | Kind::Correction => Some(EVIDENCE_MEDIA_TYPE),
        Kind::BillRun => Some(BILLS_MEDIA_TYPE),
        Kind::Balance => Some(BALANCE_MEDIA_TYPE),
        Kind::District | Kind::Key | Kind::Registry | Kind::Tariff | Kind::Overdue => None,
    }
}
