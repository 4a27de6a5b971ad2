//! From a closed turn to a statement that people can sign: measured, shared, with its evidence.

use std::collections::{BTreeMap, BTreeSet};

use disclosure::merkle::Hash;
use disclosure::record::RecordError;
use disclosure::statement::{
    Head, Kind, Origin, RegistryMeter, Statement, Watering, WateringFacts,
};
use domain::measurement::CumulativeVolume;
use domain::progress::Progress;
use domain::registry::Outlet;
use domain::round::Turn;
use domain::share::{self, Share, ShareMethod};
use domain::{Litres, MeterCode, OutletId, RoundId, Timestamp, TurnId, VillageId};
use store::{Attachment, NewStatement, StatementRow, StoreError, TurnRow};

use crate::{Service, ServiceError};

/// A closed turn that cannot be drafted yet, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undrafted {
    /// The turn.
    pub turn: TurnId,
    /// Its round.
    pub round: RoundId,
    /// Its outlet.
    pub outlet: OutletId,
    /// The village that got the water.
    pub village: VillageId,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// What it waits for, or what stands in its way.
    pub why: String,
}

struct Draft {
    statement: Statement,
    evidence: Attachment,
}

impl Service {
    /// Drafts every closed turn whose readings are there, and draws up anew the drafts that new
    /// readings change. The turns that must wait are kept for [`Service::undrafted`].
    pub async fn draft_due(&self) -> Result<(), ServiceError> {
        let fresh = self.take_fresh();
        self.redraft(&fresh).await?;
        let mut waiting = Vec::new();
        for row in self.store.turns_to_draft().await? {
            match self.draft_turn(&row).await {
                // A conflict: another server, or another task of this one, drafted it meanwhile.
                Ok(()) | Err(ServiceError::Store(StoreError::Conflict { .. })) => {}
                Err(ServiceError::Store(error)) => return Err(error.into()),
                Err(why) => waiting.push(Undrafted {
                    turn: row.code,
                    round: row.round,
                    outlet: row.outlet,
                    village: row.village,
                    closed_at: row.closed_at,
                    why: why.to_string(),
                }),
            }
        }
        self.set_undrafted(waiting);
        Ok(())
    }

    async fn draft_turn(&self, row: &TurnRow) -> Result<(), ServiceError> {
        let draft = self.measure(row).await?;
        let new = self.new_statement(&draft.statement, Progress::Draft)?;
        self.store.insert_statement(&new, &[draft.evidence], Some(&row.code)).await?;
        Ok(())
    }

    /// Draws drafts up anew that rest on these meters; nobody has signed them yet.
    async fn redraft(&self, meters: &BTreeSet<MeterCode>) -> Result<(), ServiceError> {
        if meters.is_empty() {
            return Ok(());
        }
        let most = store::MAX_STATEMENTS_PER_READ;
        for row in self.store.statements(Some(Progress::Draft), None, None, most).await? {
            let statement = Statement::parse(&row.payload_type, &row.payload)?;
            if let Some(facts) = statement.watering_facts()
                && meters.contains(&facts.meter)
            {
                self.redraft_one(&row, facts).await?;
            }
        }
        Ok(())
    }

    async fn redraft_one(
        &self,
        row: &StatementRow,
        before: &WateringFacts,
    ) -> Result<(), ServiceError> {
        let Some(turn) = self.store.turn(&before.turn).await? else {
            return Ok(());
        };
        let draft = match self.measure(&turn).await {
            Ok(draft) => draft,
            Err(ServiceError::Store(error)) => return Err(error.into()),
            Err(why) => {
                tracing::warn!(turn = %before.turn, %why, "a new reading spoils a draft");
                return Ok(());
            }
        };
        if draft.statement.watering_facts() != Some(before) {
            let new = self.new_statement(&draft.statement, Progress::Draft)?;
            let digest = &new.payload_sha256;
            self.store.replace_draft(row.id, &new.payload, digest, &[draft.evidence]).await?;
        }
        Ok(())
    }

    async fn measure(&self, row: &TurnRow) -> Result<Draft, ServiceError> {
        let turn = turn_of(row)?;
        let end = row.closed_at.ok_or_else(|| ServiceError::UnknownTurn(row.code.clone()))?;
        let (outlet, registered) = self.outlet_and_meter(&turn)?;
        let evidence = self.gather_evidence(&registered, turn.opened_at, end).await?;
        let volume = CumulativeVolume::new(registered.meter.scale, evidence.readings()?)?;
        let measured = volume.between(turn.opened_at, end, outlet.gap_tolerance_seconds)?;
        let shares = self.share(&turn, measured.volume)?;
        let reports = evidence.attachment();
        let head = self.head_for(Kind::Watering, &turn.village, &shares);
        let watering = WateringFacts {
            outlet: outlet.id,
            meter: registered.meter.code,
            origin: Origin::MeterSigned,
            village: turn.village,
            group: turn.group,
            round: turn.round,
            turn: turn.id,
            start: turn.opened_at,
            end,
            at_start_litres: measured.at_start,
            at_end_litres: measured.at_end,
            volume_litres: measured.volume,
            doubts: measured.doubts,
            method: turn.method,
            shares,
            evidence: evidence.facts(&reports),
        };
        let statement = Statement::Watering(Watering { head, watering });
        self.record().check(&statement, &BTreeMap::new())?;
        Ok(Draft { statement, evidence: reports })
    }

    fn share(&self, turn: &Turn, volume: Litres) -> Result<Vec<Share>, ServiceError> {
        let members = self.record().group_households(&turn.village, &turn.group)?;
        let ShareMethod::Area = turn.method;
        Ok(share::by_area(volume, &members).map_err(RecordError::from)?)
    }

    fn outlet_and_meter(&self, turn: &Turn) -> Result<(Outlet, RegistryMeter), ServiceError> {
        let record = self.record();
        let outlet = record.outlets().get(&turn.outlet).cloned();
        let meter = record.meters().values().find(|entry| entry.meter.outlet == turn.outlet);
        match (outlet, meter) {
            (Some(outlet), Some(entry)) => Ok((outlet, entry.clone())),
            _ => Err(ServiceError::Evidence(format!(
                "outlet {} has no meter in the registry: post it first",
                turn.outlet
            ))),
        }
    }

    /// What a statement of this village begins with.
    pub(crate) fn head_for(&self, kind: Kind, village: &VillageId, shares: &[Share]) -> Head {
        let record = self.record();
        let signers = record.policy().map(|policy| {
            record.directory().signers(policy, kind, Some(village), |enrolment| {
                !shares.iter().any(|share| Some(&share.household) == enrolment.household.as_ref())
            })
        });
        Head {
            district: self.district().clone(),
            drafted_at: self.now(),
            signers: signers.unwrap_or_default(),
        }
    }

    pub(crate) fn new_statement(
        &self,
        statement: &Statement,
        state: Progress,
    ) -> Result<NewStatement, ServiceError> {
        let payload = statement
            .to_payload()
            .map_err(|error| ServiceError::RequestMalformed(error.to_string()))?;
        Ok(NewStatement {
            kind: statement.kind().code().into(),
            village: statement.village().cloned(),
            state,
            payload_type: statement.kind().payload_type(),
            payload_sha256: Hash::of(&payload).0,
            payload,
            created_at: self.now(),
        })
    }
}

/// The turn as it was asked for.
pub(crate) fn turn_of(row: &TurnRow) -> Result<Turn, ServiceError> {
    serde_json::from_str(&row.plan)
        .map_err(|error| ServiceError::DamagedLog(format!("turn {}: {error}", row.code)))
}
