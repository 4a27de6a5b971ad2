//! `mingqu verify FILE`: one receipt, envelope, submission receipt or checkpoint, and what the verdict rests on.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use audit::{EnvelopeVerdict, Source};
use clap::Args;
use disclosure::bundle::{BundleId, decode_as};
use disclosure::checkpoint::Checkpoint;
use disclosure::dsse::Envelope;
use disclosure::note::VerifierKey;
use disclosure::proof::TlogProof;
use disclosure::submission::{SUBMISSION_PAYLOAD_TYPE, Submission};
use disclosure::tile::TILE_WIDTH;
use serde::Serialize;
use serde_json::{Value, json};

use super::audit::{cores, folder, record_of, remote_threads, trusted};
use super::print;
use crate::Verdict;
use crate::config::read_policy;
use crate::remote::Remote;
use crate::transport::{TrustArgs, is_address};

/// The first bytes of a receipt.
const RECEIPT: &[u8] = b"c2sp.org/tlog-proof";
/// The longest file that is verified: the longest envelope, receipt or checkpoint is shorter.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// What `verify` takes.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The file: a receipt (tlog-proof), an envelope or submission receipt (DSSE JSON), or a checkpoint (signed note).
    pub file: PathBuf,
    /// A public log, as a folder or an address: from it come the keys for an envelope, and the entry and the log's key
    /// for a receipt where they are not given.
    #[arg(long, value_name = "FOLDER|URL")]
    pub log: Option<String>,
    /// For a receipt: the envelope that it is about.
    #[arg(long)]
    pub entry: Option<PathBuf>,
    /// The log's verifier key.
    #[arg(long)]
    pub log_key: Option<String>,
    /// For a receipt: a policy of witnesses (C2SP tlog-policy) that its checkpoint must satisfy.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    #[command(flatten)]
    pub trust: TrustArgs,
    /// Print the verdict as JSON.
    #[arg(long)]
    pub json: bool,
}

/// What is said of a file.
#[derive(Debug, Serialize)]
struct Said {
    /// What it is: `receipt`, `envelope`, `submission receipt` or `checkpoint`.
    what: &'static str,
    /// Whether it holds.
    holds: bool,
    /// What holds and what does not, in words.
    says: Vec<String>,
    /// What that rests on, in words.
    rests_on: Vec<String>,
    /// The figures.
    details: Value,
}

impl Said {
    /// That something does not hold, and why.
    fn refused(what: &'static str, why: &impl ToString, rests_on: Vec<String>) -> Self {
        Self { what, holds: false, says: vec![why.to_string()], rests_on, details: Value::Null }
    }
}

/// Exit code 0 when it holds, 1 when it does not, 2 when it could not be checked.
pub fn run(args: &VerifyArgs) -> anyhow::Result<Verdict> {
    let bytes = read(&args.file)?;
    let said = match &args.log {
        Some(place) if is_address(place) => {
            let remote = Remote::new(place, &args.trust.read()?);
            verify(args, &bytes, Some((place, &remote)))
        }
        Some(place) => verify(args, &bytes, Some((place, &folder(Path::new(place))?))),
        None => verify(args, &bytes, None::<(&str, &Remote)>),
    }?;
    if args.json {
        print(&serde_json::to_string_pretty(&said)?)?;
    } else {
        let verdict = if said.holds { "holds" } else { "does not hold" };
        let mut lines = vec![format!("the {} {verdict}", said.what)];
        lines.extend(said.says.iter().map(|line| format!("- {line}")));
        lines.extend(said.rests_on.iter().map(|line| format!("rests on {line}")));
        print(&lines.join("\n"))?;
    }
    Ok(if said.holds { Verdict::Good } else { Verdict::Bad })
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let length = std::fs::metadata(file).map(|meta| meta.len());
    if length.is_ok_and(|length| length > MAX_FILE_BYTES) {
        bail!("{} is longer than {MAX_FILE_BYTES} bytes: it cannot be verified", file.display());
    }
    std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

fn verify(
    args: &VerifyArgs,
    bytes: &[u8],
    log: Option<(&str, &impl Source)>,
) -> anyhow::Result<Said> {
    if bytes.starts_with(RECEIPT) {
        receipt(args, bytes, log)
    } else if Envelope::parse(bytes).is_ok_and(|read| read.payload_type == SUBMISSION_PAYLOAD_TYPE)
    {
        submission(args, bytes, log)
    } else if bytes.trim_ascii_start().starts_with(b"{") {
        envelope(args, bytes, log)
    } else {
        checkpoint(args, bytes, log)
    }
}

/// The log's key, and where it comes from.
fn key(
    args: &VerifyArgs,
    log: Option<(&str, &impl Source)>,
) -> anyhow::Result<(VerifierKey, String)> {
    if let Some(key) = trusted(args.log_key.as_deref())? {
        let whence = format!("the log key {key}, given by you");
        return Ok((key, whence));
    }
    let Some((place, source)) = log else {
        bail!("it is checked with --log-key VERIFIER-KEY, or with the key of --log FOLDER|URL");
    };
    let bytes = source.read("log.vkey")?.with_context(|| format!("{place} has no log.vkey"))?;
    let text = String::from_utf8(bytes).context("log.vkey is not text")?;
    let key = VerifierKey::parse(text.trim_end()).context("log.vkey")?;
    let whence =
        format!("the log key {key}, taken from {place}: compare it with the one made public");
    Ok((key, whence))
}

fn receipt(
    args: &VerifyArgs,
    bytes: &[u8],
    log: Option<(&str, &impl Source)>,
) -> anyhow::Result<Said> {
    let (key, key_whence) = key(args, log)?;
    let proof = match TlogProof::parse(bytes) {
        Ok(proof) => proof,
        Err(error) => return Ok(Said::refused("receipt", &error, vec![key_whence])),
    };
    let (entry, entry_whence) = match (&args.entry, log) {
        (Some(file), _) => (read(file)?, format!("the entry in {}", file.display())),
        (None, Some((place, source))) => {
            let opened = Checkpoint::open(&proof.checkpoint, &key);
            let size = opened.ok().map(|checkpoint| checkpoint.size);
            let entry = fetch_entry(source, proof.index, size)
                .with_context(|| format!("entry {} of {place}", proof.index))?;
            (entry, format!("entry {} of {place}", proof.index))
        }
        (None, None) => bail!("a receipt is checked with --entry ENVELOPE or --log FOLDER|URL"),
    };
    let rests_on = vec![key_whence, entry_whence];
    if let Some(policy) = &args.policy
        && let Err(error) = audit::check_receipt_quorum(bytes, &entry, &key, &read_policy(policy)?)
    {
        return Ok(Said::refused("receipt", &error, rests_on));
    }
    match audit::verify_receipt(bytes, &entry, &key) {
        Ok(receipt) => Ok(Said {
            what: "receipt",
            holds: true,
            says: vec![
                format!("exactly this entry stands at index {}", receipt.index),
                format!(
                    "the log {} signed that, in a checkpoint over {} entries",
                    receipt.checkpoint.origin, receipt.checkpoint.size
                ),
            ],
            rests_on,
            details: json!({
                "index": receipt.index,
                "log_size": receipt.checkpoint.size,
                "origin": receipt.checkpoint.origin,
            }),
        }),
        Err(error) => Ok(Said::refused("receipt", &error, rests_on)),
    }
}

/// An entry of the log, out of the bundle as wide as the log has it now or had it in a log of `size`.
fn fetch_entry(source: &impl Source, index: u64, size: Option<u64>) -> anyhow::Result<Vec<u8>> {
    let width = u64::from(TILE_WIDTH);
    let bundle = index / width;
    let now = source.read("checkpoint")?.and_then(|bytes| {
        let text = String::from_utf8(bytes).ok()?;
        let (text, _) = text.split_once("\n\n")?;
        Checkpoint::parse(&format!("{text}\n")).ok()
    });
    for size in now.map(|checkpoint| checkpoint.size).into_iter().chain(size) {
        let Some(id) = BundleId::in_log(bundle, size) else { continue };
        if let Some(bytes) = source.read(&id.path())? {
            let entries = decode_as(id, &bytes)?;
            let place = usize::try_from(index % width)?;
            if let Some(entry) = entries.get(place) {
                return Ok(entry.to_vec());
            }
        }
    }
    bail!("it is not there: give the entry with --entry ENVELOPE")
}

fn envelope(
    args: &VerifyArgs,
    bytes: &[u8],
    log: Option<(&str, &impl Source)>,
) -> anyhow::Result<Said> {
    let Some((place, source)) = log else {
        bail!("an envelope is checked with --log FOLDER|URL, a public log that knows the keys");
    };
    let threads = if is_address(place) { remote_threads() } else { cores() };
    let (report, record) = record_of(source, threads, trusted(args.log_key.as_deref())?.as_ref());
    if !report.holds() {
        print(report.to_string().trim_end())?;
        bail!("the log itself does not hold, so nothing can be checked by it");
    }
    let whence = if report.key_was_trusted { "given by you" } else { "not given by you" };
    let rests_on = vec![
        format!("the keys and the policy in {place}, whose {} entries were audited", report.size),
        format!("the log key {}, {whence}", report.log_key.as_deref().unwrap_or("unknown")),
    ];
    Ok(match audit::verify_envelope(&record, bytes) {
        Ok(verdict) => Said {
            what: "envelope",
            holds: verdict.insufficient.is_none(),
            says: words(&verdict),
            rests_on,
            details: serde_json::to_value(&verdict)?,
        },
        Err(error) => Said::refused("envelope", &error, rests_on),
    })
}

fn words(verdict: &EnvelopeVerdict) -> Vec<String> {
    let mut says = vec![format!("it is a {} statement", verdict.kind.code())];
    for signature in &verdict.signatures {
        let who = match (&signature.person, signature.role) {
            (Some(person), Some(role)) => format!("{person}, {}", role.code()),
            _ => "a key that the log has not enrolled".to_owned(),
        };
        let holds = if signature.valid { "is valid" } else { "IS NOT VALID" };
        let revoked = signature.revoked_at.map(|at| format!("; the key was revoked at entry {at}"));
        says.push(format!("the signature of {who} {holds}{}", revoked.unwrap_or_default()));
    }
    says.push(match &verdict.insufficient {
        None => "that is all that the policy in force asks for".to_owned(),
        Some(why) => format!("it could not be posted now: {why}"),
    });
    says
}

fn submission(
    args: &VerifyArgs,
    bytes: &[u8],
    log: Option<(&str, &impl Source)>,
) -> anyhow::Result<Said> {
    let (key, key_whence) = key(args, log)?;
    let rests_on = vec![key_whence];
    Ok(match Submission::open(bytes, &key) {
        Ok(submission) => Said {
            what: "submission receipt",
            holds: true,
            says: vec![
                format!(
                    "the log {} promised at {} that {} stands in it by {}",
                    key.name(),
                    submission.received_at,
                    submission.owed,
                    submission.by
                ),
                "whether it does, says `mingqu audit … --submission`".to_owned(),
            ],
            rests_on,
            details: serde_json::to_value(&submission)?,
        },
        Err(error) => Said::refused("submission receipt", &error, rests_on),
    })
}

fn checkpoint(
    args: &VerifyArgs,
    bytes: &[u8],
    log: Option<(&str, &impl Source)>,
) -> anyhow::Result<Said> {
    let (key, key_whence) = key(args, log)?;
    let rests_on = vec![key_whence];
    Ok(match Checkpoint::open(bytes, &key) {
        Ok(Checkpoint { origin, size, root, .. }) => Said {
            what: "checkpoint",
            holds: true,
            says: vec![
                format!("the log {origin} signed that it has {size} entries with the root {root}"),
                "whether its entries lead there, and whether others were shown the same, says `mingqu audit … --compare`".to_owned(),
            ],
            rests_on,
            details: json!({ "origin": origin, "log_size": size, "root": root }),
        },
        Err(error) => Said::refused("checkpoint", &error, rests_on),
    })
}
