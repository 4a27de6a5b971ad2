//! `mingqu demo`: a small township on real meter data, with one command.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use domain::Timestamp;
use domain::watch::Thresholds;
use indicatif::{ProgressBar, ProgressStyle};

use super::{print, tell};
use crate::Verdict;
use crate::api::Api;
use crate::config::{Config, FILE_NAME, File, GENESIS_FILE, LOG_KEY_FILE, Overrides};
use crate::demo::{
    Meters, People, Person, Season, SeasonClock, Told, Township, found, genesis_of,
    people_with_keys,
};
use crate::key_file;
use crate::server::Server;
use crate::transport::Trust;

/// The registers are households', who draw a little at every hour; what is less than this is no turn.
const LEAST_TURN_LITRES: i64 = 50_000;
/// How long an hour of the season takes once its last event is over.
const LINGER_STEP: Duration = Duration::from_secs(1);

/// What `demo` takes.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The data folder; a second start goes on where the first ended.
    #[arg(long, env = "MINGQU_DATA", default_value = "demo-data")]
    pub data: PathBuf,
    /// Where pages are served, as ADDRESS:PORT.
    #[arg(long, env = "MINGQU_LISTEN")]
    pub listen: Option<String>,
    /// Where meters connect, as ADDRESS:PORT.
    #[arg(long, env = "MINGQU_MQTT_LISTEN")]
    pub mqtt_listen: Option<String>,
    /// Do the whole flow, then exit with 0.
    #[arg(long)]
    pub once: bool,
}

/// Lives the season, then serves until interrupted.
pub async fn run(args: DemoArgs) -> anyhow::Result<Verdict> {
    let started = tokio::time::Instant::now();
    let township = Township::load()?;
    let demo = args.data.join("demo");
    let config = configure(&args, &township)?;
    std::fs::create_dir_all(&demo).with_context(|| format!("cannot make {}", demo.display()))?;
    let all = people_with_keys(&township, &demo.join("keys"))?;
    let genesis = genesis(&township, &all, &config)?;
    let state = demo.join("now");
    let clock = Arc::new(SeasonClock::new(last_day(&state)?.unwrap_or(township.installed_at)));
    let mut server = Server::start(&config, clock.clone()).await?;
    tell(&server.greeting());
    let meters = Meters::start(&township, server.meters_address()?, &demo.join("ledger.jsonl"))?;
    let people = People {
        district: township.district.clone(),
        all,
        api: Api::new(&server.base_url(), &Trust::of_browsers()),
    };
    tokio::task::block_in_place(|| found(&township, &people, &genesis))?;
    let holders: Vec<_> = township
        .households
        .iter()
        .map(|household| (household.entry.household.clone(), household.holder.clone()))
        .collect();
    server.service().store().put_holders(&holders).await?;
    let mut season = Season::new(&township, clock, server.service(), meters, people, state)?;
    tokio::select! {
        lived = live(&mut season, started) => lived?,
        stopped = server.stopped() => return stopped.map(|()| Verdict::Good),
    }
    if !args.once {
        tell("The season is over; the server goes on until you press Ctrl-C.");
        tokio::select! {
            ended = linger(&mut season) => ended?,
            stopped = server.stopped() => stopped?,
        }
    }
    season.meters.stop().await?;
    server.stop().await?;
    Ok(Verdict::Good)
}

async fn live(season: &mut Season, started: tokio::time::Instant) -> anyhow::Result<()> {
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("{spinner} {msg}")?);
    let mut first_bill = None;
    let told = season
        .live(|day, told| {
            bar.set_message(format!("{} {}", day.beijing().format("%Y-%m-%d"), line(told)));
            bar.tick();
            if told.bill_runs > 0 && first_bill.is_none() {
                let seconds = started.elapsed().as_millis();
                first_bill = Some(seconds);
                bar.suspend(|| tell(&format!("first bills posted after {seconds} ms")));
            }
        })
        .await?;
    bar.finish_and_clear();
    print(&serde_json::to_string(&serde_json::json!({
        "reports_sent": told.reports,
        "statements_posted": told.posted,
        "bill_runs_posted": told.bill_runs,
        "first_bills_after_ms": first_bill,
        "season_took_ms": started.elapsed().as_millis(),
    }))?)
}

async fn linger(season: &mut Season) -> anyhow::Result<()> {
    while season.linger().await? {
        tokio::time::sleep(LINGER_STEP).await;
    }
    std::future::pending().await
}

fn line(told: Told) -> String {
    format!(
        "{} reports, {} statements co-signed and posted, {} bill runs",
        told.reports, told.posted, told.bill_runs
    )
}

fn configure(args: &DemoArgs, township: &Township) -> anyhow::Result<Config> {
    std::fs::create_dir_all(&args.data)
        .with_context(|| format!("cannot make the folder {}", args.data.display()))?;
    let path = args.data.join(FILE_NAME);
    if !path.exists() {
        let file = File {
            district: township.district.to_string(),
            origin: township.origin.clone(),
            alarms: Thresholds { turn_least_litres: LEAST_TURN_LITRES, ..Thresholds::default() },
            ..File::default()
        };
        file.write(&path)?;
    }
    let overrides = Overrides {
        listen: args.listen.clone(),
        mqtt_listen: args.mqtt_listen.clone(),
        ..Overrides::default()
    };
    let config = Config::load(&args.data, &overrides)?;
    if config.district != township.district || config.origin.as_str() != township.origin {
        bail!("{} holds another district: give the demo a folder of its own", args.data.display());
    }
    Ok(config)
}

/// The genesis's payload, drawn up at the first start.
fn genesis(township: &Township, all: &[Person], config: &Config) -> anyhow::Result<Vec<u8>> {
    let file = config.data.join(GENESIS_FILE);
    if !file.exists() {
        // The log's key is made with the genesis that names it, and never again.
        key_file::read_or_create(&config.data.join(LOG_KEY_FILE))?;
        let log_key = crate::server::log_key(config)?;
        let payload = serde_json::to_vec(&genesis_of(township, all, &log_key))?;
        std::fs::write(&file, payload)
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))
}

/// The day at which an earlier start stopped.
fn last_day(state: &Path) -> anyhow::Result<Option<Timestamp>> {
    match std::fs::read_to_string(state) {
        Ok(text) => Ok(Some(
            text.trim().parse().with_context(|| format!("{} is damaged", state.display()))?,
        )),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", state.display())),
    }
}
