//! Alarms: one open row for a kind and what it is about, and the cleared ones behind it.

use domain::watch::{AlarmKind, Cause, Sighting};
use domain::{MeterCode, OutletId, PersonId, Timestamp, TurnId};

use crate::column::{instant, instant_option, limit, number, parsed, parsed_option};
use crate::pool::{Tx, changed, on};
use crate::{Store, StoreError};

/// Alarms of one read.
pub const MAX_ALARMS_PER_READ: u32 = 1000;
/// Open alarms of one kind that are read at once: more than a district has meters.
pub const MAX_OPEN_ALARMS_OF_KIND: i64 = 100_000;
/// Cleared alarms kept; older ones give way.
pub const MAX_CLEARED_ALARMS: i64 = 100_000;

/// What an alarm is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A meter, and where it stands.
    Meter(MeterCode, Option<OutletId>),
    /// An outlet, and the meter that told.
    Outlet(OutletId, MeterCode),
    /// A turn, with its outlet.
    Turn(TurnId, OutletId),
}

/// A change of the alarms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlarmChange {
    /// A cause was seen: raises an alarm, or adds to the one that is open. Seen 0 times, it only adds.
    Seen(Subject, Sighting),
    /// It is over: clears the alarm of this kind, if one is open.
    Over(Subject, AlarmKind),
    /// It is over: clears the alarm with this number, if it is open.
    Clear(i64),
}

/// An alarm as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmRow {
    /// Its number; grows with each alarm.
    pub id: i64,
    /// What was seen last.
    pub cause: Cause,
    /// The meter or outlet or turn, by its code.
    pub subject: String,
    /// The meter concerned.
    pub meter: Option<MeterCode>,
    /// The outlet concerned.
    pub outlet: Option<OutletId>,
    /// Since when, by the readings.
    pub since: Timestamp,
    /// When it was seen last, by the readings.
    pub last_at: Timestamp,
    /// How often it was seen.
    pub times: u32,
    /// When it was raised, by the server's clock.
    pub raised_at: Timestamp,
    /// When it was cleared, by the server's clock.
    pub cleared_at: Option<Timestamp>,
    /// Who has taken note of it.
    pub acknowledged: Option<Acknowledgement>,
}

/// That somebody has taken note of an alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    /// Who.
    pub by: PersonId,
    /// When.
    pub at: Timestamp,
    /// What they say.
    pub note: String,
}

/// How many alarms of a kind are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlarmCount {
    /// The kind.
    pub kind: AlarmKind,
    /// How many are open.
    pub open: u64,
    /// How many of them nobody has taken note of.
    pub unacknowledged: u64,
}

#[derive(sqlx::FromRow)]
struct Fields {
    id: i64,
    subject: String,
    meter: Option<String>,
    outlet: Option<String>,
    since: i64,
    last_at: i64,
    times: i64,
    cause: String,
    raised_at: i64,
    cleared_at: Option<i64>,
    acknowledged_at: Option<i64>,
    acknowledged_by: Option<String>,
    note: Option<String>,
}

/// The columns of [`Fields`].
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, subject, meter, outlet, since, last_at, times, cause, raised_at, cleared_at,
                    acknowledged_at, acknowledged_by, note FROM alarm ",
            $rest
        )
    };
}

impl Store {
    /// Open alarms, the most urgent first and the newest of a kind before the older; of one kind
    /// where it is given, and then below `before_id`.
    pub async fn open_alarms(
        &self,
        kind: Option<AlarmKind>,
        before_id: Option<i64>,
        rows: u32,
    ) -> Result<Vec<AlarmRow>, StoreError> {
        let rows = limit(rows, MAX_ALARMS_PER_READ);
        let found: Vec<Fields> = match kind {
            None => on!(self.pool, p => sqlx::query_as(select!(
                "WHERE district = $1 AND cleared_at IS NULL ORDER BY urgency, id DESC LIMIT $2"
            ))
            .bind(self.district)
            .bind(rows)
            .fetch_all(p))?,
            Some(kind) => on!(self.pool, p => sqlx::query_as(select!(
                "WHERE district = $1 AND kind = $2 AND cleared_at IS NULL AND id < $3
                 ORDER BY id DESC LIMIT $4"
            ))
            .bind(self.district)
            .bind(kind.code())
            .bind(before_id.unwrap_or(i64::MAX))
            .bind(rows)
            .fetch_all(p))?,
        };
        found.into_iter().map(row).collect()
    }

    /// Cleared alarms, the newest first, of one kind where it is given.
    pub async fn cleared_alarms(
        &self,
        kind: Option<AlarmKind>,
        before_id: Option<i64>,
        rows: u32,
    ) -> Result<Vec<AlarmRow>, StoreError> {
        let text = match kind {
            None => select!(
                "WHERE district = $1 AND cleared_at IS NOT NULL AND id < $2 ORDER BY id DESC LIMIT $3"
            ),
            Some(_) => select!(
                "WHERE district = $1 AND cleared_at IS NOT NULL AND id < $2 AND kind = $4
                 ORDER BY id DESC LIMIT $3"
            ),
        };
        let found: Vec<Fields> = on!(self.pool, p => {
            let mut query = sqlx::query_as(text)
                .bind(self.district)
                .bind(before_id.unwrap_or(i64::MAX))
                .bind(limit(rows, MAX_ALARMS_PER_READ));
            if let Some(kind) = kind {
                query = query.bind(kind.code());
            }
            query.fetch_all(p)
        })?;
        found.into_iter().map(row).collect()
    }

    /// A meter's alarms, open and cleared, the newest first.
    pub async fn alarms_of_meter(
        &self,
        meter: &MeterCode,
        rows: u32,
    ) -> Result<Vec<AlarmRow>, StoreError> {
        let found: Vec<Fields> = on!(self.pool, p => sqlx::query_as(select!(
            "WHERE district = $1 AND meter = $2 ORDER BY id DESC LIMIT $3"
        ))
        .bind(self.district)
        .bind(meter.as_str())
        .bind(limit(rows, MAX_ALARMS_PER_READ))
        .fetch_all(p))?;
        found.into_iter().map(row).collect()
    }

    /// What kinds of alarms are open for the meters from one code to another, both included, by code
    /// and the most urgent first.
    pub async fn open_alarm_kinds(
        &self,
        first: &MeterCode,
        last: &MeterCode,
    ) -> Result<Vec<(MeterCode, AlarmKind)>, StoreError> {
        let rows: Vec<(String, String)> = on!(self.pool, p => sqlx::query_as(
            "SELECT meter, kind FROM alarm
             WHERE district = $1 AND meter >= $2 AND meter <= $3 AND cleared_at IS NULL
             ORDER BY meter, urgency LIMIT $4",
        )
        .bind(self.district)
        .bind(first.as_str())
        .bind(last.as_str())
        .bind(MAX_OPEN_ALARMS_OF_KIND)
        .fetch_all(p))?;
        rows.into_iter()
            .map(|(meter, kind)| Ok((parsed("alarm", "meter", &meter)?, kind_of(&kind)?)))
            .collect()
    }

    /// Every open alarm of a kind, the oldest first.
    pub async fn open_alarms_of_kind(&self, kind: AlarmKind) -> Result<Vec<AlarmRow>, StoreError> {
        let found: Vec<Fields> = on!(self.pool, p => sqlx::query_as(select!(
            "WHERE district = $1 AND kind = $2 AND cleared_at IS NULL ORDER BY id LIMIT $3"
        ))
        .bind(self.district)
        .bind(kind.code())
        .bind(MAX_OPEN_ALARMS_OF_KIND)
        .fetch_all(p))?;
        found.into_iter().map(row).collect()
    }

    /// One alarm.
    pub async fn alarm(&self, id: i64) -> Result<Option<AlarmRow>, StoreError> {
        let found: Option<Fields> = on!(self.pool, p => sqlx::query_as(
            select!("WHERE district = $1 AND id = $2"),
        )
        .bind(self.district)
        .bind(id)
        .fetch_optional(p))?;
        found.map(row).transpose()
    }

    /// How many alarms of each kind are open, the most urgent kind first; kinds without any are left out.
    pub async fn alarm_counts(&self) -> Result<Vec<AlarmCount>, StoreError> {
        let rows: Vec<(String, i64, i64)> = on!(self.pool, p => sqlx::query_as(
            "SELECT kind, COUNT(*), COUNT(*) - COUNT(acknowledged_at) FROM alarm
             WHERE district = $1 AND cleared_at IS NULL GROUP BY kind ORDER BY MIN(urgency)",
        )
        .bind(self.district)
        .fetch_all(p))?;
        rows.into_iter()
            .map(|(kind, open, unacknowledged)| {
                Ok(AlarmCount {
                    kind: kind_of(&kind)?,
                    open: number("alarm", "id", open)?,
                    unacknowledged: number("alarm", "id", unacknowledged)?,
                })
            })
            .collect()
    }

    /// Raises and clears alarms, all or none, and lets the oldest cleared ones go.
    pub async fn change_alarms(
        &self,
        now: Timestamp,
        changes: &[AlarmChange],
    ) -> Result<(), StoreError> {
        let mut tx = self.pool.write().await?;
        apply(&mut tx, self.district, now, changes).await?;
        changed!(
            &mut tx,
            sqlx::query(
                "DELETE FROM alarm WHERE district = $1 AND cleared_at IS NOT NULL AND id <= (
                     SELECT id FROM alarm WHERE district = $1 AND cleared_at IS NOT NULL
                     ORDER BY id DESC LIMIT 1 OFFSET $2)",
            )
            .bind(self.district)
            .bind(MAX_CLEARED_ALARMS)
        )?;
        tx.commit().await
    }

    /// Notes on an open alarm that somebody has seen it, and clears it where `clear` says so; false
    /// when no such alarm is open.
    pub async fn acknowledge_alarm(
        &self,
        id: i64,
        noted: &Acknowledgement,
        clear: bool,
    ) -> Result<bool, StoreError> {
        let mut tx = self.pool.write().await?;
        let done = changed!(
            &mut tx,
            sqlx::query(
                "UPDATE alarm SET acknowledged_at = $3, acknowledged_by = $4, note = $5, cleared_at = $6
                 WHERE district = $1 AND id = $2 AND cleared_at IS NULL",
            )
            .bind(self.district)
            .bind(id)
            .bind(noted.at.millis())
            .bind(noted.by.as_str())
            .bind(noted.note.as_str())
            .bind(clear.then_some(noted.at.millis()))
        )?;
        tx.commit().await?;
        Ok(done == 1)
    }
}

/// Raises and clears alarms within a transaction.
pub(crate) async fn apply(
    tx: &mut Tx,
    district: i64,
    now: Timestamp,
    changes: &[AlarmChange],
) -> Result<(), StoreError> {
    for change in changes {
        match change {
            AlarmChange::Seen(subject, sighting) => {
                see(tx, district, now, subject, sighting).await?;
            }
            AlarmChange::Over(subject, kind) => {
                changed!(
                    tx,
                    sqlx::query(
                        "UPDATE alarm SET cleared_at = $4
                         WHERE district = $1 AND kind = $2 AND subject = $3 AND cleared_at IS NULL",
                    )
                    .bind(district)
                    .bind(kind.code())
                    .bind(subject.code())
                    .bind(now.millis())
                )?;
            }
            AlarmChange::Clear(id) => {
                changed!(
                    tx,
                    sqlx::query(
                        "UPDATE alarm SET cleared_at = $3
                         WHERE district = $1 AND id = $2 AND cleared_at IS NULL",
                    )
                    .bind(district)
                    .bind(id)
                    .bind(now.millis())
                )?;
            }
        }
    }
    Ok(())
}

async fn see(
    tx: &mut Tx,
    district: i64,
    now: Timestamp,
    subject: &Subject,
    sighting: &Sighting,
) -> Result<(), StoreError> {
    let kind = sighting.cause.kind();
    let cause = serde_json::to_string(&sighting.cause)
        .map_err(|error| StoreError::Database(sqlx::Error::Encode(Box::new(error))))?;
    if sighting.times == 0 {
        changed!(
            tx,
            sqlx::query(
                "UPDATE alarm SET cause = $4, last_at = CASE WHEN $5 > last_at THEN $5 ELSE last_at END
                 WHERE district = $1 AND kind = $2 AND subject = $3 AND cleared_at IS NULL",
            )
            .bind(district)
            .bind(kind.code())
            .bind(subject.code())
            .bind(cause)
            .bind(sighting.last_at.millis())
        )?;
        return Ok(());
    }
    changed!(
        tx,
        sqlx::query(
            "INSERT INTO alarm (district, kind, urgency, subject, meter, outlet, since, last_at, times, cause, raised_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             ON CONFLICT (district, kind, subject) WHERE cleared_at IS NULL DO UPDATE SET
                 since = CASE WHEN excluded.since < alarm.since THEN excluded.since ELSE alarm.since END,
                 last_at = CASE WHEN excluded.last_at > alarm.last_at THEN excluded.last_at ELSE alarm.last_at END,
                 times = alarm.times + excluded.times, cause = excluded.cause",
        )
        .bind(district)
        .bind(kind.code())
        .bind(urgency(kind))
        .bind(subject.code())
        .bind(subject.meter().map(MeterCode::as_str))
        .bind(subject.outlet().map(OutletId::as_str))
        .bind(sighting.since.millis())
        .bind(sighting.last_at.millis())
        .bind(i64::from(sighting.times))
        .bind(cause)
        .bind(now.millis())
    )?;
    Ok(())
}

impl Subject {
    fn code(&self) -> &str {
        match self {
            Self::Meter(meter, _) => meter.as_str(),
            Self::Outlet(outlet, _) => outlet.as_str(),
            Self::Turn(turn, _) => turn.as_str(),
        }
    }

    const fn meter(&self) -> Option<&MeterCode> {
        match self {
            Self::Meter(meter, _) | Self::Outlet(_, meter) => Some(meter),
            Self::Turn(..) => None,
        }
    }

    const fn outlet(&self) -> Option<&OutletId> {
        match self {
            Self::Meter(_, outlet) => outlet.as_ref(),
            Self::Outlet(outlet, _) | Self::Turn(_, outlet) => Some(outlet),
        }
    }
}

/// Where the kind stands in the list of kinds.
fn urgency(kind: AlarmKind) -> i64 {
    let place = AlarmKind::ALL.iter().position(|known| *known == kind);
    place.and_then(|place| i64::try_from(place).ok()).unwrap_or(i64::MAX)
}

fn kind_of(code: &str) -> Result<AlarmKind, StoreError> {
    AlarmKind::from_code(code).ok_or_else(|| StoreError::corrupt("alarm", "kind", code))
}

fn row(fields: Fields) -> Result<AlarmRow, StoreError> {
    let at = instant_option("alarm", "acknowledged_at", fields.acknowledged_at)?;
    let by = parsed_option("alarm", "acknowledged_by", fields.acknowledged_by.as_deref())?;
    let acknowledged = match (at, by, fields.note) {
        (Some(at), Some(by), Some(note)) => Some(Acknowledgement { by, at, note }),
        _ => None,
    };
    Ok(AlarmRow {
        id: fields.id,
        cause: serde_json::from_str(&fields.cause)
            .map_err(|_| StoreError::corrupt("alarm", "cause", &fields.cause))?,
        subject: fields.subject,
        meter: parsed_option("alarm", "meter", fields.meter.as_deref())?,
        outlet: parsed_option("alarm", "outlet", fields.outlet.as_deref())?,
        since: instant("alarm", "since", fields.since)?,
        last_at: instant("alarm", "last_at", fields.last_at)?,
        times: number("alarm", "times", fields.times)?,
        raised_at: instant("alarm", "raised_at", fields.raised_at)?,
        cleared_at: instant_option("alarm", "cleared_at", fields.cleared_at)?,
        acknowledged,
    })
}
