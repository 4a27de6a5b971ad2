//! The log as statements: each entry in its order, judged by the record of those before it.

use std::collections::{BTreeMap, BTreeSet};

use disclosure::attachment::AttachmentRef;
use disclosure::bundle::bundles_at;
use disclosure::dsse::Envelope;
use disclosure::merkle::{Hash, leaf_hash, verify_inclusion};
use disclosure::note::VerifierKey;
use disclosure::proof::inclusion_proof;
use disclosure::record::{Record, RecordError};
use disclosure::statement::{
    BALANCE_MEDIA_TYPE, BILLS_MEDIA_TYPE, EVIDENCE_MEDIA_TYPE, Kind, ROSTER_MEDIA_TYPE, Statement,
};
use disclosure::tile::TILE_WIDTH;
use domain::{Fen, Litres};

use crate::evidence::{self, Chains};
use crate::finding::{Findings, Place, Rule};
use crate::source::Source;
use crate::tree::{LogCopy, entries_of, read_if_there};

pub use crate::evidence::MAX_REPORTS;

/// The most entries whose failing inclusion proof is a finding of its own.
const MAX_PROOF_FINDINGS: u64 = 16;

/// Totals of what was read and judged.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) statements: BTreeMap<Kind, u64>,
    pub(crate) waterings: u64,
    pub(crate) volume_litres: Litres,
    pub(crate) reports_verified: u64,
    pub(crate) bills: u64,
    pub(crate) billed_fen: Fen,
}

/// The second pass over a copy.
pub(crate) struct Entries<'a, S> {
    source: &'a S,
    copy: &'a LogCopy,
    record: Record,
    /// The first entry that may not stand or cannot be read: nothing from it on is judged.
    stopped_at: Option<u64>,
    chains: Chains,
    /// Attachments that entries name.
    named: BTreeSet<Hash>,
    failed_proofs: u64,
    /// Indices of judged waterings and corrections.
    waterings: Vec<u64>,
    totals: Totals,
}

impl<'a, S: Source> Entries<'a, S> {
    pub(crate) fn new(source: &'a S, copy: &'a LogCopy) -> Self {
        Self {
            source,
            copy,
            record: Record::default(),
            stopped_at: None,
            chains: Chains::default(),
            named: BTreeSet::new(),
            failed_proofs: 0,
            waterings: Vec::new(),
            totals: Totals::default(),
        }
    }

    /// Checks every entry, in order.
    pub(crate) fn check(&mut self, findings: &mut Findings) {
        let size = self.copy.size();
        for id in bundles_at(size) {
            if findings.is_full() {
                return;
            }
            let first = id.index() * u64::from(TILE_WIDTH);
            let Some(entries) = entries_of(self.source, id) else {
                self.stopped_at.get_or_insert(first);
                continue;
            };
            for (index, bytes) in (first..).zip(entries) {
                if findings.is_full() {
                    return;
                }
                self.check_entry(index, &bytes, findings);
            }
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

    pub(crate) fn named_attachments(&self) -> &BTreeSet<Hash> {
        &self.named
    }

    /// The record of all judged entries, and the totals.
    pub(crate) fn finish(mut self) -> (Record, Totals) {
        let holding = self.waterings.iter().filter_map(|&index| self.record.watering(index));
        for posted in holding.filter(|posted| posted.superseded_by.is_none()) {
            self.totals.waterings += 1;
            self.totals.volume_litres = self.totals.volume_litres + posted.facts.volume_litres;
        }
        self.totals.reports_verified = self.chains.reports();
        (self.record, self.totals)
    }

    fn check_entry(&mut self, index: u64, bytes: &[u8], findings: &mut Findings) {
        let at = || Place::Entry(index);
        self.check_inclusion(index, bytes, findings);
        let envelope = match Envelope::parse(bytes) {
            Ok(envelope) => envelope,
            Err(error) => {
                findings.add(at(), Rule::Envelope, error);
                self.stopped_at.get_or_insert(index);
                return;
            }
        };
        if envelope.to_json() != bytes {
            let says = "the entry is not the one byte string of its envelope";
            findings.add(at(), Rule::EnvelopeBytes, says);
        }
        let statement = match Statement::parse(&envelope.payload_type, &envelope.payload) {
            Ok(statement) => statement,
            Err(error) => {
                findings.add(at(), Rule::Statement, error);
                self.stopped_at.get_or_insert(index);
                return;
            }
        };
        *self.totals.statements.entry(statement.kind()).or_default() += 1;
        if let (0, Statement::District(genesis)) = (index, &statement) {
            check_log_key(&genesis.log_key, self.copy.key.as_ref(), findings);
        }
        let attachments = self.read_attachments(index, &statement, findings);
        self.check_evidence(index, &statement, &attachments, findings);
        if self.stopped_at.is_none() {
            self.judge(index, &envelope, &attachments, findings);
        }
    }

    /// As a reader does who has this entry, the tiles and the checkpoint. One bad tile spoils many
    /// proofs, so only the first of them are findings.
    fn check_inclusion(&mut self, index: u64, bytes: &[u8], findings: &mut Findings) {
        let Some(checkpoint) = &self.copy.checkpoint else { return };
        let size = checkpoint.size;
        let verdict = match inclusion_proof(index, size, &self.copy.stored) {
            Ok(proof) => verify_inclusion(leaf_hash(bytes), index, size, &proof, checkpoint.root)
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let Err(says) = verdict else { return };
        self.failed_proofs += 1;
        if self.failed_proofs <= MAX_PROOF_FINDINGS {
            findings.add(Place::Entry(index), Rule::Inclusion, says);
        } else if self.failed_proofs == MAX_PROOF_FINDINGS + 1 {
            let says = "the inclusion proofs of further entries fail too";
            findings.add(Place::Log, Rule::Inclusion, says);
        }
    }

    /// The attachments that are what the statement names.
    fn read_attachments(
        &mut self,
        index: u64,
        statement: &Statement,
        findings: &mut Findings,
    ) -> BTreeMap<Hash, Vec<u8>> {
        let mut attachments = BTreeMap::new();
        // What is overdue has the attachments of what waits.
        let due = media_type(match statement {
            Statement::Overdue(overdue) => overdue.waiting.kind(),
            _ => statement.kind(),
        });
        for named in statement.attachments() {
            let AttachmentRef { sha256, media_type, .. } = named;
            let at = || Place::Entry(index);
            self.named.insert(*sha256);
            if Some(media_type.as_str()) != due {
                let says = format_args!(
                    "attachment {sha256} is said to be {media_type:?} and should be {due:?}"
                );
                findings.add(at(), Rule::Attachment, says);
            }
            match read_if_there(self.source, &named.path(), findings) {
                Ok(Some(bytes)) => match named.matches(&bytes) {
                    Ok(()) => {
                        attachments.insert(*sha256, bytes);
                    }
                    Err(error) => findings.add(at(), Rule::Attachment, error),
                },
                Ok(None) => {
                    let says = format_args!("attachment {sha256} is missing");
                    findings.add(at(), Rule::Attachment, says);
                }
                Err(_) => {}
            }
        }
        attachments
    }

    fn check_evidence(
        &mut self,
        index: u64,
        statement: &Statement,
        attachments: &BTreeMap<Hash, Vec<u8>>,
        findings: &mut Findings,
    ) {
        let Some(facts) = statement.watering_facts() else { return };
        let mut problems = evidence::Problems::new(index, findings);
        let mut pieces = Vec::with_capacity(facts.evidence.len());
        for named in &facts.evidence {
            let Some(bytes) = attachments.get(&named.reports.sha256) else { return };
            let Some(piece) = evidence::read(named, bytes, &mut problems) else { return };
            pieces.push((named, piece));
        }
        if self.stopped_at.is_some() {
            return;
        }
        // An outlet that the registry does not know is a finding of the judgement.
        if let Some(outlet) = self.record.outlets().get(&facts.outlet) {
            let chains = &mut self.chains;
            evidence::check(&self.record, facts, outlet, &pieces, chains, &mut problems);
        }
    }

    fn judge(
        &mut self,
        index: u64,
        envelope: &Envelope,
        attachments: &BTreeMap<Hash, Vec<u8>>,
        findings: &mut Findings,
    ) {
        let admitted = match self.record.admit(envelope, attachments) {
            Ok(admitted) => admitted,
            Err(error) => {
                findings.add(Place::Entry(index), rule_of(&error), error);
                self.stopped_at = Some(index);
                return;
            }
        };
        match &admitted.statement {
            Statement::Watering(_) | Statement::Correction(_) => self.waterings.push(index),
            Statement::BillRun(run) => {
                self.totals.bills += u64::from(run.households);
                self.totals.billed_fen = self.totals.billed_fen + run.total_fen;
            }
            _ => {}
        }
        self.record.apply(admitted);
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

const fn rule_of(error: &RecordError) -> Rule {
    match error {
        RecordError::Statement(_) => Rule::Statement,
        RecordError::Signature(_) => Rule::Signature,
        RecordError::SignaturesMissing(_) => Rule::SignaturesMissing,
        RecordError::SharesDiffer
        | RecordError::Shares(_)
        | RecordError::AreaTooLarge(_)
        | RecordError::NotInGroup(..) => Rule::Shares,
        RecordError::Volume { .. } => Rule::Volume,
        RecordError::Attachment(_) | RecordError::AttachmentMissing(_) => Rule::Attachment,
        RecordError::OtherWaterings { .. }
        | RecordError::OtherRoster(_)
        | RecordError::BasicCharge
        | RecordError::Bill(_)
        | RecordError::BillsDiffer(_) => Rule::Bills,
        _ => Rule::Content,
    }
}
