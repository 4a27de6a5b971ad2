//! `mingqu verify`: one receipt or one envelope.

use std::path::PathBuf;

use anyhow::{Context, bail};
use audit::QuorumError;
use clap::Args;
use disclosure::note::VerifierKey;

use super::print;
use crate::Verdict;
use crate::config::read_policy;
use crate::folder::Folder;

/// What `verify` takes.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The file: an envelope (DSSE JSON) or a receipt (tlog-proof).
    pub file: PathBuf,
    /// For an envelope: an exported log, from which the keys and the policy are taken.
    #[arg(long)]
    pub log: Option<PathBuf>,
    /// For a receipt: the envelope that it is about.
    #[arg(long)]
    pub entry: Option<PathBuf>,
    /// For a receipt: the log's verifier key.
    #[arg(long)]
    pub log_key: Option<String>,
    /// For a receipt: a policy of witnesses (C2SP tlog-policy) that its checkpoint must satisfy.
    #[arg(long)]
    pub policy: Option<PathBuf>,
}

/// Exit code 0 when it holds, 1 when it does not.
pub fn run(args: &VerifyArgs) -> anyhow::Result<Verdict> {
    let bytes = std::fs::read(&args.file)
        .with_context(|| format!("cannot read {}", args.file.display()))?;
    if bytes.starts_with(b"c2sp.org/tlog-proof") {
        receipt(args, &bytes)
    } else {
        envelope(args, &bytes)
    }
}

fn receipt(args: &VerifyArgs, bytes: &[u8]) -> anyhow::Result<Verdict> {
    let (Some(entry), Some(key)) = (&args.entry, &args.log_key) else {
        bail!("a receipt is checked with --entry ENVELOPE and --log-key VERIFIER-KEY");
    };
    let entry = std::fs::read(entry).with_context(|| format!("cannot read {}", entry.display()))?;
    let key = VerifierKey::parse(key).context("--log-key is not a verifier key")?;
    let policy = args.policy.as_deref().map(read_policy).transpose()?;
    let verified = audit::verify_receipt(bytes, &entry, &key).map_err(QuorumError::from);
    let verified = verified.and_then(|receipt| match &policy {
        Some(policy) => audit::check_receipt_quorum(bytes, &entry, &key, policy).map(|_| receipt),
        None => Ok(receipt),
    });
    match verified {
        Ok(receipt) => {
            print(&serde_json::to_string_pretty(&serde_json::json!({
                "holds": true,
                "index": receipt.index,
                "log_size": receipt.checkpoint.size,
                "origin": receipt.checkpoint.origin,
            }))?)?;
            Ok(Verdict::Good)
        }
        Err(error) => {
            print(&format!("the receipt does not hold: {error}"))?;
            Ok(Verdict::Bad)
        }
    }
}

fn envelope(args: &VerifyArgs, bytes: &[u8]) -> anyhow::Result<Verdict> {
    let Some(log) = &args.log else {
        bail!("an envelope is checked with --log FOLDER, an exported log that knows the keys");
    };
    let (report, record) = audit::audit_until(&Folder(log.clone()), None, audit::MAX_FINDINGS);
    if !report.holds() {
        print(report.to_string().trim_end())?;
        bail!("the log itself does not hold, so nothing can be checked by it");
    }
    match audit::verify_envelope(&record, bytes) {
        Ok(verdict) => {
            print(&serde_json::to_string_pretty(&verdict)?)?;
            let holds = verdict.insufficient.is_none();
            Ok(if holds { Verdict::Good } else { Verdict::Bad })
        }
        Err(error) => {
            print(&format!("the envelope does not hold: {error}"))?;
            Ok(Verdict::Bad)
        }
    }
}
