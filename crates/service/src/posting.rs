//! From co-signed to posted: entry, tiles and head in one transaction, then the checkpoint.

use std::collections::{BTreeMap, VecDeque};

use disclosure::merkle::{Hash, leaf_hash};
use disclosure::record::{Admitted, Candidate};
use disclosure::statement::{Statement, WateringFacts};
use disclosure::tile::RightEdge;
use domain::PersonId;
use domain::bill::Bill;
use domain::progress::Progress;
use store::{
    Grounds, Head, NewBill, NewEntry, NewShare, PostOutcome, Posting, Projection, Refusal,
    StatementRow, StoreError, Superseded, Tile,
};

use crate::lanes::on_all_cores;
use crate::signing::envelope_of;
use crate::{Service, ServiceError};

/// How often a posting is tried again when another server got ahead.
const MAX_POSTING_TRIES: usize = 20;

/// Fewer statements than this are not worth another core.
const MIN_STATEMENTS_PER_CORE: usize = 8;
/// The most statements of one posting.
const MAX_STATEMENTS_PER_POSTING: usize = 256;

/// A co-signed statement on its way into the log.
struct Ready {
    row: StatementRow,
    candidate: Candidate<'static>,
    /// The exact bytes of its entry.
    entry: Vec<u8>,
}

impl Service {
    /// Posts every co-signed statement, in the order they were drawn up, and publishes the checkpoint.
    pub async fn post_ready(&self) -> Result<(), ServiceError> {
        if !self.may_post().await? {
            return Ok(());
        }
        {
            let _one_at_a_time = self.posting.lock().await;
            let mut ready = VecDeque::from(self.read_ready().await?);
            while let Some(first) = ready.pop_front() {
                let mut batch = vec![first];
                while let Some(next) = ready.pop_front_if(|next| fits(&batch, next)) {
                    batch.push(next);
                }
                self.post_batch(batch).await?;
            }
        }
        self.publish_head().await
    }

    /// What is co-signed, with its signatures checked ahead on all cores.
    async fn read_ready(&self) -> Result<Vec<Ready>, ServiceError> {
        let mut ready = Vec::new();
        for (row, signatures) in self.store.statements_ready().await? {
            match Statement::parse(&row.payload_type, &row.payload) {
                Ok(statement) => {
                    let envelope = envelope_of(&row, &statement, &signatures);
                    let entry = envelope.to_json();
                    let candidate = Candidate::owning(envelope).map_err(ServiceError::from)?;
                    ready.push(Ready { row, candidate, entry });
                }
                Err(why) => self.send_back(&row, &why.into()).await?,
            }
        }
        let keys: Vec<_> = {
            let record = self.record();
            let claimed = |one: &Ready| one.candidate.claimed_keys(record.directory());
            ready.iter().map(claimed).collect()
        };
        let work = ready.into_iter().zip(keys).collect();
        let check = |lane: Vec<(Ready, Vec<_>)>| {
            let checked = lane.into_iter().map(|(mut one, keys)| {
                one.candidate.check_ahead(&keys);
                one
            });
            checked.collect()
        };
        Ok(on_all_cores(work, MIN_STATEMENTS_PER_CORE, check).await)
    }

    /// Posts statements of which none is judged by another, in one posting.
    async fn post_batch(&self, mut batch: Vec<Ready>) -> Result<(), ServiceError> {
        let attachments = match batch.as_slice() {
            [alone] => self.attachments_of(alone.candidate.statement()).await?,
            _ => BTreeMap::new(),
        };
        for tries in 0..MAX_POSTING_TRIES {
            self.catch_up().await?;
            if tries > 0 {
                batch = self.still_ready(batch).await?;
            }
            let (index, judged) = {
                let record = self.record();
                let judge = |one: Ready| {
                    let admitted = record.admit_read(one.candidate.clone(), &attachments);
                    (one, admitted)
                };
                (record.size(), batch.drain(..).map(judge).collect::<Vec<_>>())
            };
            let mut all_admitted = Vec::new();
            for (one, admitted) in judged {
                match admitted {
                    Ok(admitted) => {
                        batch.push(one);
                        all_admitted.push(admitted);
                    }
                    Err(why) => self.send_back_if_ready(&one.row, &why.into()).await?,
                }
            }
            if batch.is_empty() {
                return Ok(());
            }
            if self.try_post(&batch, index, &all_admitted, &attachments).await? {
                self.take_in_posted(index, all_admitted);
                return Ok(());
            }
        }
        Err(ServiceError::LogBusy)
    }

    /// Those that no other server has posted and nobody has refused meanwhile.
    async fn still_ready(&self, batch: Vec<Ready>) -> Result<Vec<Ready>, ServiceError> {
        let mut ready = Vec::with_capacity(batch.len());
        for one in batch {
            let now = self.store.statement(one.row.id).await?;
            if now.is_some_and(|now| now.state == Progress::CoSigned) {
                ready.push(one);
            }
        }
        Ok(ready)
    }

    fn take_in_posted(&self, index: u64, all_admitted: Vec<Admitted>) {
        let mut record = self.record_mut();
        // Whoever caught up since the commit has read the entries already.
        if record.size() != index {
            return;
        }
        for admitted in all_admitted {
            let kind = admitted.statement.kind();
            record.apply(admitted);
            self.note(kind);
        }
    }

    async fn send_back_if_ready(
        &self,
        row: &StatementRow,
        why: &ServiceError,
    ) -> Result<(), ServiceError> {
        let now = self.store.statement(row.id).await?;
        match now {
            Some(now) if now.state == Progress::CoSigned => self.send_back(row, why).await,
            _ => Ok(()),
        }
    }

    /// The record moved on and the statement no longer fits it: it goes back with the reason.
    pub(crate) async fn send_back(
        &self,
        row: &StatementRow,
        why: &ServiceError,
    ) -> Result<(), ServiceError> {
        tracing::warn!(statement = row.id, %why, "a statement no longer fits the record");
        let by =
            PersonId::new("record").map_err(|error| ServiceError::DamagedLog(error.to_string()))?;
        let refusal = Refusal { by, why: Grounds::Words(why.to_string()) };
        self.store.refuse_statement(row.id, &refusal, row.state).await?;
        Ok(())
    }

    /// Posts what was admitted from `index` on; false when another entry came first, by which it must be judged again.
    async fn try_post(
        &self,
        batch: &[Ready],
        index: u64,
        all_admitted: &[Admitted],
        attachments: &BTreeMap<Hash, Vec<u8>>,
    ) -> Result<bool, ServiceError> {
        let expected = self.store.head().await?;
        if expected.size != index {
            return Ok(false);
        }
        let mut edge = self.right_edge(expected).await?;
        let mut entries = Vec::with_capacity(batch.len());
        for (one, admitted) in batch.iter().zip(all_admitted) {
            let statement = &admitted.statement;
            entries.push(NewEntry {
                index: edge.size(),
                kind: statement.kind().code().into(),
                village: statement.village().cloned(),
                round: statement.round().cloned(),
                outlet: statement.outlet().cloned(),
                statement: Some(one.row.id),
                envelope: one.entry.clone(),
                projection: projection(statement, attachments)?,
            });
            edge.append(leaf_hash(&one.entry));
        }
        let posting = Posting {
            expected,
            new: Head { size: edge.size(), root: edge.root().0 },
            posted_at: self.now(),
            entries,
            tiles: edge
                .changed_tiles()
                .into_iter()
                .map(|(level, index, hashes)| Tile { level, index, hashes })
                .collect(),
        };
        match self.store.post(&posting).await {
            Ok(PostOutcome::Posted) => {
                for entry in &posting.entries {
                    tracing::info!(index = entry.index, kind = entry.kind, "statement posted");
                }
                Ok(true)
            }
            // Its state moved on between the last look and the posting: look again.
            Ok(PostOutcome::HeadMoved) | Err(StoreError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn right_edge(&self, head: Head) -> Result<RightEdge, ServiceError> {
        let tiles = self.store.right_edge(head.size).await?;
        let tiles: BTreeMap<(u8, u64), Vec<u8>> =
            tiles.into_iter().map(|tile| ((tile.level, tile.index), tile.hashes)).collect();
        let edge = RightEdge::load(head.size, &tiles)
            .map_err(|error| ServiceError::DamagedLog(error.to_string()))?;
        if edge.root().0 != head.root {
            return Err(ServiceError::DamagedLog("tiles and head disagree on the root".into()));
        }
        Ok(edge)
    }
}

/// Whether a statement may be posted together with others: all are waterings, each of another outlet, so that the
/// record judges none of them by another.
fn fits(batch: &[Ready], next: &Ready) -> bool {
    let outlet = |one: &Ready| match one.candidate.statement() {
        Statement::Watering(body) => Some(body.watering.outlet.clone()),
        _ => None,
    };
    let new = outlet(next);
    batch.len() < MAX_STATEMENTS_PER_POSTING
        && new.is_some()
        && batch.iter().map(outlet).all(|known| known.is_some() && known != new)
}

/// What the database keeps beside the entry, for pages.
fn projection(
    statement: &Statement,
    attachments: &BTreeMap<Hash, Vec<u8>>,
) -> Result<Projection, ServiceError> {
    match statement {
        Statement::Watering(body) => Ok(watering_projection(&body.watering, None)),
        Statement::Correction(body) => {
            let plan = serde_json::to_string(&body.watering.turn())
                .map_err(|error| ServiceError::DamagedLog(format!("turn: {error}")))?;
            let superseded = Superseded { index: body.supersedes, plan };
            Ok(watering_projection(&body.watering, Some(superseded)))
        }
        Statement::BillRun(body) => {
            let bytes = attachments.get(&body.bills.sha256).map(Vec::as_slice).unwrap_or_default();
            bill_projection(body.year, bytes)
        }
        _ => Ok(Projection::None),
    }
}

fn watering_projection(facts: &WateringFacts, supersedes: Option<Superseded>) -> Projection {
    Projection::Watering {
        outlet: facts.outlet.clone(),
        start_at: facts.start,
        end_at: facts.end,
        volume: facts.volume_litres,
        estimated: !facts.doubts.is_empty(),
        shares: facts
            .shares
            .iter()
            .map(|share| NewShare {
                household: share.household.clone(),
                area: share.area,
                litres: share.litres,
            })
            .collect(),
        supersedes,
    }
}

fn bill_projection(year: i32, lines: &[u8]) -> Result<Projection, ServiceError> {
    let malformed = |error: serde_json::Error| ServiceError::DamagedLog(format!("bills: {error}"));
    let mut bills = Vec::new();
    for line in lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let bill: Bill = serde_json::from_slice(line).map_err(malformed)?;
        bills.push(NewBill {
            household: bill.household,
            total: bill.total_fen,
            body: String::from_utf8_lossy(line).into_owned(),
        });
    }
    Ok(Projection::BillRun { year, bills })
}
