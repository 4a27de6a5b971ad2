//! `mingqu audit PLACE`: recompute everything from a public log.

use std::cell::Cell;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use audit::{Known, Memory, Report, Seen, Settings, Source};
use clap::Args;
use disclosure::note::VerifierKey;
use disclosure::record::Record;
use disclosure::submission::Submission;
use disclosure::witness_policy::WitnessPolicy;
use indicatif::{ProgressBar, ProgressStyle};
use service::Clock as _;

use super::{print, tell};
use crate::Verdict;
use crate::clock::SystemClock;
use crate::config::read_policy;
use crate::folder::Folder;
use crate::memory;
use crate::remote::Remote;
use crate::transport::{TrustArgs, is_address};

/// How many files are fetched at once where the network is waited for.
const MIN_REMOTE_THREADS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(7);
/// How often the progress bar moves.
const PROGRESS_PACE: Duration = Duration::from_millis(100);
/// The longest checkpoint or submission receipt that the log is held against.
const MAX_COMPARED_BYTES: u64 = 64 * 1024;

/// What `audit` takes.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// The folder that `mingqu log copy` or `mingqu log export` wrote, or the address of a log: then files are fetched
    /// as they are needed, and none is kept.
    #[arg(value_name = "FOLDER|URL")]
    pub place: String,
    /// The log's verifier key, if you have it from elsewhere; otherwise the one beside the log is taken, and the report
    /// says so.
    #[arg(long)]
    pub log_key: Option<String>,
    /// Where the last checkpoint of each log is remembered, to be held against the next; without it
    /// $XDG_STATE_HOME/mingqu/seen-logs.json (~/.local/state/mingqu/seen-logs.json).
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// A checkpoint of the same log that somebody else got, to be held against this one; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub compare: Vec<PathBuf>,
    /// A policy of witnesses (C2SP tlog-policy): the checkpoint must be cosigned as it asks.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// A submission receipt: the log must hold by now what its server signed to post; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub submission: Vec<PathBuf>,
    #[command(flatten)]
    pub trust: TrustArgs,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Exit code 0 when everything holds, 1 when something does not, 2 when it could not be checked.
pub fn run(args: &AuditArgs) -> anyhow::Result<Verdict> {
    let trusted = trusted(args.log_key.as_deref())?;
    if is_address(&args.place) {
        let remote = Remote::new(&args.place, &args.trust.read()?);
        run_on(&remote, remote_threads(), args, trusted.as_ref())
    } else {
        run_on(&folder(Path::new(&args.place))?, cores(), args, trusted.as_ref())
    }
}

/// The key that somebody trusts.
pub fn trusted(log_key: Option<&str>) -> anyhow::Result<Option<VerifierKey>> {
    let key = log_key.map(|key| VerifierKey::parse(key.trim()));
    key.transpose().context("--log-key is not a verifier key")
}

/// A log copy on disk.
pub fn folder(path: &Path) -> anyhow::Result<Folder> {
    if !path.is_dir() {
        bail!(
            "{} is not a folder: give one that `mingqu log copy` or `mingqu log export` wrote, or an address like https://…",
            path.display()
        );
    }
    Ok(Folder(path.to_owned()))
}

/// How many threads the machine has work for.
pub fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// How many threads fetch and check a log from elsewhere.
pub fn remote_threads() -> NonZeroUsize {
    cores().max(MIN_REMOTE_THREADS)
}

/// Audits a log that is looked at for its record, without the checkpoints seen before.
pub fn record_of(
    source: &impl Source,
    threads: NonZeroUsize,
    trusted: Option<&VerifierKey>,
) -> (Report, Record) {
    audit::audit_with(source, &Settings { trusted, threads, ..Settings::default() })
}

fn run_on(
    source: &impl Source,
    threads: NonZeroUsize,
    args: &AuditArgs,
    trusted: Option<&VerifierKey>,
) -> anyhow::Result<Verdict> {
    let key = match trusted {
        Some(key) => Some(key.clone()),
        None => key_beside(source, &args.place)?,
    };
    let state = args.state.clone().or_else(memory::default_path);
    let memory = state.as_deref().map(memory::load).transpose()?.unwrap_or_default();
    let before = key.as_ref().and_then(|key| memory.of(key));
    let seen = seen(args, key.as_ref(), before)?;
    if let Some(key) = &key {
        tell_of_other_keys(&memory, key);
    }
    let submissions = submissions(&args.submission, key.as_ref())?;
    let bar = Bar::new();
    let progress = |done, of| bar.show(done, of);
    let settings = Settings {
        trusted,
        seen: &seen,
        submissions: &submissions,
        now: Some(SystemClock.now()),
        threads,
        progress: &progress,
        ..Settings::default()
    };
    let (report, _) = audit::audit_with(source, &settings);
    bar.finish();
    if args.json {
        print(&serde_json::to_string_pretty(&report)?)?;
    } else {
        print(report.to_string().trim_end())?;
    }
    let witnessed = match &args.policy {
        Some(policy) => witnessed(source, key.as_ref(), &read_policy(policy)?),
        None => true,
    };
    match (&state, &key) {
        (Some(state), Some(key)) => remember(state, key, before, &report)?,
        (None, _) => tell("nothing is remembered: name a file with --state"),
        (_, None) => {}
    }
    match report.verdict() {
        audit::Verdict::Holds if witnessed => Ok(Verdict::Good),
        audit::Verdict::Holds | audit::Verdict::DoesNotHold => Ok(Verdict::Bad),
        audit::Verdict::NotChecked => {
            bail!("some files could not be read, so not all could be checked")
        }
    }
}

/// Whether the log's checkpoint is cosigned as the policy asks; says so on stderr.
fn witnessed(source: &impl Source, log: Option<&VerifierKey>, policy: &WitnessPolicy) -> bool {
    let Some(log) = log else {
        tell("witnesses: not checked, the log's key is not known");
        return false;
    };
    match audit::check_quorum(source, log, policy) {
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

/// The key that lies beside the log; none where it cannot be read as one, which the audit says.
fn key_beside(source: &impl Source, place: &str) -> anyhow::Result<Option<VerifierKey>> {
    let bytes = source.read("log.vkey").with_context(|| format!("{place}: log.vkey"))?;
    if bytes.is_none() && source.read("checkpoint").with_context(|| place.to_owned())?.is_none() {
        bail!("there is neither log.vkey nor checkpoint in {place}: it is no public log");
    }
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    Ok(text.and_then(|text| VerifierKey::parse(text.trim_end()).ok()))
}

/// The checkpoints that this log must continue.
fn seen(
    args: &AuditArgs,
    key: Option<&VerifierKey>,
    before: Option<&Known>,
) -> anyhow::Result<Vec<Seen>> {
    let seen = |by: String, Known { checkpoint, note }| Seen { checkpoint, note, by };
    let mut all: Vec<Seen> =
        before.cloned().map(|known| seen("this computer".to_owned(), known)).into_iter().collect();
    for file in &args.compare {
        let key = key.context("--compare needs the log's key, and there is none to be read")?;
        let length = std::fs::metadata(file).map(|meta| meta.len());
        if length.is_ok_and(|length| length > MAX_COMPARED_BYTES) {
            bail!("{} is no checkpoint: it is too long", file.display());
        }
        let note = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        let known = Known::read(&note, key)
            .with_context(|| format!("{} is no checkpoint of this log", file.display()))?;
        all.push(seen(format!("the file {}", file.display()), known));
    }
    Ok(all)
}

/// What the log's server promised, as it signed it.
fn submissions(files: &[PathBuf], key: Option<&VerifierKey>) -> anyhow::Result<Vec<Submission>> {
    let open = |file: &PathBuf| {
        let key = key.context("--submission needs the log's key, and there is none to be read")?;
        let length = std::fs::metadata(file).map(|meta| meta.len());
        if length.is_ok_and(|length| length > MAX_COMPARED_BYTES) {
            bail!("{} is no submission receipt: it is too long", file.display());
        }
        let bytes =
            std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        Submission::open(bytes.trim_ascii(), key).with_context(|| file.display().to_string())
    };
    let mut all = Vec::new();
    for file in files {
        let submission = open(file)?;
        // One promise, however often it is named.
        if !all.contains(&submission) {
            all.push(submission);
        }
    }
    Ok(all)
}

fn tell_of_other_keys(memory: &Memory, key: &VerifierKey) {
    for other in memory.other_keys(key) {
        let name = key.name();
        tell(&format!(
            "beware: a log of the name {name} was seen before under another key, {other}"
        ));
    }
}

/// Keeps the checkpoint, where the entries lead to it and it continues the one before.
fn remember(
    state: &Path,
    key: &VerifierKey,
    before: Option<&Known>,
    report: &Report,
) -> anyhow::Result<()> {
    let Some(note) = report.checkpoint.as_deref().filter(|_| report.recomputed) else {
        return Ok(());
    };
    if !report.split_views.is_empty() || report.log_key != Some(key.to_string()) {
        return Ok(());
    }
    let new = Known::read(note, key).context("the log's checkpoint")?;
    if before.is_none_or(|before| before.checkpoint.size < new.checkpoint.size)
        && !memory::keep(state, key, before, new)?
    {
        tell("another audit of this log ended meanwhile: what it remembered was left as it is");
    }
    Ok(())
}

/// A progress bar on a terminal, and nothing elsewhere.
struct Bar {
    bar: ProgressBar,
    shown: Cell<Option<Instant>>,
}

impl Bar {
    fn new() -> Self {
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} entries, {eta} left");
        let bar = ProgressBar::no_length();
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Self { bar, shown: Cell::new(None) }
    }

    fn show(&self, done: u64, of: u64) {
        if self.shown.get().is_some_and(|shown| shown.elapsed() < PROGRESS_PACE) {
            return;
        }
        self.shown.set(Some(Instant::now()));
        self.bar.set_length(of);
        self.bar.set_position(done);
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use audit::testing::TestLog;

    use super::*;
    use crate::command::log_folder::write;

    /// A state file and copies of logs beside it.
    struct Desk(tempfile::TempDir);

    impl Desk {
        fn state(&self) -> PathBuf {
            self.0.path().join("state.json")
        }

        /// Audits a copy with these files.
        fn audit(&self, files: &BTreeMap<String, Vec<u8>>, compare: &[PathBuf]) -> Verdict {
            let copy = tempfile::tempdir_in(self.0.path()).unwrap();
            for (path, bytes) in files {
                write(copy.path(), path, bytes).unwrap();
            }
            run(&AuditArgs {
                place: copy.path().display().to_string(),
                log_key: None,
                state: Some(self.state()),
                compare: compare.to_vec(),
                policy: None,
                submission: Vec::new(),
                trust: TrustArgs::default(),
                json: true,
            })
            .unwrap()
        }

        /// How many entries the log had when it was last remembered.
        fn remembered(&self, log: &TestLog) -> Option<u64> {
            let memory = memory::load(&self.state()).unwrap();
            memory.of(&log.verifier_key()).map(|known| known.checkpoint.size)
        }
    }

    /// The log's beginning, without attachments that only later entries name.
    fn beginning(log: &TestLog, size: usize) -> BTreeMap<String, Vec<u8>> {
        let mut files = log.export_at(size);
        for finding in audit::audit(&files, None).findings {
            if let audit::Place::File(path) = finding.at {
                files.remove(&path);
            }
        }
        files
    }

    #[test]
    fn a_split_view_is_found_and_what_was_seen_is_never_overwritten() {
        let desk = Desk(tempfile::tempdir().unwrap());
        let log = TestLog::founded();
        assert_eq!(desk.audit(&beginning(&log, 7), &[]), Verdict::Good);
        assert_eq!(desk.remembered(&log), Some(7));
        assert_eq!(desk.audit(&log.export(), &[]), Verdict::Good);
        assert_eq!(desk.remembered(&log), Some(9));
        let kept = std::fs::read(desk.state()).unwrap();

        // Fewer entries than there were; another entry at the end; another one and more behind it.
        assert_eq!(desk.audit(&beginning(&log, 8), &[]), Verdict::Bad);
        let mut fork = log.clone();
        fork.entries.truncate(8);
        fork.force(log.entries[1].clone());
        assert_eq!(desk.audit(&fork.export(), &[]), Verdict::Bad);
        fork.force(log.entries[1].clone());
        assert_eq!(desk.audit(&fork.export(), &[]), Verdict::Bad);
        assert_eq!(std::fs::read(desk.state()).unwrap(), kept);
    }

    #[test]
    fn a_neighbours_checkpoint_is_held_against_the_log() {
        let desk = Desk(tempfile::tempdir().unwrap());
        let log = TestLog::founded();
        let file = |name: &str, files: &BTreeMap<String, Vec<u8>>| {
            let file = desk.0.path().join(name);
            std::fs::write(&file, &files["checkpoint"]).unwrap();
            file
        };
        let earlier = file("earlier", &log.export_at(5));
        assert_eq!(desk.audit(&log.export(), std::slice::from_ref(&earlier)), Verdict::Good);
        let mut fork = log.clone();
        fork.entries[4] = log.entries[1].clone();
        let other = file("other", &fork.export_at(5));
        assert_eq!(desk.audit(&log.export(), &[earlier, other]), Verdict::Bad);
    }
}
