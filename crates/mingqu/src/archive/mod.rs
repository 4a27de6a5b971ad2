//! Old reports leave the database for archive files, a month at a time, and come back.
//!
//! A month's reports are written to a file and forced to disk with its manifest; only then are they
//! removed from the database. Whatever ends the program in between, each report is in the database or
//! in a file with a manifest, or in both: then the next run writes it once more.

mod file;
mod manifest;
mod restore;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use domain::Timestamp;
use serde::Serialize;
use service::Needs;
use store::{
    ArchivedReport, ArchivedRun, MAX_REPORTS_PER_REMOVAL, Month, OldStream, Store, StreamId,
};

use file::{NewFile, Sealed, Writer};
use manifest::{FORMAT, Manifest, Place, Run};

pub use restore::restore;

/// The folder of archive files in the data folder.
pub const FOLDER: &str = "archive";
/// Reports are kept in the database for at least so many days, whatever the configuration says.
pub const MIN_KEEP_DAYS: u32 = 90;
const DAY_MILLIS: i64 = 24 * 3600 * 1000;
/// Between two removals, so that what waits to be stored comes in between.
const PAUSE: Duration = Duration::from_millis(50);

/// What is to be archived.
pub struct Task<'a> {
    /// The database.
    pub store: &'a Store,
    /// The folder of archive files.
    pub folder: PathBuf,
    /// The first month whose reports stay.
    pub before: Month,
    /// What needs older reports.
    pub needs: Needs,
    /// When it is done.
    pub now: Timestamp,
    /// Whether it is only told what would be done.
    pub dry_run: bool,
}

/// What was archived of a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Archived {
    /// The month, in Beijing.
    pub month: String,
    /// The file; none when it was only told what would be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// The file's length.
    pub bytes: u64,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
    /// Streams with reports in it.
    pub streams: usize,
    /// Reports in it.
    pub reports: u64,
}

/// The first month of which every report is kept, when reports are kept for so many days.
pub fn first_month_kept(now: Timestamp, keep_days: u32) -> Month {
    Month::of(now.plus_millis(-i64::from(keep_days) * DAY_MILLIS))
}

/// A month's first instant.
pub fn start_of(month: Month) -> anyhow::Result<Timestamp> {
    Timestamp::from_millis(month.start_millis()).with_context(|| format!("month {month}"))
}

/// Archives month by month; `tell` hears of each that is done.
pub async fn archive(task: &Task<'_>, mut tell: impl FnMut(&Archived)) -> anyhow::Result<()> {
    let _alone = if task.dry_run { None } else { Some(lock(&task.folder)?) };
    let old = old_streams(task).await?;
    let Some(mut month) = old.iter().map(|(old, _)| old.oldest).min() else {
        return Ok(());
    };
    while month < task.before {
        if let Some((archived, runs)) = write(task, month, &old).await? {
            if !task.dry_run {
                remove(task.store, month, &runs).await?;
            }
            tell(&archived);
        }
        month = month.plus(1);
    }
    Ok(())
}

/// Streams with reports from before the first month that stays, and the number from which on each needs them.
async fn old_streams(task: &Task<'_>) -> anyhow::Result<Vec<(OldStream, u64)>> {
    let before = start_of(task.before)?;
    let mut found = Vec::new();
    for old in task.store.streams_with_reports_before(before).await? {
        let from = task.needs.of(&old.stream.meter);
        let needed_from = task.store.needed_from(&old.stream, from).await?;
        found.push((old, needed_from));
    }
    Ok(found)
}

/// Writes a month's reports that nothing needs to a new file with its manifest; none when there are none.
async fn write(
    task: &Task<'_>,
    month: Month,
    old: &[(OldStream, u64)],
) -> anyhow::Result<Option<(Archived, Vec<ArchivedRun>)>> {
    let mut out = Out::Nothing;
    let mut runs: Vec<ArchivedRun> = Vec::new();
    for (old, needed_from) in old.iter().filter(|(old, _)| old.oldest <= month) {
        let mut after = 0;
        loop {
            let page = task.store.reports_of_month(&old.stream, month, after, *needed_from).await?;
            let Some(last) = page.last() else {
                break;
            };
            after = last.seq;
            for report in &page {
                out.push(task, month, &old.stream, report)?;
                add(&mut runs, &old.stream, report.seq);
            }
        }
    }
    if runs.is_empty() {
        return Ok(None);
    }
    let archived = out.seal(task, month, &runs)?;
    Ok(Some((archived, runs)))
}

/// Where reports are written to.
enum Out {
    /// No report has come yet.
    Nothing,
    /// Nowhere: only the length is wanted.
    Measured(Writer<std::io::Sink>),
    /// A new file.
    File(Place, NewFile),
}

impl Out {
    fn push(
        &mut self,
        task: &Task<'_>,
        month: Month,
        stream: &StreamId,
        report: &ArchivedReport,
    ) -> anyhow::Result<()> {
        loop {
            match self {
                Self::Nothing if task.dry_run => {
                    *self = Self::Measured(Writer::new(std::io::sink()));
                }
                Self::Nothing => {
                    let place = Place::next(&task.folder, month)?;
                    let file = NewFile::create(place.data())?;
                    *self = Self::File(place, file);
                }
                Self::Measured(writer) => return writer.push(stream, report),
                Self::File(_, file) => return file.push(stream, report),
            }
        }
    }

    fn seal(self, task: &Task<'_>, month: Month, runs: &[ArchivedRun]) -> anyhow::Result<Archived> {
        let (sealed, place) = match self {
            Self::Nothing => bail!("there is nothing to archive"),
            Self::Measured(writer) => (writer.finish()?.1, None),
            Self::File(place, file) => (file.seal()?, Some(place)),
        };
        if let Some(place) = &place {
            manifest(task, month, runs, sealed, place).write(&place.manifest())?;
        }
        let streams: BTreeSet<&StreamId> = runs.iter().map(|run| &run.stream).collect();
        Ok(Archived {
            month: month.to_string(),
            file: place.map(|place| place.data()),
            bytes: sealed.bytes,
            sha256: sealed.sha256.to_hex(),
            streams: streams.len(),
            reports: numbers(runs),
        })
    }
}

fn manifest(
    task: &Task<'_>,
    month: Month,
    runs: &[ArchivedRun],
    sealed: Sealed,
    place: &Place,
) -> Manifest {
    Manifest {
        format: FORMAT.to_owned(),
        district: task.store.district().clone(),
        month: month.to_string(),
        file: place.file_name(),
        bytes: sealed.bytes,
        sha256: sealed.sha256.to_hex(),
        reports: numbers(runs),
        archived_at: task.now,
        runs: runs.iter().map(Run::from).collect(),
    }
}

fn numbers(runs: &[ArchivedRun]) -> u64 {
    runs.iter().map(ArchivedRun::numbers).sum()
}

/// Lengthens the last run by a number, or begins another.
fn add(runs: &mut Vec<ArchivedRun>, stream: &StreamId, seq: u64) {
    match runs.last_mut() {
        Some(run) if run.stream == *stream && run.last_seq.checked_add(1) == Some(seq) => {
            run.last_seq = seq;
        }
        _ => runs.push(ArchivedRun { stream: stream.clone(), first_seq: seq, last_seq: seq }),
    }
}

/// Removes from the database what lies in a file with a manifest.
async fn remove(store: &Store, month: Month, runs: &[ArchivedRun]) -> anyhow::Result<()> {
    if store.clear_month(month, runs).await? {
        return Ok(());
    }
    for piece in pieces(runs) {
        store.remove_archived(month, &piece).await?;
        tokio::time::sleep(PAUSE).await;
    }
    // What is left of it may be nothing.
    store.clear_month(month, &[]).await?;
    Ok(())
}

/// The same runs in lists that one removal takes.
fn pieces(runs: &[ArchivedRun]) -> Vec<Vec<ArchivedRun>> {
    let mut pieces = Vec::new();
    let mut piece: Vec<ArchivedRun> = Vec::new();
    for run in runs {
        let mut first_seq = run.first_seq;
        while first_seq <= run.last_seq {
            let room = MAX_REPORTS_PER_REMOVAL - numbers(&piece);
            if room == 0 {
                pieces.push(std::mem::take(&mut piece));
                continue;
            }
            let last_seq = run.last_seq.min(first_seq.saturating_add(room - 1));
            piece.push(ArchivedRun { first_seq, last_seq, ..run.clone() });
            first_seq = last_seq.saturating_add(1);
        }
    }
    pieces.push(piece);
    pieces
}

/// Keeps other runs out of the folder until it is dropped.
fn lock(folder: &Path) -> anyhow::Result<File> {
    let told = || format!("cannot use the folder {}", folder.display());
    std::fs::create_dir_all(folder).with_context(told)?;
    if let Some(data) = folder.parent() {
        file::sync_folder(data).with_context(told)?;
    }
    let lock = File::create(folder.join("lock")).with_context(told)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(std::fs::TryLockError::WouldBlock) => {
            bail!("{} is being written by another run: wait until it has ended", folder.display())
        }
        Err(std::fs::TryLockError::Error(error)) => Err(error).with_context(told),
    }
}
