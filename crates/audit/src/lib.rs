//! The audit: recomputes everything from a copy of the public log, and says what does not hold.
//!
//! Nothing is trusted but the log's verifier key, if the caller has it from elsewhere. The copy is gone through once,
//! bundle by bundle; what is kept of an entry that was taken in is some hundred bytes:
//!
//! 1. As files ([`Source`]): the checkpoint's signature; every tile that the size calls for, each
//!    byte recomputed from the entries; the root; checkpoints that somebody saw before ([`Seen`]), each of which the
//!    tree must have passed through.
//! 2. As statements: each entry's one spelling, its attachments, what it says,
//!    who signed it, by the policy and directory that the log held before it; a watering's evidence
//!    with every report's signature and place in the meter's chain, and its volume; a run's bills to
//!    the fen.
//!
//! Then, where the source can list its files, none may be there that the log does not call for.
//!
//! What is the same wherever an entry stands is checked ahead by several threads: its form, its signatures, its
//! evidence. What follows from the entries before is judged in their order.
//!
//! An entry that may not stand leaves no record to judge later ones by. They are then checked for
//! their form alone (bytes, attachments, chain of the evidence), which [`Rule::NotJudged`]
//! says. This crate does no I/O, reads no clock and depends on neither the server nor its database.

mod account;
mod ahead;
mod chains;
mod entries;
mod evidence;
mod files;
mod finding;
mod listing;
mod memory;
mod pipeline;
mod quorum;
mod report;
mod source;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod tree;
mod verify;
mod withheld;

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::{PoisonError, RwLock};

use disclosure::merkle::Hash;
use disclosure::note::VerifierKey;
use disclosure::record::Record;
use disclosure::submission::Submission;
use domain::Timestamp;

use ahead::{Looked, Lookout};
use chains::Tagger;
use entries::Entries;
use files::Head;
use finding::Findings;
use pipeline::Fold;
use tree::{Bundle, Tree};

pub use account::Unattributed;
pub use entries::MAX_REPORTS;
pub use files::MAX_LOG_ENTRIES;
pub use finding::{Finding, MAX_FINDINGS, MAX_SENTENCE_CHARS, Part, Place, Rule};
pub use memory::{Known, MAX_MEMORY_BYTES, Memory, MemoryError};
pub use quorum::{QuorumError, check_quorum, check_receipt_quorum};
pub use report::{Report, SplitView, Verdict};
pub use source::{MAX_FILE_BYTES, Source, SourceError};
pub use tree::Seen;
pub use verify::{
    EnvelopeVerdict, Receipt, SignatureVerdict, VerifyError, verify_envelope, verify_receipt,
};

/// How an audit goes about it.
pub struct Settings<'a> {
    /// The log's verifier key, if the caller has it from elsewhere; without it the key that
    /// lies in the copy is taken.
    pub trusted: Option<&'a VerifierKey>,
    /// Checkpoints of the log that were seen before.
    pub seen: &'a [Seen],
    /// Receipts of the log's server, opened with its key, for what was to be posted.
    pub submissions: &'a [Submission],
    /// The present time, by which the receipts are judged; without it the times that the log itself tells.
    pub now: Option<Timestamp>,
    /// At how many findings it ends: 1 to [`MAX_FINDINGS`].
    pub most: usize,
    /// How many threads check ahead.
    pub threads: NonZeroUsize,
    /// Is told now and then how many entries are done, and of how many.
    pub progress: &'a dyn Fn(u64, u64),
}

impl Default for Settings<'_> {
    fn default() -> Self {
        let (most, threads) = (MAX_FINDINGS, NonZeroUsize::MIN);
        Self {
            trusted: None,
            seen: &[],
            submissions: &[],
            now: None,
            most,
            threads,
            progress: &|_, _| {},
        }
    }
}

/// Audits a log copy with one thread; `trusted` is as in [`Settings`].
pub fn audit(source: &impl Source, trusted: Option<&VerifierKey>) -> Report {
    audit_with(source, &Settings { trusted, ..Settings::default() }).0
}

/// Audits a log copy; also returns the record that was folded.
///
/// The record covers the entries before the first that may not stand: the whole log if it holds. It has forgotten
/// what settled waterings said ([`Record::forgetting`]).
pub fn audit_with(source: &impl Source, settings: &Settings<'_>) -> (Report, Record) {
    let mut findings = Findings::new(settings.most);
    let head = Head::read(source, settings.trusted, &mut findings);
    let size = head.size();
    let root = head.checkpoint.as_ref().map_or(Hash([0; 32]), |checkpoint| checkpoint.root);
    let record = RwLock::new(Record::forgetting());
    let lookout = Lookout { source, record: &record, tagger: Tagger(root) };
    let mut audit = Audit {
        source,
        size,
        tree: Tree::new(size, settings.seen),
        entries: Entries::new(&lookout, head.key.as_ref(), settings.submissions),
        findings,
        progress: settings.progress,
    };
    pipeline::run(&lookout, size, settings.threads, &mut audit);
    let Audit { mut tree, entries, mut findings, .. } = audit;
    entries.finish(size, settings.now, &mut findings);
    let recomputed = match &head.checkpoint {
        Some(checkpoint) if checkpoint.size == size && !findings.is_full() => {
            tree.finish(checkpoint, &mut findings)
        }
        _ => false,
    };
    let promises = entries.withheld.promises();
    let Entries { chains, named, totals, .. } = entries;
    if !findings.is_full() {
        listing::check(source, size, named, &mut findings);
    }
    let split_views = tree.contradicted.iter().map(|seen| SplitView {
        by: seen.by.clone(),
        earlier: seen.note.clone(),
        now: head.signed.clone(),
    });
    let split_views = split_views.collect();
    let record = record.into_inner().unwrap_or_else(PoisonError::into_inner);
    let complete = !findings.is_full();
    let report = report::Parts { head, recomputed, record: &record, totals, chains, promises }
        .report(settings.trusted.is_some(), split_views, findings.into_kept(), complete);
    (report, record)
}

/// The audit as it takes bundles and entries in.
struct Audit<'a, S> {
    source: &'a S,
    size: u64,
    tree: Tree<'a>,
    entries: Entries<'a, S>,
    findings: Findings,
    progress: &'a dyn Fn(u64, u64),
}

impl<S> Audit<'_, S> {
    fn go_on(&self) -> ControlFlow<()> {
        if self.findings.is_full() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl<S: Source> Fold for Audit<'_, S> {
    fn bundle(&mut self, bundle: &Bundle) -> ControlFlow<()> {
        self.tree.append(self.source, bundle, &mut self.findings);
        if bundle.entries.is_none() {
            self.entries.stop_at(bundle.first());
        }
        self.go_on()
    }

    fn entry(&mut self, index: u64, looked: Looked) -> ControlFlow<()> {
        self.entries.take(index, looked, &mut self.findings);
        (self.progress)(index + 1, self.size);
        self.go_on()
    }
}
