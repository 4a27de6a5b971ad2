//! What does not hold: findings with their place and rule.

use core::fmt;

use serde::Serialize;

/// The most findings that an audit gathers; it ends when it has them.
pub const MAX_FINDINGS: usize = 1_000;
/// The longest sentence of a finding, in characters; what the copy itself says is cut there.
pub const MAX_SENTENCE_CHARS: usize = 600;

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Where.
    pub at: Place,
    /// Which rule it breaks.
    pub rule: Rule,
    /// What is wrong, for people.
    pub says: String,
}

/// Where something does not hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// The log as a whole.
    Log,
    /// The checkpoint.
    Checkpoint,
    /// A file of the copy, by its path.
    File(String),
    /// The entry at this index.
    Entry(u64),
}

/// The rules that an audit checks; each is written as a short code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// A file can be read.
    Unreadable,
    /// No file is longer than [`crate::MAX_FILE_BYTES`].
    FileTooLong,
    /// A file that the log calls for is there.
    FileMissing,
    /// A listed file belongs to the log.
    StrayFile,
    /// The log's key is readable, the trusted one, and the one that the genesis names.
    LogKey,
    /// The checkpoint is well formed and signed by the log's key.
    Checkpoint,
    /// The log is no longer than [`crate::MAX_LOG_ENTRIES`].
    LogTooLong,
    /// An entry bundle reads as exactly its entries.
    Bundle,
    /// A tile is, byte for byte, what the entries give.
    Tile,
    /// The entries lead to the checkpoint's root.
    Root,
    /// An entry's inclusion proof, made from the tiles, leads to the checkpoint's root.
    Inclusion,
    /// An entry is an envelope.
    Envelope,
    /// An entry is the one byte string of its envelope.
    EnvelopeBytes,
    /// An entry's payload is a statement.
    Statement,
    /// Every signature of an entry counts, by the log before it.
    Signature,
    /// The policy in force before an entry is met.
    SignaturesMissing,
    /// A watering's shares are what the roster in force gives.
    Shares,
    /// A run's bills are what the postings before it give.
    Bills,
    /// What a statement says fits the record before it.
    Content,
    /// An attachment is there and is what its statement names.
    Attachment,
    /// An entry was judged by all that the log says before it.
    NotJudged,
    /// Evidence reads as a sequence of reports.
    EvidenceForm,
    /// Evidence is of the watering's meter, in the kind that the registry's scale is for.
    EvidenceMeter,
    /// Evidence runs from its first to its last sequence number without a gap.
    ReportSequence,
    /// Each report of the evidence carries the hash of the one before it.
    ReportChain,
    /// A meter says one thing under one sequence number, in all evidence.
    ReportFork,
    /// Each report is signed by the device key that the registry holds.
    ReportSignature,
    /// The reports lead to the root that the statement names.
    EvidenceRoot,
    /// Evidence covers the watering and holds no report beyond that.
    EvidenceSpan,
    /// No reading is from before its meter's installation or outside the years reckoned with.
    ReadingTime,
    /// V(t0), V(t1) and the volume are what the reports give.
    Volume,
    /// The stated doubts are those that the reports give.
    Doubts,
    /// All evidence together is no more than [`crate::MAX_REPORTS`].
    TooManyReports,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log => f.write_str("log"),
            Self::Checkpoint => f.write_str("checkpoint"),
            Self::File(path) => write!(f, "file {}", visible(path)),
            Self::Entry(index) => write!(f, "entry {index}"),
        }
    }
}

impl Rule {
    /// The short code, as it stands in JSON.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::FileTooLong => "file-too-long",
            Self::FileMissing => "file-missing",
            Self::StrayFile => "stray-file",
            Self::LogKey => "log-key",
            Self::Checkpoint => "checkpoint",
            Self::LogTooLong => "log-too-long",
            Self::Bundle => "bundle",
            Self::Tile => "tile",
            Self::Root => "root",
            Self::Inclusion => "inclusion",
            Self::Envelope => "envelope",
            Self::EnvelopeBytes => "envelope-bytes",
            Self::Statement => "statement",
            Self::Signature => "signature",
            Self::SignaturesMissing => "signatures-missing",
            Self::Shares => "shares",
            Self::Bills => "bills",
            Self::Content => "content",
            Self::Attachment => "attachment",
            Self::NotJudged => "not-judged",
            Self::EvidenceForm => "evidence-form",
            Self::EvidenceMeter => "evidence-meter",
            Self::ReportSequence => "report-sequence",
            Self::ReportChain => "report-chain",
            Self::ReportFork => "report-fork",
            Self::ReportSignature => "report-signature",
            Self::EvidenceRoot => "evidence-root",
            Self::EvidenceSpan => "evidence-span",
            Self::ReadingTime => "reading-time",
            Self::Volume => "volume",
            Self::Doubts => "doubts",
            Self::TooManyReports => "too-many-reports",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.at, self.rule, self.says)
    }
}

/// A text out of the copy with its control characters as escapes, so that they do nothing to a
/// terminal.
pub(crate) fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { visible.extend(c.escape_default()) } else { visible.push(c) }
    }
    visible
}

/// Gathers findings up to a bound.
#[derive(Debug)]
pub(crate) struct Findings {
    kept: Vec<Finding>,
    most: usize,
}

impl Findings {
    pub(crate) fn new(most: usize) -> Self {
        Self { kept: Vec::new(), most: most.clamp(1, MAX_FINDINGS) }
    }

    /// Adds a finding while there is room.
    pub(crate) fn add(&mut self, at: Place, rule: Rule, says: impl fmt::Display) {
        if self.is_full() {
            return;
        }
        let says = visible(&says.to_string()).chars().take(MAX_SENTENCE_CHARS).collect();
        self.kept.push(Finding { at, rule, says });
    }

    /// Whether the audit should end.
    pub(crate) fn is_full(&self) -> bool {
        self.kept.len() >= self.most
    }

    pub(crate) fn into_kept(self) -> Vec<Finding> {
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_at_its_bound_and_shows_no_control_characters() {
        let mut findings = Findings::new(2);
        for _ in 0..3 {
            findings.add(Place::Entry(7), Rule::Root, format!("a\u{1b}[2J{}", "b".repeat(1_000)));
        }
        assert!(findings.is_full());
        let kept = findings.into_kept();
        assert_eq!(kept.len(), 2);
        assert!(kept[0].says.starts_with("a\\u{1b}[2Jbb"));
        assert_eq!(kept[0].says.chars().count(), MAX_SENTENCE_CHARS);
        assert_eq!(Place::File("a\rb".into()).to_string(), "file a\\rb");
    }

    #[test]
    fn codes_are_those_of_the_json() {
        for rule in [Rule::Unreadable, Rule::EvidenceSpan, Rule::Bills, Rule::TooManyReports] {
            assert_eq!(serde_json::to_value(rule).unwrap(), rule.code());
        }
        let at = serde_json::to_string(&[Place::Log, Place::Entry(3), Place::File("a".into())]);
        assert_eq!(at.unwrap(), r#"["log",{"entry":3},{"file":"a"}]"#);
    }
}
