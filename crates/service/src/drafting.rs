//! From a closed turn to a statement that people can sign: measured, shared, with its evidence.

use std::collections::{BTreeMap, BTreeSet};

use disclosure::dsse::MAX_PAYLOAD_BYTES;
use disclosure::merkle::Hash;
use disclosure::record::RecordError;
use disclosure::statement::{Correction, Head, Kind, Statement, Watering, WateringFacts};
use domain::measurement::{Measured, MeasurementError};
use domain::progress::Progress;
use domain::registry::Outlet;
use domain::round::Turn;
use domain::share::{self, Share};
use domain::{Litres, MeterCode, OutletId, RoundId, Timestamp, TurnId, VillageId};
use store::{Attachment, NewStatement, StatementRow, StoreError, TurnRow};

use crate::evidence::GatheredEvidence;
use crate::{EvidenceError, Service, ServiceError};

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
    /// What kind of obstacle it is.
    pub obstacle: Obstacle,
    /// What it waits for, or what stands in its way, for the station.
    pub why: String,
}

/// What kind of obstacle keeps a turn from being drafted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// The meter's reports are not all in yet; time may mend it.
    ReportsAwaited,
    /// The register fell within the turn; somebody must state why.
    RegisterFell,
    /// Anything else that somebody must look into.
    NeedsAttention,
}

impl Obstacle {
    fn of(why: &ServiceError) -> Self {
        match why {
            ServiceError::Evidence(
                EvidenceError::NotCovered { .. } | EvidenceError::Missing { .. },
            )
            | ServiceError::Measurement(
                MeasurementError::NotBefore(_) | MeasurementError::NotAfter(_),
            ) => Self::ReportsAwaited,
            ServiceError::Measurement(MeasurementError::RegisterFell { .. }) => Self::RegisterFell,
            _ => Self::NeedsAttention,
        }
    }
}

/// A statement drawn up from what was measured, with the reports that it rests on.
pub(crate) struct Draft {
    pub(crate) statement: Statement,
    pub(crate) evidence: Vec<Attachment>,
}

/// What a correction supersedes, and why.
pub(crate) struct Superseding {
    pub(crate) index: u64,
    pub(crate) reason: String,
}

impl Superseding {
    fn of(correction: &Correction) -> Self {
        Self { index: correction.supersedes, reason: correction.reason.clone() }
    }
}

impl Service {
    /// Drafts every closed turn whose readings are there, and draws up anew the drafts that new
    /// readings change. The turns that must wait are kept for [`Service::undrafted`].
    pub async fn draft_due(&self) -> Result<(), ServiceError> {
        self.catch_up().await?;
        let (fresh, stale) = (self.take_fresh(), self.take_stale());
        if let Err(error) = self.redraft(&fresh, stale).await {
            // Nothing is forgotten: the next look takes up what this one left.
            if stale {
                self.mark_stale();
            }
            self.tell_news(fresh);
            return Err(error);
        }
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
                    obstacle: Obstacle::of(&why),
                    why: why.to_string(),
                }),
            }
        }
        self.set_undrafted(waiting);
        Ok(())
    }

    async fn draft_turn(&self, row: &TurnRow) -> Result<(), ServiceError> {
        let (turn, end) = closed(row)?;
        let draft = self.measure(turn, end, None).await?;
        let new = self.new_statement(&draft.statement, Progress::Draft)?;
        self.store.insert_statement(&new, &draft.evidence, Some(&row.code)).await?;
        self.look_for_overdue();
        Ok(())
    }

    /// Draws drafts up anew that rest on these meters, or all when the record changed under them;
    /// nobody has signed them yet.
    async fn redraft(&self, meters: &BTreeSet<MeterCode>, all: bool) -> Result<(), ServiceError> {
        if meters.is_empty() && !all {
            return Ok(());
        }
        let _nobody_signs = self.signing.lock().await;
        let most = store::MAX_STATEMENTS_PER_READ;
        let mut before = None;
        loop {
            let rows = self.store.statements(Some(Progress::Draft), None, before, most).await?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            before = Some(last.id);
            for row in rows {
                let statement = Statement::parse(&row.payload_type, &row.payload)?;
                if let Some(facts) = statement.watering_facts()
                    && (all || facts.meters().any(|meter| meters.contains(meter)))
                {
                    self.redraft_one(&row, &statement, facts).await?;
                }
            }
        }
    }

    async fn redraft_one(
        &self,
        row: &StatementRow,
        before: &Statement,
        facts: &WateringFacts,
    ) -> Result<(), ServiceError> {
        let (turn, end, superseding) = match before {
            Statement::Correction(body) => (facts.turn(), facts.end, Some(Superseding::of(body))),
            _ => match self.store.turn(&facts.turn).await? {
                Some(row) => {
                    let (turn, end) = closed(&row)?;
                    (turn, end, None)
                }
                None => return Ok(()),
            },
        };
        let draft = match self.measure(turn, end, superseding).await {
            Ok(draft) => draft,
            Err(ServiceError::Store(error)) => return Err(error.into()),
            // It must not be signed any more; its turn waits again, with this reason.
            Err(why) => return self.send_back(row, &why).await,
        };
        let same_signers = draft.statement.head().signers == before.head().signers;
        if draft.statement.watering_facts() != Some(facts) || !same_signers {
            let new = self.new_statement(&draft.statement, Progress::Draft)?;
            let digest = &new.payload_sha256;
            self.store.replace_draft(row.id, &new.payload, digest, &draft.evidence).await?;
        }
        Ok(())
    }

    /// Measures a turn and draws up its watering, or the correction of one.
    pub(crate) async fn measure(
        &self,
        turn: Turn,
        end: Timestamp,
        superseding: Option<Superseding>,
    ) -> Result<Draft, ServiceError> {
        let (evidence, measured) = self.measure_between(&turn, end).await?;
        let shares = self.share(&turn, measured.volume)?;
        let (pieces, reports) = evidence.facts()?;
        let kind = if superseding.is_some() { Kind::Correction } else { Kind::Watering };
        let head = self.head_for(kind, Some(&turn.village), &shares);
        let watering = WateringFacts {
            outlet: turn.outlet,
            origin: evidence.origin(),
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
            evidence: pieces,
        };
        let statement = match superseding {
            Some(Superseding { index: supersedes, reason }) => {
                Statement::Correction(Correction { head, supersedes, reason, watering })
            }
            None => Statement::Watering(Watering { head, watering }),
        };
        self.record().check(&statement, &BTreeMap::new())?;
        Ok(Draft { statement, evidence: reports })
    }

    /// What the meters say now of a closed turn.
    pub(crate) async fn measured_volume(&self, row: &TurnRow) -> Result<Litres, ServiceError> {
        let (turn, end) = closed(row)?;
        Ok(self.measure_between(&turn, end).await?.1.volume)
    }

    async fn measure_between(
        &self,
        turn: &Turn,
        end: Timestamp,
    ) -> Result<(GatheredEvidence, Measured), ServiceError> {
        let outlet = self.known_outlet(&turn.outlet)?;
        let evidence = self.gather_evidence(&outlet.id, turn.opened_at, end).await?;
        let volume = evidence.volume(&self.record());
        let measured = volume.between(turn.opened_at, end, outlet.gap_tolerance_seconds)?;
        Ok((evidence, measured))
    }

    fn share(&self, turn: &Turn, volume: Litres) -> Result<Vec<Share>, ServiceError> {
        let parts = self.record().sharing(turn)?;
        Ok(share::divide(volume, turn.method, &parts).map_err(RecordError::from)?)
    }

    fn known_outlet(&self, outlet: &OutletId) -> Result<Outlet, ServiceError> {
        let known = self.record().outlets().get(outlet).cloned();
        known.ok_or_else(|| RecordError::UnknownOutlet(outlet.clone()).into())
    }

    /// What a statement of a kind and village begins with.
    pub(crate) fn head_for(
        &self,
        kind: Kind,
        village: Option<&VillageId>,
        shares: &[Share],
    ) -> Head {
        let record = self.record();
        let signers = record.policy().map(|policy| {
            record.directory().signers(policy.needs(kind, None), village, |enrolment| {
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
        if payload.len() > MAX_PAYLOAD_BYTES {
            return Err(ServiceError::TooLarge { what: "the statement", limit: MAX_PAYLOAD_BYTES });
        }
        // What cannot be read back must not be kept, let alone posted.
        Statement::parse(&statement.kind().payload_type(), &payload)?;
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

/// A turn that is over, and when.
fn closed(row: &TurnRow) -> Result<(Turn, Timestamp), ServiceError> {
    let end = row.closed_at.ok_or_else(|| ServiceError::UnknownTurn(row.code.clone()))?;
    Ok((turn_of(row)?, end))
}

/// The turn as it was asked for.
pub(crate) fn turn_of(row: &TurnRow) -> Result<Turn, ServiceError> {
    serde_json::from_str(&row.plan)
        .map_err(|error| ServiceError::DamagedLog(format!("turn {}: {error}", row.code)))
}
