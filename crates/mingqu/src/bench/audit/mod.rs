//! `mingqu bench audit`: how fast a log is audited, beside what the cores give at most in signatures.
//!
//! A log of its own is made for each size in a temporary folder and audited by `mingqu audit`, a process of its own.
//! The ceiling is strict verification of as many signatures on all cores, and nothing else.

mod synthetic;

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::Value;

use super::fleet::cores;
use super::process::highest_memory_bytes;
use super::row::Row;
use super::statistics::{float, rate};
use crate::command::tell;
use synthetic::{Signed, Synthetic};

/// How often an audit's memory is looked at.
const PACE: Duration = Duration::from_millis(10);
/// Signatures of the ceiling's figure; more say nothing more.
const MAX_CEILING_SIGNATURES: usize = 200_000;
const MIB: f64 = 1024.0 * 1024.0;
/// The share of the ceiling that an audit should reach.
const TARGET: f64 = 0.6;

/// Measures logs of these sizes.
pub fn run(sizes: &[u32]) -> anyhow::Result<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::new();
    let mut memory: Vec<(u32, Option<f64>)> = Vec::new();
    for &entries in sizes {
        tell(&format!("  a log of {entries} entries …"));
        let folder = tempfile::Builder::new().prefix("mingqu-bench-").tempdir()?;
        let log = Synthetic::write(folder.path(), usize::try_from(entries)?)?;
        tell("  its audit …");
        let audit = audited(folder.path(), &log)?;
        let ceiling = ceiling(&log.samples, log.signatures)?;
        let per_second = rate(log.signatures, audit.time);
        let name = format!("audit of {entries} entries");
        let mib = audit.memory.map(|bytes| float(bytes) / MIB);
        memory.push((entries, mib));
        rows.extend([
            Row::ratio(
                &format!("{name}, signatures"),
                Some(per_second),
                "strict verification, all cores",
                Some(ceiling),
            )
            .at_least(TARGET),
            Row::new(format!("{name}, entries"), rate(log.entries, audit.time), "entries/s"),
            Row::new(format!("{name}, signatures"), per_second, "signatures/s"),
            Row::new(format!("{name}, ceiling: strict verification"), ceiling, "signatures/s"),
            Row::new(format!("{name}, time"), audit.time.as_secs_f64(), "s"),
            Row::new(format!("{name}, highest memory"), mib, "MiB"),
        ]);
    }
    if let ([(least, small), ..], Some((most, large))) = (memory.as_slice(), memory.last())
        && least < most
    {
        let name = format!("highest memory, {most} entries");
        rows.push(Row::ratio(&name, *large, &format!("{least} entries"), *small));
    }
    Ok(rows.into_iter().map(|row| Row { bench: "audit", ..row }).collect())
}

struct Audited {
    time: Duration,
    memory: Option<usize>,
}

/// Runs `mingqu audit` over the folder, which must say that the log holds.
fn audited(folder: &Path, log: &Synthetic) -> anyhow::Result<Audited> {
    let state = tempfile::tempdir()?;
    let output = state.path().join("report.json");
    let mut command =
        Command::new(std::env::current_exe().context("this program's own file is gone")?);
    command
        .arg("audit")
        .arg(folder)
        .arg("--json")
        .arg("--state")
        .arg(state.path().join("seen.json"));
    command.args(["--log-key", &log.key]);
    command.stdin(Stdio::null()).stdout(File::create(&output)?);
    let began = Instant::now();
    let mut child = command.spawn().context("starting mingqu audit")?;
    let mut memory = None;
    let (status, time) = loop {
        if let Some(status) = child.try_wait()? {
            break (status, began.elapsed());
        }
        memory = highest_memory_bytes(child.id()).or(memory);
        thread::sleep(PACE);
    };
    let report: Value = serde_json::from_slice(&std::fs::read(&output)?).context("the report")?;
    ensure!(status.success(), "the log does not hold: {}", report["findings"]);
    ensure!(report["entries_judged"] == log.entries, "the audit saw another log");
    Ok(Audited { time, memory })
}

/// Signatures strictly verified a second, on all cores.
fn ceiling(samples: &[Signed], signatures: usize) -> anyhow::Result<f64> {
    let (threads, count) = (cores(), signatures.min(MAX_CEILING_SIGNATURES));
    let share = count.div_ceil(threads);
    let began = Instant::now();
    let all_hold = thread::scope(|scope| {
        let verify = |first: usize| {
            let mut cycle = samples.iter().cycle().skip(first % samples.len().max(1)).take(share);
            cycle.all(Signed::holds)
        };
        let all: Vec<_> =
            (0..threads).map(|thread| scope.spawn(move || verify(thread * share))).collect();
        all.into_iter().all(|thread| thread.join().unwrap_or(false))
    });
    ensure!(all_hold, "a signature of the log does not hold");
    Ok(rate(share * threads, began.elapsed()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::Folder;

    #[test]
    fn the_log_holds_and_has_the_size_and_signatures_that_were_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let log = Synthetic::write(folder.path(), 300).unwrap();
        let report = audit::audit(&Folder(folder.path().to_owned()), None);
        assert!(report.holds(), "{report}");
        assert_eq!((report.size, report.entries_judged), (300, 300));
        assert_eq!(report.log_key, Some(log.key));
        assert!(report.bills > 0 && report.waterings > 200, "{report}");
        // What runs after a watering's end, in its last report.
        assert_eq!(report.unattributed.len(), synthetic::WELLS, "{report}");
        // Four reports and two people for each watering.
        let waterings = usize::try_from(report.waterings).unwrap();
        let people = usize::try_from(report.signatures).unwrap();
        assert_eq!(log.signatures, people + 4 * waterings);
        assert!(ceiling(&log.samples, 10).unwrap() > 0.0);
    }

    #[test]
    fn rejects_a_log_that_is_too_short_to_be_founded() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Synthetic::write(folder.path(), 5).is_err());
    }
}
