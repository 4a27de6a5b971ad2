//! The public log as its readers see it: checkpoint, tiles, entry bundles, receipts.

use std::collections::BTreeMap;

use disclosure::bundle::{self, BundleId};
use disclosure::checkpoint::Checkpoint;
use disclosure::key::SIGNATURE_BYTES;
use disclosure::merkle::{Hash, RootBuilder, leaf_hash, verify_consistency};
use disclosure::note::{KeyName, NoteSigner, VerifierKey};
use disclosure::proof::{
    TlogProof, consistency_proof, inclusion_proof, tiles_for_consistency, tiles_for_inclusion,
};
use disclosure::tile::TileId;
use disclosure::witness_policy::WitnessPolicy;
use ed25519_dalek::SigningKey;
use store::{Head, Store};

use crate::{Service, ServiceError};

/// The log's own key: it signs checkpoints and what the log says by itself, and nothing that a person signs.
pub struct LogKey {
    origin: KeyName,
    key: SigningKey,
}

impl LogKey {
    /// A log key under the log's origin.
    pub fn new(origin: KeyName, key: SigningKey) -> Self {
        Self { origin, key }
    }

    /// The signed checkpoint of a head.
    pub(crate) fn checkpoint(&self, head: Head) -> Result<Vec<u8>, ServiceError> {
        Checkpoint::new(self.origin.as_str(), head.size, Hash(head.root))
            .sign(&self.key)
            .map_err(|error| ServiceError::DamagedLog(error.to_string()))
    }

    /// Signs what the log says by itself.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        disclosure::key::sign(&self.key, message)
    }

    /// The verifier key.
    pub fn verifier_key(&self) -> VerifierKey {
        NoteSigner::new(self.origin.clone(), self.key.clone()).verifier_key()
    }

    /// The verifier key in its text form.
    pub fn vkey(&self) -> String {
        self.verifier_key().to_string()
    }
}

/// The published log, read from the store; needs no key and changes nothing.
#[derive(Debug, Clone)]
pub struct LogReader {
    store: Store,
}

impl LogReader {
    /// The log of the store's district.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// The published checkpoint; `None` before the first posting.
    pub async fn checkpoint(&self) -> Result<Option<Vec<u8>>, ServiceError> {
        Ok(self.store.checkpoint().await?.map(|(_, note)| note))
    }

    /// How many entries the published checkpoint covers.
    pub async fn size(&self) -> Result<u64, ServiceError> {
        Ok(self.store.checkpoint().await?.map_or(0, |(size, _)| size))
    }

    /// A tile's hashes; `None` when the published log does not reach that far.
    pub async fn tile(
        &self,
        level: u8,
        index: u64,
        width: u16,
    ) -> Result<Option<Vec<u8>>, ServiceError> {
        let size = self.size().await?;
        let reaches = TileId::in_tree(level, index, size).is_some_and(|tile| tile.width() >= width);
        if !reaches {
            return Ok(None);
        }
        let stored = self.store.tile(level, index).await?;
        let bytes = usize::from(width) * disclosure::merkle::HASH_BYTES;
        Ok(stored.and_then(|tile| tile.get(..bytes).map(<[u8]>::to_vec)))
    }

    /// An entry bundle; `None` when the published log does not reach that far.
    pub async fn entry_bundle(
        &self,
        index: u64,
        width: u16,
    ) -> Result<Option<Vec<u8>>, ServiceError> {
        let size = self.size().await?;
        if BundleId::in_log(index, size).is_none_or(|bundle| bundle.width() < width) {
            return Ok(None);
        }
        let from = index * u64::from(disclosure::tile::TILE_WIDTH);
        let entries = self.store.entries(from, from + u64::from(width)).await?;
        let entries: Vec<Vec<u8>> = entries.into_iter().map(|entry| entry.envelope).collect();
        bundle::encode(&entries)
            .map(Some)
            .map_err(|error| ServiceError::DamagedLog(error.to_string()))
    }

    /// An attachment that a posted statement names, with its media type.
    pub async fn attachment(
        &self,
        sha256: &Hash,
    ) -> Result<Option<(String, Vec<u8>)>, ServiceError> {
        let stored = self.store.attachment(sha256.as_bytes()).await?;
        Ok(stored.map(|stored| (stored.media_type, stored.bytes)))
    }

    /// The proof that the stored log of `new` entries begins with that of `old`.
    pub(crate) async fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, ServiceError> {
        let mut tiles = BTreeMap::new();
        for tile in tiles_for_consistency(old, new) {
            if let Some(hashes) = self.store.tile(tile.level(), tile.index()).await? {
                tiles.insert((tile.level(), tile.index()), hashes);
            }
        }
        consistency_proof(old, new, &tiles)
            .map_err(|error| ServiceError::DamagedLog(error.to_string()))
    }

    /// A receipt (C2SP tlog-proof) that the entry at `index` is in the published log; `None` when
    /// it is not.
    pub async fn receipt(&self, index: u64) -> Result<Option<Vec<u8>>, ServiceError> {
        let Some((size, checkpoint)) = self.store.checkpoint().await? else {
            return Ok(None);
        };
        if index >= size {
            return Ok(None);
        }
        let mut tiles = BTreeMap::new();
        for tile in tiles_for_inclusion(index, size) {
            if let Some(hashes) = self.store.tile(tile.level(), tile.index()).await? {
                tiles.insert((tile.level(), tile.index()), hashes);
            }
        }
        let hashes = inclusion_proof(index, size, &tiles)
            .map_err(|error| ServiceError::DamagedLog(error.to_string()))?;
        Ok(Some(TlogProof::new(index, hashes, checkpoint).to_bytes()))
    }
}

impl Service {
    /// The log's verifier key (C2SP signed-note text form).
    pub fn log_vkey(&self) -> String {
        self.log_key.vkey()
    }

    /// Whose cosignatures a checkpoint of the log needs (C2SP tlog-policy), for its readers.
    pub fn reader_policy(&self) -> Vec<u8> {
        let none = WitnessPolicy::without_witnesses();
        let policy = self.witnesses.as_ref().map_or(&none, |witnesses| witnesses.policy());
        policy.for_readers(&self.log_key.verifier_key()).to_bytes()
    }

    /// The published log.
    pub fn log(&self) -> &LogReader {
        &self.log
    }

    /// Checks that the published log continues the one that an earlier checkpoint of it covers:
    /// nothing was cut off and nothing rewritten, as a restored old database would have it.
    pub async fn check_continues(&self, earlier: &[u8]) -> Result<(), ServiceError> {
        let damaged = ServiceError::DamagedLog;
        let key = self.log_key.verifier_key();
        let old = Checkpoint::open(earlier, &key)
            .map_err(|error| damaged(format!("the last checkpoint cannot be read: {error}")))?;
        let head = self.store.head().await?;
        if old.size > head.size {
            return Err(damaged(format!(
                "{} entries were published and the database has {}: an old or empty database is in use",
                old.size, head.size
            )));
        }
        let proof = self.log.consistency(old.size, head.size).await?;
        verify_consistency(old.size, head.size, &proof, old.root, Hash(head.root)).map_err(|_| {
            damaged("it is another log than the one that was published before".to_owned())
        })
    }

    /// Checks that the stored entries are, byte for byte, those that tiles and head are computed from.
    pub(crate) async fn check_leaves(&self) -> Result<(), ServiceError> {
        let head = self.store.head().await?;
        let mut root = RootBuilder::new();
        while root.size() < head.size {
            let from = root.size();
            let width = u64::from(disclosure::tile::TILE_WIDTH);
            let tile = self.store.tile(0, from / width).await?.unwrap_or_default();
            let mut stored = tile.chunks(disclosure::merkle::HASH_BYTES);
            for entry in self.store.entries(from, head.size.min(from + width)).await? {
                let leaf = leaf_hash(&entry.envelope);
                if entry.index != root.size() || stored.next() != Some(leaf.as_bytes()) {
                    return Err(ServiceError::DamagedLog(format!(
                        "entry {} is not what was posted there: restore a backup",
                        root.size()
                    )));
                }
                root.push(leaf);
            }
            if root.size() == from {
                return Err(ServiceError::DamagedLog(format!("entry {from} is missing")));
            }
        }
        if root.root().0 == head.root {
            return Ok(());
        }
        Err(ServiceError::DamagedLog("entries and head disagree on the root".into()))
    }
}
