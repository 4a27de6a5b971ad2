//! Makes the reports, sends them and says how far it is.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::num::NonZeroU32;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::FixedOffset;
use firmware_sim::{Faults, Fleet, Ledger, Outgoing, Publisher, Registers, Replay};
use serde::Serialize;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::arguments::{self, Keys, RegistersFile, Sending, Synthetic};

/// Reports in batches, in the order in which they are sent.
type Batches = Box<dyn Iterator<Item = Result<Vec<Outgoing>>> + Send>;

/// How often progress is said.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, Serialize)]
struct Summary {
    /// Reports handed to the publisher.
    published: u64,
    /// Reports that wait for a receipt.
    outstanding: usize,
    meters: usize,
    acknowledged: usize,
    receipted: usize,
}

pub(crate) fn replayed(replay: &arguments::Replay) -> Result<Batches> {
    let registers = read(&replay.registers)?;
    let sending = &replay.sending;
    sending.faults().check()?;
    let mut replay = Replay::new(registers, sending.seed, sending.faults())?;
    Ok(Box::new(std::iter::once_with(move || Ok(replay.flush()?))))
}

pub(crate) fn synthetic(fleet: &Synthetic) -> Result<Batches> {
    let sending = &fleet.sending;
    sending.faults().check()?;
    let start_ms = fleet.start.timestamp_millis();
    let mut meters = Fleet::synthetic(sending.seed, fleet.meters, start_ms, sending.faults())?;
    Ok(Box::new((0..fleet.reports).map(move |_| Ok(meters.hour()?))))
}

/// Public keys in lower-case hex by meter id.
pub(crate) fn public_keys(keys: &Keys) -> Result<BTreeMap<String, String>> {
    let hex_of = |(id, key): (&telemetry::MeterId, telemetry::VerifyingKey)| {
        (id.to_string(), hex::encode(key.as_bytes()))
    };
    if let Some(csv) = &keys.csv {
        // The keys don't depend on the times, so any offset does.
        let utc_offset = FixedOffset::east_opt(0).context("UTC is an offset")?;
        let registers = read(&RegistersFile { csv: csv.clone(), utc_offset })?;
        let replay = Replay::new(registers, keys.seed, Faults::NONE)?;
        return Ok(replay.keys().map(hex_of).collect());
    }
    let fleet = Fleet::synthetic(keys.seed, keys.meters.unwrap_or(0), 0, Faults::NONE)?;
    Ok(fleet.keys().map(hex_of).collect())
}

/// Sends everything and prints the ledger's sums; fails unless every report has its receipt.
pub(crate) async fn publish(reports: Batches, sending: &Sending) -> Result<ExitCode> {
    let ledger = match &sending.ledger {
        Some(path) => Ledger::open(path)?,
        None => Ledger::in_memory(),
    };
    let options = sending.way.options(&sending.district, sending.seed);
    let publisher = Publisher::start(options, ledger)?;
    let mut sent = 0;
    let ended = tokio::select! {
        ended = send_all(&publisher, reports, sending.rate, &mut sent) => ended.map(|()| true),
        () = give_up(sending.way.give_up_after) => Ok(false),
        stopped = tokio::signal::ctrl_c() => stopped.map(|()| false).map_err(Into::into),
        failed = say_progress(&publisher) => failed,
    };
    let outstanding = publisher.outstanding();
    let sums = publisher.shutdown().await?.summary();
    let summary = Summary {
        published: sent,
        outstanding,
        meters: sums.meters,
        acknowledged: sums.acknowledged,
        receipted: sums.receipted,
    };
    writeln!(io::stdout(), "{}", serde_json::to_string(&summary)?)?;
    Ok(if ended? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(file: &RegistersFile) -> Result<Registers> {
    let registers = Registers::open(&file.csv, file.utc_offset)
        .with_context(|| format!("reading {}", file.csv.display()))?;
    for row in &registers.rejected {
        tracing::warn!(line = row.line, reason = %row.reason, "row left out");
    }
    Ok(registers)
}

async fn send_all(
    publisher: &Publisher,
    reports: Batches,
    rate: Option<NonZeroU32>,
    sent: &mut u64,
) -> Result<()> {
    let start = Instant::now();
    for batch in reports {
        for report in batch? {
            if let Some(rate) = rate {
                let micros = sent.saturating_mul(1_000_000) / u64::from(rate.get());
                sleep_until(start + Duration::from_micros(micros)).await;
            }
            publisher.publish(&report.meter, report.seq, report.bytes).await?;
            *sent += 1;
        }
        // Signing a large fleet's hour takes a while; let the connection be served between.
        tokio::task::yield_now().await;
    }
    publisher.drained().await?;
    Ok(())
}

pub(crate) async fn give_up(after_s: Option<u64>) {
    match after_s {
        Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
        None => std::future::pending().await,
    }
}

/// Never ends but by an error of the terminal.
async fn say_progress(publisher: &Publisher) -> Result<bool> {
    let mut ticks = interval(PROGRESS_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let sums = publisher.summary();
        let state = if publisher.connected() { "connected" } else { "not connected" };
        let (receipted, acknowledged) = (sums.receipted, sums.acknowledged);
        writeln!(
            io::stderr(),
            "{state}: {acknowledged} acknowledged, {receipted} receipted, {} outstanding",
            publisher.outstanding()
        )?;
    }
}
