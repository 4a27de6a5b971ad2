//! Taking in a batch of reports: what is new is stored, what repeats is counted, what contradicts is kept apart.

use std::collections::HashMap;

use domain::{MeterCode, Timestamp};

use crate::column::number;
use crate::intake::{self, Row};
use crate::meter::{self, Standings};
use crate::packed::Times;
use crate::quarantine::{self, NewQuarantine};
use crate::sorting::sort_out;
use crate::stream::Known;
use crate::{Store, StoreError};

/// Reports, and messages for the quarantine, of one call.
pub const MAX_REPORTS_PER_BATCH: usize = 10_000;

/// Quarantine reason: another report of the meter already has this sequence number.
pub const SEQUENCE_REUSED: &str = "sequence-reused";
/// Quarantine reason: sequence numbers run from 1 to 2^63 - 1.
pub const SEQUENCE_IMPOSSIBLE: &str = "sequence-impossible";

/// A report whose signature was verified, to be stored as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReport {
    /// The meter that signed it.
    pub meter: MeterCode,
    /// Its sequence number, from 1.
    pub seq: u64,
    /// The time of its first reading.
    pub first_at: Timestamp,
    /// The time of its last reading.
    pub last_at: Timestamp,
    /// The exact bytes that were signed and sent.
    pub bytes: Vec<u8>,
}

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredBatch {
    /// Reports that are new.
    pub stored: u64,
    /// Reports that were stored before, byte for byte, or came twice in the batch.
    pub duplicates: u64,
    /// Reports under a sequence number that is taken by other bytes, or that cannot be: in quarantine.
    pub conflicts: u64,
    /// For every meter with a report in the batch: reports 1 to this number are on disk.
    pub receipts: Vec<(MeterCode, u64)>,
}

impl Store {
    /// Stores a batch and its rejects in one transaction; when it returns, all of it is on disk.
    ///
    /// A meter is entered on its first report. A sequence number is never stored twice: the same
    /// bytes again are a duplicate, other bytes go into quarantine as [`SEQUENCE_REUSED`]. A number
    /// whose report was archived is a duplicate too: its bytes are not here to compare.
    pub async fn store_reports(
        &self,
        received_at: Timestamp,
        reports: &[NewReport],
        rejects: &[NewQuarantine],
    ) -> Result<StoredBatch, StoreError> {
        within_limit(reports.len(), rejects.len())?;
        let starts = reports.iter().map(|report| report.first_at);
        let mut tx = self.write_reports(received_at, starts).await?;
        let possible = reports.iter().filter(|report| sequence(report).is_some());
        let firsts = possible.map(|report| (&report.meter, report.bytes.as_slice()));
        let meters = self.enter_meters(&mut tx, firsts).await?;
        let mut ids: Vec<i64> = meters.values().map(|known| known.id).collect();
        ids.sort_unstable();
        let mut standings = meter::lock(&mut tx, &ids).await?;
        let sorted = sort_out(&mut tx, &standings, rows(received_at, reports, &meters)).await?;
        intake::insert(&mut tx, &sorted.fresh).await?;
        meter::advance(&mut tx, &mut standings, sorted.gaps, &sorted.fresh).await?;

        let reused =
            sorted.reused.iter().filter_map(|row| reports.get(row.position)).map(|report| {
                refuse(report, SEQUENCE_REUSED, "another report has this sequence number")
            });
        let impossible = reports
            .iter()
            .filter(|report| sequence(report).is_none())
            .map(|report| refuse(report, SEQUENCE_IMPOSSIBLE, "sequence numbers run from 1"));
        let conflicts: Vec<NewQuarantine> = impossible.chain(reused).collect();
        let apart: Vec<&NewQuarantine> = rejects.iter().chain(&conflicts).collect();
        quarantine::insert(&mut tx, self.district, received_at, &apart).await?;
        tx.commit().await?;

        self.remember(meters.iter().map(|(meter, known)| (*meter, known)));
        Ok(StoredBatch {
            stored: count(sorted.fresh.len()),
            duplicates: count(sorted.repeated.len() + sorted.archived.len()),
            conflicts: count(conflicts.len()),
            receipts: receipts(&meters, &standings)?,
        })
    }
}

/// The sequence number as the database holds it; none when it cannot be one.
fn sequence(report: &NewReport) -> Option<i64> {
    i64::try_from(report.seq).ok().filter(|seq| *seq > 0)
}

/// The rows of a batch, by stream and sequence number; of equal numbers the first to arrive stands first.
fn rows(
    received_at: Timestamp,
    reports: &[NewReport],
    meters: &HashMap<&MeterCode, Known>,
) -> Vec<Row> {
    let row = |(position, report): (usize, &NewReport)| {
        let known = meters.get(&report.meter)?;
        let times = Times {
            first_at: report.first_at.millis(),
            last_at: report.last_at.millis(),
            received_at: received_at.millis(),
        };
        let key = (known.id, sequence(report)?);
        Some(Row::new(key, &known.head, times, &report.bytes, position))
    };
    let mut rows: Vec<Row> = reports.iter().enumerate().filter_map(row).collect();
    rows.sort_by_key(Row::key);
    rows
}

fn refuse(report: &NewReport, reason: &str, why: &str) -> NewQuarantine {
    NewQuarantine {
        topic: String::new(),
        meter: report.meter.to_string(),
        reason: reason.into(),
        detail: format!("report {}: {why}", report.seq),
        payload: report.bytes.clone(),
        payload_bytes: count(report.bytes.len()),
    }
}

fn receipts(
    meters: &HashMap<&MeterCode, Known>,
    standings: &Standings,
) -> Result<Vec<(MeterCode, u64)>, StoreError> {
    let receipt = |(meter, known): (&&MeterCode, &Known)| {
        let stored = standings.get(&known.id).map_or(0, |meter| meter.stored_seq);
        Ok(((*meter).clone(), number("meter", "stored_seq", stored)?))
    };
    let mut receipts: Vec<_> = meters.iter().map(receipt).collect::<Result<_, StoreError>>()?;
    receipts.sort_unstable();
    Ok(receipts)
}

/// A length as a count; no list here is longer than a batch.
fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn within_limit(reports: usize, rejects: usize) -> Result<(), StoreError> {
    let most = MAX_REPORTS_PER_BATCH;
    for (what, count) in [("reports", reports), ("messages for the quarantine", rejects)] {
        if count > most {
            return Err(StoreError::TooMany { what, count, most });
        }
    }
    Ok(())
}
