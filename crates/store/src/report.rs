//! Taking in a batch of reports: what is new is stored, what repeats is counted, what contradicts is kept apart.

use std::collections::BTreeMap;

use domain::{MeterCode, Timestamp};

use crate::column::number;
use crate::intake::{self, Row};
use crate::meter::{self, Arrived};
use crate::quarantine::{self, NewQuarantine};
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
    /// bytes again are a duplicate, other bytes go into quarantine as [`SEQUENCE_REUSED`].
    pub async fn store_reports(
        &self,
        received_at: Timestamp,
        reports: &[NewReport],
        rejects: &[NewQuarantine],
    ) -> Result<StoredBatch, StoreError> {
        within_limit(reports.len(), rejects.len())?;
        let mut tx = self.pool.write().await?;
        let possible = reports.iter().filter(|report| sequence(report).is_some());
        let ids = self.meter_ids(&mut tx, possible.map(|report| &report.meter)).await?;
        let rows = rows(reports, |code| ids.get(code).copied());
        let mut repeats = intake::insert(&mut tx, self.district, received_at, &rows).await?;

        let mut tally = Tally::default();
        for report in reports.iter().filter(|report| sequence(report).is_none()) {
            tally.refuse(report, SEQUENCE_IMPOSSIBLE, "sequence numbers run from 1");
        }
        for row in &rows {
            tally.book(row, repeats.get_mut(&(row.meter, row.seq)), reports);
        }
        let stored = meter::advance(&mut tx, received_at, &tally.arrived).await?;
        let refused: Vec<&NewQuarantine> = rejects.iter().chain(&tally.refused).collect();
        quarantine::insert(&mut tx, self.district, received_at, &refused).await?;
        tx.commit().await?;

        self.remember_meters(&ids);
        for (code, id) in ids {
            let seq = stored.get(&id).copied().unwrap_or_default();
            tally.batch.receipts.push((code.clone(), number("meter", "stored_seq", seq)?));
        }
        tally.batch.receipts.sort_unstable();
        Ok(tally.batch)
    }
}

/// The sequence number as the database holds it; none when it cannot be one.
fn sequence(report: &NewReport) -> Option<i64> {
    i64::try_from(report.seq).ok().filter(|seq| *seq > 0)
}

/// The rows to store, by meter and sequence number; of equal numbers the first to arrive stands first.
fn rows(reports: &[NewReport], id: impl Fn(&MeterCode) -> Option<i64>) -> Vec<Row<'_>> {
    let row = |(position, report): (usize, &'_ NewReport)| {
        Some((position, id(&report.meter)?, sequence(report)?))
    };
    let mut rows: Vec<Row<'_>> = reports
        .iter()
        .enumerate()
        .filter_map(|(position, report)| {
            let (position, meter, seq) = row((position, report))?;
            Some(Row {
                meter,
                seq,
                first_at: report.first_at.millis(),
                last_at: report.last_at.millis(),
                bytes: &report.bytes,
                position,
            })
        })
        .collect();
    // Also the order in which two servers on one database must insert, so as not to wait for each other.
    rows.sort_by_key(|row| (row.meter, row.seq));
    rows
}

/// Counts what became of each report.
#[derive(Default)]
struct Tally {
    batch: StoredBatch,
    arrived: BTreeMap<i64, Arrived>,
    refused: Vec<NewQuarantine>,
}

impl Tally {
    fn book(&mut self, row: &Row<'_>, held: Option<&mut intake::Held>, reports: &[NewReport]) {
        let arrived = self.arrived.entry(row.meter).or_default();
        arrived.seqs.push(row.seq);
        let repeated = match held {
            Some(held) if held.fresh => {
                held.fresh = false;
                None
            }
            other => other,
        };
        match repeated {
            None => {
                arrived.fresh.push((row.seq, row.first_at));
                arrived.last_at = arrived.last_at.max(Some(row.last_at));
                self.batch.stored += 1;
            }
            Some(held) if held.bytes == row.bytes => self.batch.duplicates += 1,
            Some(_) => {
                if let Some(report) = reports.get(row.position) {
                    self.refuse(report, SEQUENCE_REUSED, "another report has this sequence number");
                }
            }
        }
    }

    fn refuse(&mut self, report: &NewReport, reason: &str, why: &str) {
        self.batch.conflicts += 1;
        self.refused.push(NewQuarantine {
            topic: String::new(),
            meter: report.meter.to_string(),
            reason: reason.into(),
            detail: format!("report {}: {why}", report.seq),
            payload: report.bytes.clone(),
        });
    }
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
