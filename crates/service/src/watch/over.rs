//! Alarms whose cause was put right: a reset declared, a round entered late, a correction posted.

use std::collections::BTreeSet;

use domain::MeterCode;
use domain::measurement::MeasurementError;
use domain::progress::Progress;
use domain::watch::{AlarmKind, Cause};
use store::{AlarmChange, AlarmRow};

use crate::outlet::meter_volume;
use crate::{Service, ServiceError};

impl Service {
    /// Clears the alarms of events whose cause was put right.
    pub(super) async fn put_right(&self) -> Result<Vec<AlarmChange>, ServiceError> {
        let mut cleared = Vec::new();
        for alarm in self.store.open_alarms_of_kind(AlarmKind::RegisterFell).await? {
            if self.is_declared(&alarm).await? {
                cleared.push(AlarmChange::Clear(alarm.id));
            }
        }
        for alarm in self.store.open_alarms_of_kind(AlarmKind::LateData).await? {
            if self.is_corrected(&alarm).await? {
                cleared.push(AlarmChange::Clear(alarm.id));
            }
        }
        let outside = self.store.open_alarms_of_kind(AlarmKind::UseOutsideRound).await?;
        if !outside.is_empty() {
            let rounds = self.store.rounds().await?;
            let within = |alarm: &AlarmRow| rounds.iter().any(|r| r.admits(alarm.since).is_ok());
            let within = outside.into_iter().filter(within);
            cleared.extend(within.map(|alarm| AlarmChange::Clear(alarm.id)));
        }
        cleared.extend(self.over_with_their_meters().await?);
        Ok(cleared)
    }

    /// The states of meters that were taken down: nothing more comes that could end them.
    async fn over_with_their_meters(&self) -> Result<Vec<AlarmChange>, ServiceError> {
        let now = self.now();
        let gone: BTreeSet<MeterCode> = {
            let record = self.record();
            let meters = record.meters().values().map(|entry| &entry.meter);
            let gone = meters.filter(|meter| meter.removed_at.is_some_and(|at| at <= now));
            gone.map(|meter| meter.code.clone()).collect()
        };
        let mut over = Vec::new();
        if gone.is_empty() {
            return Ok(over);
        }
        // Silence is told, and taken back, by itself.
        let states = |kind: &AlarmKind| !kind.is_event() && *kind != AlarmKind::Silent;
        for kind in AlarmKind::ALL.into_iter().filter(states) {
            let open = self.store.open_alarms_of_kind(kind).await?.into_iter();
            let of_gone =
                open.filter(|alarm| alarm.meter.as_ref().is_some_and(|m| gone.contains(m)));
            over.extend(of_gone.map(|alarm| AlarmChange::Clear(alarm.id)));
        }
        Ok(over)
    }

    /// Whether the registry now explains a register that fell.
    async fn is_declared(&self, alarm: &AlarmRow) -> Result<bool, ServiceError> {
        let Some(code) = &alarm.meter else { return Ok(false) };
        let volume = meter_volume(self, code, alarm.since, alarm.last_at).await?;
        let mut within = volume
            .points()
            .iter()
            .filter(|point| alarm.since < point.at && point.at <= alarm.last_at)
            .peekable();
        // Without the readings nothing can be said.
        let there = within.peek().is_some();
        let fell = |fault: &_| matches!(fault, MeasurementError::RegisterFell { .. });
        Ok(there && !within.any(|point| point.fault.as_ref().is_some_and(fell)))
    }

    /// Whether the statement with the other volume holds no more.
    async fn is_corrected(&self, alarm: &AlarmRow) -> Result<bool, ServiceError> {
        let Cause::LateData { statement, .. } = &alarm.cause else { return Ok(false) };
        let row = self.store.statement(*statement).await?;
        Ok(row.is_none_or(|row| matches!(row.state, Progress::Refused | Progress::Corrected)))
    }
}
