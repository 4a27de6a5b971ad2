//! What an audit tells: totals, and what does not hold.

use core::fmt;
use std::collections::BTreeMap;

use disclosure::merkle::Hash;
use disclosure::record::Record;
use disclosure::statement::Kind;
use domain::{Fen, Litres, Timestamp};
use serde::Serialize;

use crate::account::{Unattributed, unattributed};
use crate::chains::Chains;
use crate::entries::Totals;
use crate::files::Head;
use crate::finding::{Finding, Part, Rule, visible};

/// The most outlets with unattributed water that the text names; the JSON names all.
const MAX_OUTLETS_NAMED: usize = 20;

/// What an audit of one log copy tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The log's name, as its checkpoint says; `None` where there is no readable checkpoint.
    pub origin: Option<String>,
    /// The verifier key that the checkpoint was checked with.
    pub log_key: Option<String>,
    /// Whether the caller brought that key; otherwise it came with the copy, and who made the whole
    /// copy up could have made it up too.
    pub key_was_trusted: bool,
    /// Entries of the log, by its checkpoint.
    pub size: u64,
    /// The checkpoint's root.
    pub root: Option<Hash>,
    /// The checkpoint's file, if the log's key signed it: what this copy can be held to later.
    pub checkpoint: Option<String>,
    /// Whether the entries lead to the checkpoint's root.
    pub recomputed: bool,
    /// How many entries could be read, by kind.
    pub statements: BTreeMap<Kind, u64>,
    /// How many entries were judged by all that the log says before them.
    pub entries_judged: u64,
    /// Keys of people that the log enrolled, revoked ones with them.
    pub keys: u64,
    /// How many of them are revoked.
    pub keys_revoked: u64,
    /// Signing policies, each in force from its posting to the next.
    pub policies: u64,
    /// Signatures that count.
    pub signatures: u64,
    /// Waterings and corrections that hold: judged, and not superseded.
    pub waterings: u64,
    /// What those come to.
    pub volume_litres: Litres,
    /// The shares of those.
    pub shares: u64,
    /// Different reports whose meter's or gateway's signature was verified.
    pub reports_verified: u64,
    /// Different entries by hand whose signature was verified.
    pub entries_by_hand: u64,
    /// Bills that were recomputed.
    pub bills: u64,
    /// What those come to.
    pub billed_fen: Fen,
    /// The end of the last day that was balanced.
    pub balanced_until: Option<Timestamp>,
    /// Submission receipts that the log was held against.
    pub promises: u64,
    /// How many of them are met.
    pub promises_kept: u64,
    /// Water between waterings that nothing accounts for, by outlet; breaks no rule.
    pub unattributed: Vec<Unattributed>,
    /// How many findings there are in each part.
    pub parts: BTreeMap<Part, u64>,
    /// What does not hold, in the order in which it was found.
    pub findings: Vec<Finding>,
    /// Checkpoints that contradict each other: whoever signed both showed different logs to different people.
    pub split_views: Vec<SplitView>,
    /// Whether the audit looked at everything; it ends early once it has gathered as many findings
    /// as it may.
    pub complete: bool,
}

/// What an audit comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything was looked at and holds.
    Holds,
    /// Something does not hold.
    DoesNotHold,
    /// Nothing was found but files that the disk or the network did not give.
    NotChecked,
}

/// Two checkpoints of one log that cannot both be of a log that only grew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SplitView {
    /// Who saw the earlier one.
    pub by: String,
    /// The earlier one.
    pub earlier: String,
    /// The one of this copy, if the log's key signed it.
    pub now: Option<String>,
}

/// What a report is made of.
pub(crate) struct Parts<'a> {
    pub(crate) head: Head,
    pub(crate) recomputed: bool,
    pub(crate) record: &'a Record,
    pub(crate) totals: Totals,
    pub(crate) chains: Chains,
    /// Submission receipts, and how many of them are met.
    pub(crate) promises: (u64, u64),
}

impl Parts<'_> {
    pub(crate) fn report(
        self,
        key_was_trusted: bool,
        split_views: Vec<SplitView>,
        findings: Vec<Finding>,
        complete: bool,
    ) -> Report {
        let Self { head, recomputed, record, totals, chains, promises } = self;
        let (promises, promises_kept) = promises;
        let mut parts: BTreeMap<Part, u64> = Part::ALL.into_iter().map(|part| (part, 0)).collect();
        for finding in &findings {
            *parts.entry(finding.rule.part()).or_default() += 1;
        }
        let revoked = record.directory().iter().filter(|(_, key)| key.revoked_at.is_some());
        Report {
            origin: head.checkpoint.as_ref().map(|checkpoint| checkpoint.origin.clone()),
            log_key: head.key.as_ref().map(ToString::to_string),
            key_was_trusted,
            size: head.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size),
            root: head.checkpoint.as_ref().map(|checkpoint| checkpoint.root),
            checkpoint: head.signed,
            recomputed,
            statements: totals.statements,
            entries_judged: record.size(),
            keys: count(record.directory().iter().count()),
            keys_revoked: count(revoked.count()),
            policies: totals.policies,
            signatures: totals.signatures,
            waterings: totals.waterings,
            volume_litres: totals.volume_litres,
            shares: totals.shares,
            reports_verified: chains.reports(),
            entries_by_hand: chains.entries_by_hand(),
            bills: totals.bills,
            billed_fen: totals.billed_fen,
            balanced_until: record.balanced_until(),
            promises,
            promises_kept,
            unattributed: unattributed(record),
            parts,
            findings,
            split_views,
            complete,
        }
    }
}

pub(crate) fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl Report {
    /// Whether everything was looked at and nothing was found.
    pub fn holds(&self) -> bool {
        self.verdict() == Verdict::Holds
    }

    /// What it comes to.
    pub fn verdict(&self) -> Verdict {
        // The last two follow from the first.
        let unread = |finding: &Finding| {
            matches!(finding.rule, Rule::Unreadable | Rule::NotRecomputed | Rule::NotJudged)
        };
        if self.complete && self.findings.is_empty() {
            Verdict::Holds
        } else if self.findings.iter().any(|finding| finding.rule == Rule::Unreadable)
            && self.findings.iter().all(unread)
        {
            Verdict::NotChecked
        } else {
            Verdict::DoesNotHold
        }
    }

    /// One line of what was checked, and whether it holds.
    fn line(&self, f: &mut fmt::Formatter<'_>, part: Part, what: &str) -> fmt::Result {
        let name = match part {
            Part::Log => "log",
            Part::Keys => "keys",
            Part::Policies => "policies",
            Part::Signatures => "signatures",
            Part::Statements => "statements",
            Part::Evidence => "evidence",
            Part::Volumes => "volumes",
            Part::Shares => "shares",
            Part::Bills => "bills",
            Part::Balances => "balances",
            Part::Deadlines => "deadlines",
            Part::Missing => "missing",
        };
        let found = match self.parts.get(&part) {
            None | Some(0) => String::new(),
            Some(1) => ": 1 FINDING".to_owned(),
            Some(many) => format!(": {many} FINDINGS"),
        };
        writeln!(f, "{name:<12} {what}{found}")
    }

    fn lines(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = self.root.map_or_else(|| "unknown".to_owned(), |root| root.to_hex());
        self.line(f, Part::Log, &format!("{} entries, root {root}", self.size))?;
        let Self { keys, keys_revoked, policies, signatures, shares, .. } = self;
        self.line(f, Part::Keys, &format!("{keys} enrolled, {keys_revoked} of them revoked"))?;
        self.line(f, Part::Policies, &format!("{policies}, one after the other"))?;
        self.line(f, Part::Signatures, &format!("{signatures}, each verified alone"))?;
        let kinds: Vec<String> = self
            .statements
            .iter()
            .map(|(kind, count)| format!("{count} {}", kind.code()))
            .collect();
        self.line(f, Part::Statements, &kinds.join(", "))?;
        let evidence = format!(
            "{} signed reports (signature, chain, sequence), {} entries by hand",
            self.reports_verified, self.entries_by_hand
        );
        self.line(f, Part::Evidence, &evidence)?;
        let (waterings, volume) = (self.waterings, self.volume_litres.cubic_metres());
        self.line(f, Part::Volumes, &format!("{waterings} waterings hold, {volume} m³"))?;
        self.line(f, Part::Shares, &format!("{shares}, by the rosters in force"))?;
        let bills = format!("{} to the fen, {} yuan", self.bills, self.billed_fen.yuan());
        self.line(f, Part::Bills, &bills)?;
        let of_kind = |kind| self.statements.get(&kind).copied().unwrap_or_default();
        let days = of_kind(Kind::Balance);
        let balances = self.balanced_until.map_or_else(
            || "no day yet".to_owned(),
            |until| format!("{days} days, the last ended at {until}"),
        );
        self.line(f, Part::Balances, &balances)?;
        let deadlines = format!(
            "{} told as overdue; {} of {} promises kept so far",
            of_kind(Kind::Overdue),
            self.promises_kept,
            self.promises
        );
        self.line(f, Part::Deadlines, &deadlines)?;
        let missing = self.parts.get(&Part::Missing).is_some_and(|&count| count > 0);
        self.line(f, Part::Missing, if missing { "see below" } else { "nothing" })
    }

    fn unattributed_lines(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let litres: Litres = self.unattributed.iter().map(|one| one.litres).sum();
        if self.unattributed.is_empty() {
            return writeln!(f, "unattributed nothing between waterings");
        }
        let outlets = self.unattributed.len();
        writeln!(
            f,
            "unattributed {} m³ between the waterings of {outlets} outlets (no finding)",
            litres.cubic_metres()
        )?;
        for one in self.unattributed.iter().take(MAX_OUTLETS_NAMED) {
            let Unattributed { outlet, litres, gaps, largest_after, untold } = one;
            write!(f, "             {outlet}: {} litres in {gaps} gaps", litres.get())?;
            if let Some(after) = largest_after {
                write!(f, ", most after entry {after}")?;
            }
            if *untold > 0 {
                write!(f, "; {untold} gaps cannot be told from the log")?;
            }
            writeln!(f)?;
        }
        if outlets > MAX_OUTLETS_NAMED {
            let more = outlets - MAX_OUTLETS_NAMED;
            writeln!(f, "             and {more} outlets more: --json names all")?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "name         {}", visible(self.origin.as_deref().unwrap_or("unknown")))?;
        if let Some(key) = &self.log_key {
            let whence = if self.key_was_trusted {
                "given by you"
            } else {
                "from the copy itself: compare it with the one that was made public"
            };
            writeln!(f, "log key      {key} ({whence})")?;
        }
        self.lines(f)?;
        self.unattributed_lines(f)?;
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        for split in &self.split_views {
            writeln!(
                f,
                "split view: show these two checkpoints to others. What {} saw:\n\n{}",
                visible(&split.by),
                quoted(&split.earlier)
            )?;
            let now = split.now.as_deref().unwrap_or("(not signed by the log's key)");
            writeln!(f, "What this copy says:\n\n{}", quoted(now))?;
        }
        let size = self.size;
        match self.findings.len() {
            count if self.verdict() == Verdict::NotChecked => {
                write!(f, "the log could not be checked: {count} findings, try again")
            }
            0 if self.complete => write!(f, "the log holds: all {size} entries were recomputed"),
            1 if self.complete => write!(f, "the log does not hold: 1 finding"),
            count if self.complete => write!(f, "the log does not hold: {count} findings"),
            count => write!(f, "the log does not hold: {count} findings, then the audit ended"),
        }
    }
}

/// A file as it stands, each line indented.
fn quoted(note: &str) -> String {
    note.lines().fold(String::new(), |quoted, line| quoted + "    " + &visible(line) + "\n")
}
