//! What the machine gives at most: each part of the way alone, and the two that no server can do without.

use std::collections::HashMap;
use std::thread;
use std::time::Instant;

use anyhow::{Context, ensure};
use firmware_sim::Outgoing;
use service::Clock;
use store::{NewReport, Store};
use telemetry::{DeviceKey, MeterId, SignedReport};
use tokio::sync::mpsc;

use super::fleet::{Fleet, cores};
use super::statistics::rate;
use crate::clock::SystemClock;

/// Reports of one transaction: what the server stores at once under a full load.
pub const BATCH_REPORTS: usize = mqtt::MAX_BACKLOG_MESSAGES;
/// Batches that wait, checked, for the store.
const BATCHES_AHEAD: usize = 2;

/// How signatures are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Each alone and strictly, as for evidence.
    Strict,
    /// In sums, as at the door.
    Batch,
}

/// Reports with their meters' keys.
pub type Keyed<'a> = Vec<(&'a Outgoing, DeviceKey)>;

/// Finds each report's key.
pub fn keyed<'a>(fleet: &Fleet, reports: &'a [Outgoing]) -> anyhow::Result<Keyed<'a>> {
    let read = |(meter, key): (&'_ MeterId, _)| Ok((meter.clone(), device_key(&key)?));
    let keys: HashMap<MeterId, DeviceKey> =
        fleet.keys().map(read).collect::<anyhow::Result<_>>()?;
    let with_key = |report: &'a Outgoing| {
        let key =
            keys.get(&report.meter).context("a report of a meter that is not of the fleet")?;
        Ok((report, *key))
    };
    reports.iter().map(with_key).collect()
}

fn device_key(key: &telemetry::VerifyingKey) -> anyhow::Result<DeviceKey> {
    Ok(DeviceKey::from_bytes(key.as_bytes())?)
}

/// Signatures checked a second, decoding included, by this many threads.
pub fn signature_checks(reports: &Keyed<'_>, check: Check, threads: usize) -> anyhow::Result<f64> {
    let began = Instant::now();
    check_all(reports, check, threads)?;
    Ok(rate(reports.len(), began.elapsed()))
}

fn check_all(
    reports: &[(&Outgoing, DeviceKey)],
    check: Check,
    threads: usize,
) -> anyhow::Result<()> {
    let share = reports.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let all: Vec<_> = reports
            .chunks(share)
            .map(|share| scope.spawn(move || check_share(share, check)))
            .collect();
        for thread in all {
            thread.join().ok().context("a checking thread failed")??;
        }
        Ok(())
    })
}

fn check_share(reports: &[(&Outgoing, DeviceKey)], check: Check) -> anyhow::Result<()> {
    for chunk in reports.chunks(telemetry::MAX_BATCH_SIGNATURES) {
        let decoded =
            chunk.iter().map(|(report, key)| Ok((telemetry::decode(&report.bytes)?, key)));
        let decoded: Vec<(SignedReport<'_>, &DeviceKey)> =
            decoded.collect::<anyhow::Result<_>>()?;
        match check {
            Check::Strict => {
                for (signed, key) in &decoded {
                    signed.verify(key.point())?;
                }
            }
            Check::Batch => {
                let pairs: Vec<_> = decoded.iter().map(|(signed, key)| (signed, *key)).collect();
                for verdict in telemetry::verify_batch(&pairs) {
                    verdict?;
                }
            }
        }
    }
    Ok(())
}

/// Reports stored a second, in batches, and nothing else.
pub async fn store_alone(
    store: &Store,
    fleet: &Fleet,
    reports: &[Outgoing],
) -> anyhow::Result<f64> {
    let rows = reports.iter().map(|report| fleet.as_stored(report));
    let rows: Vec<NewReport> = rows.collect::<anyhow::Result<_>>()?;
    let began = Instant::now();
    for batch in rows.chunks(BATCH_REPORTS) {
        store_batch(store, batch).await?;
    }
    Ok(rate(reports.len(), began.elapsed()))
}

/// Reports verified and stored a second: the signatures of one batch are checked while another is stored.
pub fn verification_and_store(
    store: &Store,
    fleet: &Fleet,
    reports: &[Outgoing],
) -> anyhow::Result<f64> {
    let keyed = keyed(fleet, reports)?;
    let (sender, mut batches) = mpsc::channel::<Vec<NewReport>>(BATCHES_AHEAD);
    let began = Instant::now();
    thread::scope(|scope| {
        let checking = scope.spawn(move || -> anyhow::Result<()> {
            for batch in keyed.chunks(BATCH_REPORTS) {
                check_all(batch, Check::Batch, cores())?;
                let rows = batch
                    .iter()
                    .map(|(report, _)| fleet.as_stored(report))
                    .collect::<anyhow::Result<_>>()?;
                sender.blocking_send(rows).context("the store stopped")?;
            }
            Ok(())
        });
        let storing = async move {
            // Gone with its error, so that the checking thread does not wait for ever.
            while let Some(batch) = batches.recv().await {
                store_batch(store, &batch).await?;
            }
            anyhow::Ok(())
        };
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(storing))?;
        checking.join().ok().context("the checking thread failed")?
    })?;
    Ok(rate(reports.len(), began.elapsed()))
}

async fn store_batch(store: &Store, batch: &[NewReport]) -> anyhow::Result<()> {
    let stored = store.store_reports(SystemClock.now(), batch, &[]).await?;
    ensure!(
        usize::try_from(stored.stored)? == batch.len(),
        "the database held some reports already"
    );
    Ok(())
}
