//! `mingqu import`: readings, turns, rosters and payments from a file that somebody kept by hand or a bank made.
//!
//! The whole file is looked at first. If a row is wrong, every wrong row is named and nothing is handed in; a file that was
//! handed in before changes nothing.

mod district;
mod outcome;
mod payments;
mod readings;
mod roster;
mod turns;

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use ed25519_dalek::SigningKey;
use sheet::{Column, Problem, Problems, Sheet};

use crate::passphrase::PassphraseArgs;
use crate::transport::TrustArgs;
use crate::{Verdict, key_file};

/// What can be imported.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Readings that somebody took by hand (人工抄录).
    Readings(readings::ReadingsArgs),
    /// Turns that are over, as they were noted at the gate (轮灌).
    Turns(turns::TurnsArgs),
    /// A village's households with their plots (花名册), as a statement to be signed.
    Roster(roster::RosterArgs),
    /// Payments, as a bank lists them (缴费).
    Payments(payments::PaymentsArgs),
}

/// A table that somebody hands in.
#[derive(Debug, Args)]
pub struct FileArgs {
    /// The file: XLSX, or CSV in UTF-8 or GBK.
    file: PathBuf,
    /// Only this sheet of a workbook.
    #[arg(long)]
    sheet: Option<String>,
}

/// What readings and turns take.
#[derive(Debug, Args)]
pub struct ImportArgs {
    #[command(flatten)]
    file: FileArgs,
    /// The data folder of the district, on the machine of its server.
    #[arg(long, conflicts_with = "server", required_unless_present = "server")]
    data: Option<PathBuf>,
    /// The server, like `http://127.0.0.1:8080`.
    #[arg(long)]
    server: Option<String>,
    /// Your key, with which what is handed in is signed.
    #[arg(long, required_unless_present = "dry_run")]
    key: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// Say what would happen, and hand nothing in.
    #[arg(long)]
    dry_run: bool,
    /// Print what came of it as JSON.
    #[arg(long)]
    json: bool,
}

/// Exit code 0 when all rows are good, 1 when one is not and nothing was handed in.
pub fn run(command: &ImportCommand) -> anyhow::Result<Verdict> {
    match command {
        ImportCommand::Readings(args) => readings::run(args),
        ImportCommand::Turns(args) => turns::run(args),
        ImportCommand::Roster(args) => roster::run(args),
        ImportCommand::Payments(args) => payments::run(args),
    }
}

impl ImportArgs {
    /// The key that signs; none in a dry run without one.
    fn key(&self) -> anyhow::Result<Option<SigningKey>> {
        self.key.as_deref().map(|file| key_file::read(file, &self.passphrase)).transpose()
    }

    fn sheets(&self) -> anyhow::Result<Vec<Sheet>> {
        self.file.sheets()
    }
}

impl FileArgs {
    fn sheets(&self) -> anyhow::Result<Vec<Sheet>> {
        let path = self.file.display();
        let size = std::fs::metadata(&self.file).with_context(|| format!("cannot read {path}"))?;
        if size.len() > u64::try_from(sheet::MAX_FILE_BYTES)? {
            bail!("{path} has {} bytes; at most {} are read", size.len(), sheet::MAX_FILE_BYTES);
        }
        let bytes = std::fs::read(&self.file).with_context(|| format!("cannot read {path}"))?;
        let mut sheets = sheet::open(&bytes).with_context(|| path.to_string())?;
        if let Some(wanted) = &self.sheet {
            let names: Vec<_> = sheets.iter().filter_map(|sheet| sheet.name.clone()).collect();
            sheets.retain(|sheet| sheet.name.as_ref() == Some(wanted));
            if sheets.is_empty() {
                bail!("{path} has no sheet {wanted:?} with anything in it: {}", names.join(", "));
            }
        }
        Ok(sheets)
    }
}

/// Reads each record of each sheet; what is wrong is noted.
fn records<T>(
    sheets: &[Sheet],
    columns: &[Column],
    problems: &mut Problems,
    mut read: impl FnMut(&sheet::Table<'_>, &sheet::Record<'_>, &mut Problems) -> Option<T>,
) -> Vec<T> {
    let mut found = Vec::new();
    for sheet in sheets {
        let Some(table) = problems.note(sheet.table(columns)) else { continue };
        for record in table.records() {
            found.extend(read(&table, &record, problems));
        }
    }
    found
}

/// Where a row stands, for what is said of it after its record is gone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    sheet: Option<String>,
    row: u32,
}

impl Place {
    fn of(record: &sheet::Record<'_>) -> Self {
        Self { sheet: record.sheet().map(str::to_owned), row: record.row() }
    }

    /// That something is wrong with the row.
    fn problem(&self, value: &str, message: impl Into<String>) -> Problem {
        Problem {
            sheet: self.sheet.clone(),
            row: self.row,
            column: String::new(),
            value: value.to_owned(),
            message: message.into(),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.sheet {
            Some(sheet) => write!(f, "sheet {sheet}, row {}", self.row),
            None => write!(f, "row {}", self.row),
        }
    }
}

/// An instant of a record as one that is reckoned with.
fn timestamp(record: &sheet::Record<'_>, key: &str) -> Result<domain::Timestamp, Problem> {
    let sheet::Instant(millis) = record.instant(key)?;
    domain::Timestamp::from_millis(millis)
        .map_err(|error| record.problem(key, &format!("is not valid: {error}")))
}
