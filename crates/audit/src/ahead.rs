//! One entry, as far as it can be checked ahead of its turn: by any thread, in any order.

use std::sync::{PoisonError, RwLock};

use disclosure::dsse::Envelope;
use disclosure::record::{Candidate, Record, RecordError};

use crate::chains::Tagger;
use crate::evidence::{self, Checked, Ground};
use crate::finding::{Finding, Findings, Place, Rule};
use crate::source::Source;

/// What was found of an entry without the entries right before it.
#[derive(Debug)]
pub(crate) enum Looked {
    /// It is no envelope, or one of no statement.
    Refused(Vec<Finding>),
    /// It says something.
    Read(Box<Said>),
}

/// An entry that says something.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) candidate: Candidate<'static>,
    /// What is wrong with its bytes.
    pub(crate) findings: Vec<Finding>,
    /// Its evidence, if it is a watering.
    pub(crate) evidence: Checked,
    /// The state of the registry that the evidence was checked by; none where there was nothing to check by.
    pub(crate) ground: Option<u64>,
}

/// What entries are looked at by, whichever thread does it.
pub(crate) struct Lookout<'a, S> {
    pub(crate) source: &'a S,
    /// The record so far: entries before some that are looked at are still missing in it.
    pub(crate) record: &'a RwLock<Record>,
    pub(crate) tagger: Tagger,
}

impl<S: Source> Lookout<'_, S> {
    pub(crate) fn look(&self, index: u64, bytes: &[u8]) -> Looked {
        let mut findings = Findings::of_one();
        let envelope = match Envelope::parse(bytes) {
            Ok(envelope) => envelope,
            Err(error) => {
                findings.add(Place::Entry(index), Rule::Envelope, error);
                return Looked::Refused(findings.into_kept());
            }
        };
        if envelope.to_json() != bytes {
            let says = "the entry is not the one byte string of its envelope";
            findings.add(Place::Entry(index), Rule::EnvelopeBytes, says);
        }
        let mut candidate = match Candidate::owning(envelope) {
            Ok(candidate) => candidate,
            Err(error) => {
                findings.add(Place::Entry(index), Rule::Statement, error);
                return Looked::Refused(findings.into_kept());
            }
        };
        let (keys, ground) = {
            // Copied, so that nobody waits for a signature to be checked.
            let record = self.record.read().unwrap_or_else(PoisonError::into_inner);
            let facts = candidate.statement().watering_facts();
            let ground = facts.and_then(|facts| Ground::of(&record, facts));
            (candidate.claimed_keys(record.directory()), ground)
        };
        candidate.check_ahead(&keys);
        let evidence = self.evidence(index, &candidate, ground.as_ref());
        let ground = ground.map(|ground| ground.number);
        let findings = findings.into_kept();
        Looked::Read(Box::new(Said { candidate, findings, evidence, ground }))
    }

    /// Checks the evidence of a watering.
    pub(crate) fn evidence(
        &self,
        index: u64,
        candidate: &Candidate<'_>,
        ground: Option<&Ground>,
    ) -> Checked {
        candidate.statement().watering_facts().map_or_else(Checked::default, |facts| {
            evidence::check(self.source, index, facts, ground, self.tagger)
        })
    }
}

/// Which rule an entry breaks that may not stand.
pub(crate) const fn rule_of(error: &RecordError) -> Rule {
    match error {
        RecordError::Statement(_) => Rule::Statement,
        RecordError::Signature(_) => Rule::Signature,
        RecordError::SignaturesMissing(_) => Rule::SignaturesMissing,
        RecordError::Directory(_) | RecordError::RootsNotDistinct | RecordError::RootsChanged => {
            Rule::Key
        }
        RecordError::Policy(_) => Rule::Policy,
        RecordError::SharesDiffer
        | RecordError::Shares(_)
        | RecordError::AreaTooLarge(_)
        | RecordError::NoPlot(..)
        | RecordError::NotInGroup(..) => Rule::Shares,
        RecordError::Volume { .. } => Rule::Volume,
        RecordError::Attachment(_) => Rule::AttachmentAltered,
        RecordError::AttachmentMissing(_) => Rule::AttachmentMissing,
        RecordError::OtherWaterings { .. }
        | RecordError::Year(_)
        | RecordError::YearNotOver(_)
        | RecordError::Bill(_)
        | RecordError::BillsDiffer(_) => Rule::Bills,
        _ => Rule::Content,
    }
}
