//! A scenario from its start to its end, and what is said about it.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use firmware_sim::{Connections, Field, FieldLedger, Mishaps, Rehearsal, Uplink};
use serde::Serialize;
use tokio::task::block_in_place;
use tokio::time::{Instant, sleep_until, timeout};

use crate::arguments::{Live, Registry};
use crate::descriptors::allow_connections;
use crate::progress::Progress;
use crate::run::give_up;

/// How much of a scenario is made and sent at a time.
const SLICE_MS: i64 = 60_000;

/// The ledger with what went wrong on the way.
#[derive(Debug, Serialize)]
struct Ended {
    /// Reports without a receipt.
    outstanding: usize,
    /// First tries that went wrong on request.
    on_the_way: Mishaps,
    #[serde(flatten)]
    ledger: FieldLedger,
}

/// Says what would happen.
pub(crate) fn rehearse(run: &Live) -> Result<ExitCode> {
    let rehearsal = Rehearsal::of(run.scenario.open()?)?;
    writeln!(io::stdout(), "{rehearsal}")?;
    if run.ledger.is_some() {
        let (outstanding, on_the_way) = (0, Mishaps::default());
        write_ledger(run, &Ended { outstanding, on_the_way, ledger: rehearsal.ledger() })?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints what the registry should know.
pub(crate) fn registry(registry: &Registry) -> Result<ExitCode> {
    let scenario = registry.scenario.open()?;
    let until_ms = match &registry.by {
        Some(time) => scenario.instant_ms(time)?,
        None => scenario.end_ms(),
    };
    let mut field = Field::rehearsal(scenario)?;
    field.pass(until_ms)?;
    let mut out = BufWriter::new(io::stdout().lock());
    match registry.split_bytes {
        None => {
            serde_json::to_writer_pretty(&mut out, &field.registry())?;
            writeln!(out)?;
        }
        Some(bytes) => {
            let parts = field.registry().split(bytes);
            let parts = parts.with_context(|| {
                format!("{bytes} bytes are too few for one table or one outlet: allow more")
            })?;
            for part in parts {
                serde_json::to_writer(&mut out, &part)?;
                writeln!(out)?;
            }
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Lives the scenario and sends its reports; fails unless each has its receipt.
pub(crate) async fn live(run: &Live) -> Result<ExitCode> {
    let scenario = run.scenario.open()?;
    let connections = run.connections();
    if connections == Connections::OnePerMeter {
        allow_connections(scenario.outlets().into())?;
    }
    let options = run.way.options(run.district(), scenario.seed());
    let mut field = block_in_place(|| Field::new(scenario))?;
    let mut uplink = Uplink::start(options, connections)?;
    for meter in field.meters() {
        uplink.connect_meter(meter)?;
    }
    let ended = tokio::select! {
        ended = go_through(run, &mut field, &mut uplink) => ended.map(|()| true),
        () = give_up(run.way.give_up_after) => Ok(false),
        stopped = tokio::signal::ctrl_c() => stopped.map(|()| false).map_err(Into::into),
    };
    let books = Ended {
        outstanding: uplink.outstanding(),
        on_the_way: uplink.mishaps(),
        ledger: field.ledger(|meter| uplink.summary_of(meter)),
    };
    write_ledger(run, &books)?;
    uplink.shutdown().await?;
    Ok(if ended? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn go_through(run: &Live, field: &mut Field, uplink: &mut Uplink) -> Result<()> {
    let (start_ms, end_ms) = (field.scenario().start_ms(), field.scenario().end_ms());
    let mut progress = Progress::new(start_ms, end_ms)?;
    let (began, mut now_ms) = (Instant::now(), start_ms);
    while now_ms < end_ms {
        now_ms = end_ms.min(now_ms + SLICE_MS);
        let happenings = block_in_place(|| field.advance(now_ms))?;
        if let Some(speed) = run.speed {
            let simulated = Duration::from_millis(now_ms.abs_diff(start_ms));
            let due = began + simulated / speed.get();
            while timeout(progress.pause(), sleep_until(due)).await.is_err() {
                progress.tell(now_ms, uplink);
            }
        }
        for happening in happenings {
            uplink.take(happening).await?;
        }
        progress.tell(now_ms, uplink);
    }
    loop {
        if let Ok(drained) = timeout(progress.pause(), uplink.drained()).await {
            progress.finish();
            return Ok(drained?);
        }
        progress.tell(now_ms, uplink);
    }
}

fn write_ledger(run: &Live, ended: &Ended) -> Result<()> {
    let Some(path) = &run.ledger else {
        let mut out = io::stdout().lock();
        serde_json::to_writer(&mut out, ended)?;
        return Ok(writeln!(out)?);
    };
    let failed = || format!("the ledger {}", path.display());
    let mut file = BufWriter::new(File::create(path).with_context(failed)?);
    serde_json::to_writer(&mut file, ended).with_context(failed)?;
    writeln!(file).and_then(|()| file.flush()).with_context(failed)
}
