//! `mingqu audit OUT`: recompute everything from an exported log.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use disclosure::note::VerifierKey;

use super::print;
use crate::Verdict;
use crate::folder::Folder;

/// What `audit` takes.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// The folder that `mingqu log copy` or `mingqu log export` wrote.
    pub folder: PathBuf,
    /// The log's verifier key, if you have it from elsewhere; otherwise the one in the folder is taken.
    #[arg(long)]
    pub log_key: Option<String>,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Exit code 0 when everything holds, 1 when something does not.
pub fn run(args: &AuditArgs) -> anyhow::Result<Verdict> {
    if !args.folder.is_dir() {
        bail!(
            "{} is not a folder: give one that `mingqu log copy` or `mingqu log export` wrote",
            args.folder.display()
        );
    }
    let trusted = args
        .log_key
        .as_deref()
        .map(VerifierKey::parse)
        .transpose()
        .context("--log-key is not a verifier key")?;
    let report = audit::audit(&Folder(args.folder.clone()), trusted.as_ref());
    if args.json {
        print(&serde_json::to_string_pretty(&report)?)?;
    } else {
        print(report.to_string().trim_end())?;
    }
    Ok(if report.holds() { Verdict::Good } else { Verdict::Bad })
}
