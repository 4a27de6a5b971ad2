//! Readings that come after a volume was signed: what was signed is never changed, so they raise an alarm.

use disclosure::statement::Statement;
use domain::progress::Progress;
use domain::watch::{AlarmKind, Cause, Sighting};
use domain::{Litres, OutletId, Timestamp};
use store::{AlarmChange, Subject, TurnRow};

use crate::{EvidenceError, Service, ServiceError};

/// A reading so long after a turn's end can still change its volume, which is interpolated between the
/// readings on both sides of the end: six hours.
const AFTER_THE_END_MILLIS: i64 = 6 * 3600 * 1000;

impl Service {
    /// What readings from `earliest` on change in the signed volumes of an outlet.
    pub(super) async fn late_data(
        &self,
        outlet: &OutletId,
        earliest: Timestamp,
    ) -> Result<Vec<AlarmChange>, ServiceError> {
        let from = earliest.plus_millis(-AFTER_THE_END_MILLIS);
        let turns = self.store.turns_between(outlet, from, self.now()).await?;
        let mut changes = Vec::new();
        for turn in turns {
            if let Some((statement, signed)) = self.signed_volume(&turn).await? {
                let measured = match self.measured_volume(&turn).await {
                    Ok(measured) => Some(measured),
                    Err(ServiceError::Store(error)) => return Err(error.into()),
                    // They were there when it was signed, and lie in an archive now: nothing is known anew.
                    Err(ServiceError::Evidence(
                        EvidenceError::NotCovered { .. } | EvidenceError::Missing { .. },
                    )) => continue,
                    Err(_) => None,
                };
                changes.push(judged(turn, statement, signed, measured));
            }
        }
        Ok(changes)
    }

    /// The statement in which a turn's volume stands that somebody has signed and that holds.
    async fn signed_volume(&self, turn: &TurnRow) -> Result<Option<(i64, Litres)>, ServiceError> {
        let Some(id) = turn.statement else { return Ok(None) };
        let Some(row) = self.store.statement(id).await? else { return Ok(None) };
        if !matches!(row.state, Progress::Awaiting | Progress::CoSigned | Progress::Posted) {
            return Ok(None);
        }
        let statement = Statement::parse(&row.payload_type, &row.payload)?;
        Ok(statement.watering_facts().map(|facts| (id, facts.volume_litres)))
    }
}

fn judged(turn: TurnRow, statement: i64, signed: Litres, measured: Option<Litres>) -> AlarmChange {
    let subject = Subject::Turn(turn.code.clone(), turn.outlet);
    if measured == Some(signed) {
        return AlarmChange::Over(subject, AlarmKind::LateData);
    }
    let sighting = Sighting {
        cause: Cause::LateData { turn: turn.code, statement, signed, measured },
        since: turn.opened_at,
        last_at: turn.closed_at.unwrap_or(turn.opened_at),
        times: 1,
    };
    AlarmChange::Seen(subject, sighting)
}
