//! `mingqu archive`: old reports leave the database for archive files, and come back.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use chrono::NaiveDate;
use clap::Args;
use domain::Timestamp;
use service::{Clock, Needs};
use store::{Month, Store};

use super::{print, tell};
use crate::Verdict;
use crate::archive::{self, FOLDER, MIN_KEEP_DAYS, Task, archive, restore};
use crate::clock::SystemClock;
use crate::config::{Config, Overrides};

/// What `archive` takes.
#[derive(Debug, Args)]
pub struct ArchiveArgs {
    /// The data folder.
    #[arg(long, env = "MINGQU_DATA", default_value = "mingqu-data")]
    data: PathBuf,
    /// Archive the months that have ended by this day, as YYYY-MM-DD, instead of those that the
    /// configuration's `retention.keep_days` leaves.
    #[arg(long)]
    before: Option<NaiveDate>,
    /// Only tell what would be done.
    #[arg(long)]
    dry_run: bool,
    /// Put the reports of an archive file back into the database: the path of its manifest (….json).
    #[arg(long, value_name = "MANIFEST", conflicts_with_all = ["before", "dry_run"])]
    restore: Option<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
}

/// Archives, or restores; prints what it did, a JSON object a line. A server may run meanwhile.
pub async fn run(args: ArchiveArgs) -> anyhow::Result<Verdict> {
    let config = Config::load(&args.data, &args.overrides)?;
    let now = SystemClock.now();
    if let Some(manifest) = &args.restore {
        return put_back(&config, manifest, now).await;
    }
    let before = first_month_kept(&args, &config, now)?;
    let store = Store::open(&config.database, &config.district).await?;
    let needs = needs(&config, &store, before).await?;
    tell_needs(&needs)?;
    let task = Task {
        store: &store,
        folder: config.data.join(FOLDER),
        before,
        needs,
        now,
        dry_run: args.dry_run,
    };
    let mut done = Vec::new();
    archive(&task, |archived| done.push(archived.clone())).await?;
    for archived in &done {
        print(&serde_json::to_string(archived)?)?;
    }
    store.close().await;
    let reports: u64 = done.iter().map(|archived| archived.reports).sum();
    let what = if args.dry_run { "would be archived" } else { "archived" };
    tell(&format!("{reports} reports of months before {before} {what}"));
    Ok(Verdict::Good)
}

/// What needs old reports, as the log and the turns say now.
async fn needs(config: &Config, store: &Store, before: Month) -> anyhow::Result<Needs> {
    let service = crate::server::open_log(config, store.clone(), Arc::new(SystemClock)).await?;
    Ok(service.needs(archive::start_of(before)?).await?)
}

fn tell_needs(needs: &Needs) -> anyhow::Result<()> {
    for (need, from) in &needs.reasons {
        print(&serde_json::json!({ "kept_for": need, "from": from }).to_string())?;
    }
    Ok(())
}

fn first_month_kept(args: &ArchiveArgs, config: &Config, now: Timestamp) -> anyhow::Result<Month> {
    let youngest = archive::first_month_kept(now, MIN_KEEP_DAYS);
    match (args.before, config.keep_days) {
        (Some(day), _) => {
            let month: Month = day.format("%Y-%m").to_string().parse().context("--before")?;
            if month > youngest {
                bail!(
                    "--before {day} is not valid: reports stay for at least {MIN_KEEP_DAYS} days, so use {youngest}-01 or earlier"
                );
            }
            Ok(month)
        }
        (None, Some(days)) => Ok(archive::first_month_kept(now, days)),
        (None, None) => bail!(
            "nothing says what is old: give --before YYYY-MM-DD, or set keep_days under [retention] in the configuration"
        ),
    }
}

async fn put_back(
    config: &Config,
    manifest: &std::path::Path,
    now: Timestamp,
) -> anyhow::Result<Verdict> {
    let store = Store::open(&config.database, &config.district).await?;
    let restored = restore(&store, manifest, now).await?;
    store.close().await;
    print(&serde_json::to_string(&restored)?)?;
    Ok(if restored.contradicted == 0 { Verdict::Good } else { Verdict::Bad })
}
