//! What does not hold: findings with their place and rule.

use core::fmt;

use domain::text::is_shown;
use serde::Serialize;
use serde::ser::SerializeStruct as _;

/// The most findings that an audit gathers; it ends when it has them.
pub const MAX_FINDINGS: usize = 1_000;
/// The longest sentence of a finding, in characters; what the copy itself says is cut there.
pub const MAX_SENTENCE_CHARS: usize = 600;

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub at: Place,
    /// Which rule it breaks.
    pub rule: Rule,
    /// What is wrong, for people.
    pub says: String,
}

/// Where something does not hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
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
    /// Every entry or its leaf hash can be read, so that the root can be recomputed.
    NotRecomputed,
    /// The log continues the checkpoints of it that were seen before.
    SplitView,
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
    /// A key is enrolled or revoked as the directory allows.
    Key,
    /// A policy is one that can be met.
    Policy,
    /// An attachment is of the kind that its statement calls for.
    AttachmentType,
    /// An attachment is there.
    AttachmentMissing,
    /// An attachment has the hash and length that its statement names.
    AttachmentAltered,
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
    /// What comes after its deadline was told to be overdue before.
    OverdueUntold,
    /// What the log's server promised is posted by the time it promised.
    Owed,
    /// Every day's balance is posted.
    BalanceMissing,
    /// Reports that were there by one balance are there by the next.
    ReportsWithdrawn,
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
            Self::NotRecomputed => "not-recomputed",
            Self::SplitView => "split-view",
            Self::Envelope => "envelope",
            Self::EnvelopeBytes => "envelope-bytes",
            Self::Statement => "statement",
            Self::Signature => "signature",
            Self::SignaturesMissing => "signatures-missing",
            Self::Shares => "shares",
            Self::Bills => "bills",
            Self::Content => "content",
            Self::Key => "key",
            Self::Policy => "policy",
            Self::AttachmentType => "attachment-type",
            Self::AttachmentMissing => "attachment-missing",
            Self::AttachmentAltered => "attachment-altered",
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
            Self::OverdueUntold => "overdue-untold",
            Self::Owed => "owed",
            Self::BalanceMissing => "balance-missing",
            Self::ReportsWithdrawn => "reports-withdrawn",
            Self::TooManyReports => "too-many-reports",
        }
    }
}

/// The parts of an audit, each of which holds or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The files that the log calls for are there.
    Missing,
    /// Checkpoint, tree, files and the entries' bytes.
    Log,
    /// Who holds which key.
    Keys,
    /// Who must sign what.
    Policies,
    /// The signatures of people.
    Signatures,
    /// What else statements say: the registry, rosters, tariffs, order.
    Statements,
    /// Meters' reports: signatures, chain, sequence.
    Evidence,
    /// Volumes, by the evidence.
    Volumes,
    /// Shares, by the rosters.
    Shares,
    /// Bills, by the postings.
    Bills,
    /// Days' balances, by those before.
    Balances,
    /// What was due by when.
    Deadlines,
}

impl Part {
    /// Every part, in the order in which water comes to be money.
    pub const ALL: [Self; 12] = [
        Self::Log,
        Self::Keys,
        Self::Policies,
        Self::Signatures,
        Self::Statements,
        Self::Evidence,
        Self::Volumes,
        Self::Shares,
        Self::Bills,
        Self::Balances,
        Self::Deadlines,
        Self::Missing,
    ];
}

impl Rule {
    /// Which part of the audit it belongs to.
    pub const fn part(self) -> Part {
        match self {
            Self::Unreadable | Self::FileMissing | Self::AttachmentMissing => Part::Missing,
            Self::FileTooLong
            | Self::StrayFile
            | Self::LogKey
            | Self::Checkpoint
            | Self::LogTooLong
            | Self::Bundle
            | Self::Tile
            | Self::Root
            | Self::NotRecomputed
            | Self::SplitView
            | Self::Envelope
            | Self::EnvelopeBytes => Part::Log,
            Self::Key => Part::Keys,
            Self::Policy => Part::Policies,
            Self::Signature | Self::SignaturesMissing => Part::Signatures,
            Self::Statement
            | Self::Content
            | Self::AttachmentType
            | Self::AttachmentAltered
            | Self::NotJudged => Part::Statements,
            Self::EvidenceForm
            | Self::EvidenceMeter
            | Self::ReportSequence
            | Self::ReportChain
            | Self::ReportFork
            | Self::ReportSignature
            | Self::EvidenceRoot
            | Self::EvidenceSpan
            | Self::ReadingTime
            | Self::TooManyReports => Part::Evidence,
            Self::Volume | Self::Doubts => Part::Volumes,
            Self::Shares => Part::Shares,
            Self::Bills => Part::Bills,
            Self::BalanceMissing | Self::ReportsWithdrawn => Part::Balances,
            Self::OverdueUntold | Self::Owed => Part::Deadlines,
        }
    }
}

/// One JSON object: `code`, `part`, `entry`, `file`, `text`; entry and file are null where it is of neither.
impl Serialize for Finding {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (entry, file) = match &self.at {
            Place::Entry(index) => (Some(*index), None),
            Place::File(path) => (None, Some(path.as_str())),
            Place::Checkpoint => (None, Some(crate::files::CHECKPOINT_PATH)),
            Place::Log => (None, None),
        };
        let mut object = serializer.serialize_struct("Finding", 5)?;
        object.serialize_field("code", &self.rule)?;
        object.serialize_field("part", &self.rule.part())?;
        object.serialize_field("entry", &entry)?;
        object.serialize_field("file", &file)?;
        object.serialize_field("text", &self.says)?;
        object.end()
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

/// A text out of the copy with its invisible characters as escapes, so that they do nothing to a
/// terminal.
pub(crate) fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for c in text.chars() {
        if is_shown(c) { visible.push(c) } else { visible.extend(c.escape_default()) }
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

    /// For one entry or file, of which the number of rules is the bound.
    pub(crate) fn of_one() -> Self {
        Self { kept: Vec::new(), most: MAX_FINDINGS }
    }

    /// Adds what was found elsewhere, while there is room.
    pub(crate) fn extend(&mut self, found: &[Finding]) {
        let room = self.most.saturating_sub(self.kept.len());
        self.kept.extend(found.iter().take(room).cloned());
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
        let json = |at| {
            let finding = Finding { at, rule: Rule::Volume, says: "no".to_owned() };
            serde_json::to_string(&finding).unwrap()
        };
        let entry = r#"{"code":"volume","part":"volumes","entry":3,"file":null,"text":"no"}"#;
        assert_eq!(json(Place::Entry(3)), entry);
        assert!(json(Place::File("a".into())).contains(r#""entry":null,"file":"a""#));
        assert!(json(Place::Log).contains(r#""entry":null,"file":null"#));
    }
}
