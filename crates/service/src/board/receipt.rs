//! A posting's receipt, for paper.

use disclosure::checkpoint::Checkpoint;
use disclosure::key::Fingerprint;
use disclosure::note::SignedNote;
use disclosure::proof::TlogProof;
use disclosure::statement::Kind;
use domain::{Timestamp, VillageId};

use super::places::{Named, named_village};
use crate::{Service, ServiceError};

/// What stands on a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptView {
    /// The posting's index.
    pub index: u64,
    /// Its kind; none for one that this program does not know.
    pub kind: Option<Kind>,
    /// When it was posted.
    pub posted_at: Timestamp,
    /// The village it concerns.
    pub village: Option<Named<VillageId>>,
    /// The log, by its checkpoints' origin.
    pub origin: String,
    /// How many entries its checkpoint covers.
    pub size: u64,
    /// The log's verifier key.
    pub log_key: String,
    /// The fingerprint of that key, which people can compare.
    pub fingerprint: Fingerprint,
    /// The receipt itself (C2SP tlog-proof).
    pub receipt: String,
}

/// The receipt of the posting at an index; none when the published log does not reach that far.
pub async fn receipt(service: &Service, index: u64) -> Result<Option<ReceiptView>, ServiceError> {
    let Some(receipt) = service.log().receipt(index).await? else {
        return Ok(None);
    };
    let Some(entry) = service.store().entry(index).await? else {
        return Ok(None);
    };
    let Checkpoint { origin, size, .. } = checkpoint_of(&receipt)?;
    let key = service.log_key.verifier_key();
    let village = entry.village.as_ref();
    Ok(Some(ReceiptView {
        index,
        kind: Kind::from_code(&entry.kind),
        posted_at: entry.posted_at,
        village: village.map(|village| named_village(&service.record(), village)),
        origin,
        size,
        log_key: key.to_string(),
        fingerprint: key.key().fingerprint(),
        receipt: String::from_utf8_lossy(&receipt).into_owned(),
    }))
}

/// What the receipt's checkpoint says; its signature is for those to check who get the receipt.
fn checkpoint_of(receipt: &[u8]) -> Result<Checkpoint, ServiceError> {
    let damaged = |error: String| ServiceError::DamagedLog(error);
    let proof = TlogProof::parse(receipt).map_err(|error| damaged(error.to_string()))?;
    let note = SignedNote::parse(&proof.checkpoint).map_err(|error| damaged(error.to_string()))?;
    Checkpoint::parse(&note.text).map_err(|error| damaged(error.to_string()))
}
