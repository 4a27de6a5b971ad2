//! What an audit tells: totals, and what does not hold.

use core::fmt;
use std::collections::BTreeMap;

use disclosure::merkle::Hash;
use disclosure::statement::Kind;
use domain::{Fen, Litres};
use serde::Serialize;

use crate::finding::{Finding, visible};

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
    /// How many entries could be read, by kind.
    pub statements: BTreeMap<Kind, u64>,
    /// How many entries were judged by all that the log says before them.
    pub entries_judged: u64,
    /// Waterings and corrections that hold: judged, and not superseded.
    pub waterings: u64,
    /// What those come to.
    pub volume_litres: Litres,
    /// Different reports whose meter's signature was verified.
    pub reports_verified: u64,
    /// Bills that were recomputed.
    pub bills: u64,
    /// What those come to.
    pub billed_fen: Fen,
    /// What does not hold, in the order in which it was found.
    pub findings: Vec<Finding>,
    /// Whether the audit looked at everything; it ends early once it has gathered as many findings
    /// as it may.
    pub complete: bool,
}

impl Report {
    /// Whether everything was looked at and nothing was found.
    pub fn holds(&self) -> bool {
        self.complete && self.findings.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "log         {}", visible(self.origin.as_deref().unwrap_or("unknown")))?;
        if let Some(key) = &self.log_key {
            let whence = if self.key_was_trusted {
                "given by you"
            } else {
                "from the copy itself: compare it with the one that was made public"
            };
            writeln!(f, "log key     {key} ({whence})")?;
        }
        let root = self.root.map_or_else(|| "unknown".to_owned(), |root| root.to_hex());
        writeln!(f, "entries     {}, root {root}", self.size)?;
        let kinds: Vec<String> = self
            .statements
            .iter()
            .map(|(kind, count)| format!("{count} {}", kind.code()))
            .collect();
        writeln!(f, "statements  {}", kinds.join(", "))?;
        let volume = self.volume_litres.cubic_metres();
        let Self { waterings, reports_verified, bills, size, .. } = self;
        writeln!(
            f,
            "water       {waterings} waterings hold, {volume} m³, by {reports_verified} signed reports"
        )?;
        writeln!(f, "money       {bills} bills, {} yuan", self.billed_fen.yuan())?;
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        match self.findings.len() {
            0 if self.complete => write!(f, "the log holds: all {size} entries were recomputed"),
            1 if self.complete => write!(f, "the log does not hold: 1 finding"),
            count if self.complete => write!(f, "the log does not hold: {count} findings"),
            count => write!(f, "the log does not hold: {count} findings, then the audit ended"),
        }
    }
}
