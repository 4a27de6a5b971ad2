//! What comes in from the meters' side and what goes back: the seam between `mqtt` and the verbs.

use crate::{ForeignReading, QuarantineReason};

/// One message as it came off the wire: what claims to be a meter's report, or what is no such thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The topic it was published to, kept for the quarantine; `mqtt` has bounded its length.
    pub topic: String,
    /// The meter that the topic names; not yet believed.
    pub meter: String,
    /// The payload; `mqtt` has bounded its length.
    pub payload: Vec<u8>,
    /// Set when `mqtt` has refused it already: it is no report, and is kept apart without another look.
    pub refused: Option<Refused>,
    /// Set when it is no report but a foreign message, out of which an adapter read this.
    pub foreign: Option<ForeignReading>,
}

/// Why a message was refused before anybody looked for a report in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The reason.
    pub reason: QuarantineReason,
    /// What is wrong and what to do, for a person.
    pub detail: String,
    /// How long the message is, in bytes, where the payload is only its beginning.
    pub whole_bytes: Option<u64>,
}

/// The application receipt after a commit: the highest report sequence up to which all reports of a meter are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The meter that the receipt is for.
    pub meter: telemetry::MeterId,
    /// Reports 1 to `stored` are on disk; 0 when the first is still missing.
    pub stored: u64,
}
