//! `mingqu audit OUT`: recompute everything from an exported log.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use disclosure::note::VerifierKey;
use disclosure::witness_policy::WitnessPolicy;

use super::{print, tell};
use crate::Verdict;
use crate::config::read_policy;
use crate::folder::Folder;

/// What `audit` takes.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// The folder that `mingqu log copy` or `mingqu log export` wrote.
    pub folder: PathBuf,
    /// The log's verifier key, if you have it from elsewhere; otherwise the one in the folder is taken.
    #[arg(long)]
    pub log_key: Option<String>,
    /// A policy of witnesses (C2SP tlog-policy): the checkpoint must be cosigned as it asks.
    #[arg(long)]
    pub policy: Option<PathBuf>,
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
    let policy = args.policy.as_deref().map(read_policy).transpose()?;
    let report = audit::audit(&Folder(args.folder.clone()), trusted.as_ref());
    if args.json {
        print(&serde_json::to_string_pretty(&report)?)?;
    } else {
        print(report.to_string().trim_end())?;
    }
    let witnessed = policy.is_none_or(|policy| witnessed(args, report.log_key.as_deref(), &policy));
    Ok(if report.holds() && witnessed { Verdict::Good } else { Verdict::Bad })
}

/// Whether the copy's checkpoint is cosigned as the policy asks; says so on stderr.
fn witnessed(args: &AuditArgs, log_key: Option<&str>, policy: &WitnessPolicy) -> bool {
    let Some(log) = log_key.and_then(|key| VerifierKey::parse(key).ok()) else {
        tell("witnesses: not checked, the log's key is not known");
        return false;
    };
    match audit::check_quorum(&Folder(args.folder.clone()), &log, policy) {
        Ok(opened) => {
            let names = opened.cosignatures.iter().map(|one| one.key.name().as_str());
            let names: Vec<&str> = names.collect();
            tell(&format!("witnesses: the checkpoint is cosigned by {}", names.join(", ")));
            true
        }
        Err(error) => {
            tell(&format!("witnesses: {error}"));
            false
        }
    }
}
