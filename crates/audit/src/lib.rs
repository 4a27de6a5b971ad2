//! The audit: recomputes everything from a copy of the public log, and says what does not hold.
//!
//! Nothing is trusted but the log's verifier key, if the caller has it from elsewhere. The copy is
//! gone through twice:
//!
//! 1. As files ([`Source`]): the checkpoint's signature; every tile that the size calls for, each
//!    byte recomputed from the entries; the root.
//! 2. As statements: each entry's inclusion proof, its one spelling, its attachments, what it says,
//!    who signed it, by the policy and directory that the log held before it; a watering's evidence
//!    with every report's signature and place in the meter's chain, and its volume; a run's bills to
//!    the fen.
//!
//! Then, where the source can list its files, none may be there that the log does not call for.
//!
//! An entry that may not stand leaves no record to judge later ones by. They are then checked for
//! their form alone (bytes, proof, attachments, chain of the evidence), which [`Rule::NotJudged`]
//! says. This crate does no I/O, reads no clock and depends on neither the server nor its database.

mod entries;
mod evidence;
mod finding;
mod listing;
mod quorum;
mod report;
mod source;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod tree;
mod verify;

use disclosure::note::VerifierKey;
use disclosure::record::Record;

use entries::Entries;
use finding::Findings;
use tree::LogCopy;

pub use entries::MAX_REPORTS;
pub use finding::{Finding, MAX_FINDINGS, MAX_SENTENCE_CHARS, Place, Rule};
pub use quorum::{QuorumError, check_quorum, check_receipt_quorum};
pub use report::Report;
pub use source::{MAX_FILE_BYTES, Source, SourceError};
pub use tree::MAX_LOG_ENTRIES;
pub use verify::{
    EnvelopeVerdict, Receipt, SignatureVerdict, VerifyError, verify_envelope, verify_receipt,
};

/// Audits a log copy.
///
/// `trusted` is the log's verifier key if the caller has it from elsewhere; without it the key that
/// lies in the copy is taken.
pub fn audit(source: &impl Source, trusted: Option<&VerifierKey>) -> Report {
    audit_until(source, trusted, MAX_FINDINGS).0
}

/// Like [`audit`], but ends at the `most`-th finding; also returns the record that was folded.
///
/// The record covers the entries before the first that may not stand: the whole log if it holds.
pub fn audit_until(
    source: &impl Source,
    trusted: Option<&VerifierKey>,
    most: usize,
) -> (Report, Record) {
    let mut findings = Findings::new(most);
    let copy = LogCopy::read(source, trusted, &mut findings);
    let mut entries = Entries::new(source, &copy);
    entries.check(&mut findings);
    listing::check(source, &copy, entries.named_attachments(), &mut findings);
    let complete = !findings.is_full();
    let checkpoint = copy.checkpoint.as_ref();
    let (record, totals) = entries.finish();
    let report = Report {
        origin: checkpoint.map(|checkpoint| checkpoint.origin.clone()),
        log_key: copy.key.as_ref().map(ToString::to_string),
        key_was_trusted: trusted.is_some(),
        size: checkpoint.map_or(0, |checkpoint| checkpoint.size),
        root: checkpoint.map(|checkpoint| checkpoint.root),
        statements: totals.statements,
        entries_judged: record.size(),
        waterings: totals.waterings,
        volume_litres: totals.volume_litres,
        reports_verified: totals.reports_verified,
        bills: totals.bills,
        billed_fen: totals.billed_fen,
        findings: findings.into_kept(),
        complete,
    };
    (report, record)
}
