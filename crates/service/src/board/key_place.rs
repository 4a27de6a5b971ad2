//! Where in the log a key was enrolled: an index for whoever proves it from the log itself.

use disclosure::key::Fingerprint;

use crate::Service;

/// The postings about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPlace {
    /// The posting that enrolled it; the genesis for root keys and the log's.
    pub enrolled_at: u64,
    /// The posting that revoked it.
    pub revoked_at: Option<u64>,
}

/// The postings about the key with this fingerprint; none when the log never enrolled it.
pub fn key_place(service: &Service, key: &Fingerprint) -> Option<KeyPlace> {
    let record = service.record();
    let known = record.directory().get(key)?;
    Some(KeyPlace { enrolled_at: known.enrolled_at, revoked_at: known.revoked_at })
}
