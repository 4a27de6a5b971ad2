//! From co-signed to posted: entry, tiles and head in one transaction, then the checkpoint.

use std::collections::BTreeMap;

use disclosure::dsse::Envelope;
use disclosure::merkle::{Hash, leaf_hash};
use disclosure::record::Admitted;
use disclosure::statement::{Statement, WateringFacts};
use disclosure::tile::RightEdge;
use domain::PersonId;
use domain::bill::Bill;
use domain::progress::Progress;
use store::{
    Grounds, Head, NewBill, NewEntry, NewShare, PostOutcome, Posting, Projection, Refusal,
    StatementRow, StoreError, Tile,
};

use crate::signing::envelope_of;
use crate::{Service, ServiceError};

/// How often a posting is tried again when another server got ahead.
const MAX_POSTING_TRIES: usize = 20;

impl Service {
    /// Posts every co-signed statement, in the order they were drawn up, and publishes the checkpoint.
    pub async fn post_ready(&self) -> Result<(), ServiceError> {
        if !self.may_post().await? {
            return Ok(());
        }
        {
            let _one_at_a_time = self.posting.lock().await;
            for row in self.store.statements_ready().await? {
                self.post_one(&row).await?;
            }
        }
        self.publish_head().await
    }

    async fn post_one(&self, row: &StatementRow) -> Result<(), ServiceError> {
        let signatures = self.store.co_signatures(row.id).await?;
        let statement = match Statement::parse(&row.payload_type, &row.payload) {
            Ok(statement) => statement,
            Err(why) => return self.send_back(row, &why.into()).await,
        };
        let envelope = envelope_of(row, &statement, &signatures);
        let attachments = self.attachments_of(&statement).await?;
        for _ in 0..MAX_POSTING_TRIES {
            self.catch_up().await?;
            let now = self.store.statement(row.id).await?;
            if now.is_none_or(|now| now.state != Progress::CoSigned) {
                // Another server posted it, or somebody refused it meanwhile.
                return Ok(());
            }
            let (index, admitted) = {
                let record = self.record();
                (record.size(), record.admit(&envelope, &attachments))
            };
            let admitted = match admitted {
                Ok(admitted) => admitted,
                Err(why) => return self.send_back(row, &why.into()).await,
            };
            if self.try_post(row, &envelope, index, &admitted, &attachments).await? {
                let mut record = self.record_mut();
                // Whoever caught up since the commit has read the entry already.
                if record.size() == index {
                    let kind = admitted.statement.kind();
                    record.apply(admitted);
                    self.note(kind);
                }
                return Ok(());
            }
        }
        Err(ServiceError::LogBusy)
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

    /// Posts what was admitted at `index`; false when another entry came first, by which it must be judged again.
    async fn try_post(
        &self,
        row: &StatementRow,
        envelope: &Envelope,
        index: u64,
        admitted: &Admitted,
        attachments: &BTreeMap<Hash, Vec<u8>>,
    ) -> Result<bool, ServiceError> {
        let expected = self.store.head().await?;
        if expected.size != index {
            return Ok(false);
        }
        let mut edge = self.right_edge(expected).await?;
        let bytes = envelope.to_json();
        edge.append(leaf_hash(&bytes));
        let statement = &admitted.statement;
        let posting = Posting {
            expected,
            new: Head { size: edge.size(), root: edge.root().0 },
            posted_at: self.now(),
            entries: vec![NewEntry {
                index: expected.size,
                kind: statement.kind().code().into(),
                village: statement.village().cloned(),
                round: statement.round().cloned(),
                outlet: statement.outlet().cloned(),
                statement: Some(row.id),
                envelope: bytes,
                projection: projection(statement, attachments)?,
            }],
            tiles: edge
                .changed_tiles()
                .into_iter()
                .map(|(level, index, hashes)| Tile { level, index, hashes })
                .collect(),
        };
        match self.store.post(&posting).await {
            Ok(PostOutcome::Posted) => {
                tracing::info!(
                    index = expected.size,
                    kind = statement.kind().code(),
                    "statement posted"
                );
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

/// What the database keeps beside the entry, for pages.
fn projection(
    statement: &Statement,
    attachments: &BTreeMap<Hash, Vec<u8>>,
) -> Result<Projection, ServiceError> {
    match statement {
        Statement::Watering(body) => Ok(watering_projection(&body.watering, None)),
        Statement::Correction(body) => {
            Ok(watering_projection(&body.watering, Some(body.supersedes)))
        }
        Statement::BillRun(body) => {
            let bytes = attachments.get(&body.bills.sha256).map(Vec::as_slice).unwrap_or_default();
            bill_projection(body.year, bytes)
        }
        _ => Ok(Projection::None),
    }
}

fn watering_projection(facts: &WateringFacts, supersedes: Option<u64>) -> Projection {
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
