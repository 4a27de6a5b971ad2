//! What is remembered of each meter between two looks, and the steps that carry it on.

use domain::watch::FlowSpan;
use domain::{MeterCode, OutletId, Timestamp};

use crate::alarm::{self, AlarmChange};
use crate::column::{bound, instant, number, parsed, stored};
use crate::numbered::Wanted;
use crate::packed::unpack;
use crate::pool::{Tx, changed, on};
use crate::{Store, StoreError, StreamId, proposal};

/// Meters of one read.
pub const MAX_METERS_TO_WATCH_PER_READ: u32 = 500;
/// Reports of one read.
pub const MAX_REPORTS_TO_WATCH_PER_READ: u32 = 1000;
/// Steps of one transaction: it holds up whoever stores reports.
pub const MAX_WATCH_STEPS_PER_CALL: usize = 100;

/// What is remembered of a meter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchRow {
    /// Grows with each step.
    pub version: i64,
    /// As JSON; the store does not look inside.
    pub state: String,
}

/// A meter to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeterToWatch {
    /// The meter.
    pub meter: MeterCode,
    /// How many reports of it were stored, and how many entries by hand.
    pub reports: u64,
    /// What is remembered of it; none before the first look.
    pub watch: Option<WatchRow>,
}

/// A report to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportToWatch {
    /// Its sequence number.
    pub seq: u64,
    /// When it came in.
    pub received_at: Timestamp,
    /// The exact bytes that the meter signed.
    pub bytes: Vec<u8>,
}

/// One meter carried on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchStep {
    /// The meter.
    pub meter: MeterCode,
    /// The version that was carried on; none for the first step.
    pub expected_version: Option<i64>,
    /// How many reports were stored when it was looked at; none when some of them were left for the next look.
    pub reports: Option<u64>,
    /// When to look again even if nothing comes.
    pub look_at: Option<Timestamp>,
    /// What is remembered now.
    pub state: String,
    /// The alarms that this raises and clears.
    pub alarms: Vec<AlarmChange>,
    /// The water that ran, with where the meter stands.
    pub flows: Vec<(OutletId, FlowSpan)>,
}

/// What stands for a count when not all was looked at: no meter has so many reports.
const NOT_ALL: i64 = -1;

impl Store {
    /// Meters that something came of since the last look, or whose time has come to be looked at
    /// again, by code; `after` is the last of the read before.
    pub async fn meters_to_watch(
        &self,
        now: Timestamp,
        after: Option<&MeterCode>,
        rows: u32,
    ) -> Result<Vec<MeterToWatch>, StoreError> {
        let found: Vec<(String, i64, Option<i64>, Option<String>)> = on!(self.pool, p => sqlx::query_as(
            "SELECT m.code, m.reports, w.version, w.state FROM (
                 SELECT district, code, CAST(SUM(reports) AS BIGINT) AS reports FROM meter
                 WHERE district = $1 AND code > $2 GROUP BY district, code) AS m
             LEFT JOIN meter_watch AS w ON w.district = m.district AND w.meter = m.code
             WHERE w.version IS NULL OR w.reports <> m.reports OR w.look_at <= $3
             ORDER BY m.code LIMIT $4",
        )
        .bind(self.district)
        .bind(after.map_or("", MeterCode::as_str))
        .bind(now.millis())
        .bind(i64::from(rows.min(MAX_METERS_TO_WATCH_PER_READ)))
        .fetch_all(p))?;
        found
            .into_iter()
            .map(|(code, reports, version, state)| {
                Ok(MeterToWatch {
                    meter: parsed("meter", "code", &code)?,
                    reports: number("meter", "reports", reports)?,
                    watch: version.zip(state).map(|(version, state)| WatchRow { version, state }),
                })
            })
            .collect()
    }

    /// What is remembered of a meter.
    pub async fn watch(&self, meter: &MeterCode) -> Result<Option<WatchRow>, StoreError> {
        let found: Option<(i64, String)> = on!(self.pool, p => sqlx::query_as(
            "SELECT version, state FROM meter_watch WHERE district = $1 AND meter = $2",
        )
        .bind(self.district)
        .bind(meter.as_str())
        .fetch_optional(p))?;
        Ok(found.map(|(version, state)| WatchRow { version, state }))
    }

    /// A stream's reports with these sequence numbers, both included, in order.
    pub async fn reports_to_watch(
        &self,
        stream: impl Into<StreamId>,
        first_seq: u64,
        last_seq: u64,
        rows: u32,
    ) -> Result<Vec<ReportToWatch>, StoreError> {
        let Some(known) = self.known(&stream.into()).await? else {
            return Ok(Vec::new());
        };
        let mut tx = self.pool.read().await?;
        let wanted = Wanted::between(known.id, bound(first_seq), bound(last_seq));
        let most = i64::from(rows.min(MAX_REPORTS_TO_WATCH_PER_READ));
        let found = wanted.read(&mut tx, most).await?;
        tx.commit().await?;
        found
            .into_iter()
            .map(|(seq, first_at, packed)| {
                let (times, bytes) = unpack(&known.head, first_at, &packed)?;
                Ok(ReportToWatch {
                    seq: number("report", "seq", seq)?,
                    received_at: instant("report", "packed", times.received_at)?,
                    bytes,
                })
            })
            .collect()
    }

    /// Carries meters on, all in one transaction; a step whose meter another server carried on
    /// meanwhile is left out. Returns the number of those taken.
    pub async fn take_watch_steps(
        &self,
        now: Timestamp,
        steps: &[WatchStep],
    ) -> Result<usize, StoreError> {
        if steps.len() > MAX_WATCH_STEPS_PER_CALL {
            let (count, most) = (steps.len(), MAX_WATCH_STEPS_PER_CALL);
            return Err(StoreError::TooMany { what: "steps of the watch", count, most });
        }
        // In one order everywhere, so that two servers never wait for each other.
        let mut ordered: Vec<&WatchStep> = steps.iter().collect();
        ordered.sort_by_key(|step| &step.meter);
        let mut tx = self.pool.write().await?;
        let mut taken = 0;
        for step in ordered {
            if carry_on(&mut tx, self.district, step).await? {
                alarm::apply(&mut tx, self.district, now, &step.alarms).await?;
                for (outlet, span) in &step.flows {
                    proposal::follow(&mut tx, self.district, (&step.meter, outlet), span).await?;
                }
                taken += 1;
            }
        }
        tx.commit().await?;
        Ok(taken)
    }
}

async fn carry_on(tx: &mut Tx, district: i64, step: &WatchStep) -> Result<bool, StoreError> {
    let text = match step.expected_version {
        // Both take the same values in the same places.
        Some(_) => {
            "UPDATE meter_watch SET version = version + 1, reports = $3, look_at = $4, state = $5
             WHERE district = $1 AND meter = $2 AND version = $6"
        }
        None => {
            "INSERT INTO meter_watch (district, meter, reports, look_at, state, version)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (district, meter) DO NOTHING"
        }
    };
    let reports = step.reports.map(|reports| stored("reports", reports)).transpose()?;
    let carried = changed!(
        tx,
        sqlx::query(text)
            .bind(district)
            .bind(step.meter.as_str())
            .bind(reports.unwrap_or(NOT_ALL))
            .bind(step.look_at.map(Timestamp::millis))
            .bind(step.state.as_str())
            .bind(step.expected_version.unwrap_or(1))
    )?;
    Ok(carried == 1)
}
