//! What comes in from the meters' side and what goes back: the seam between `mqtt` and the verbs.

/// One message that claims to be a meter's report, as it came off the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The topic it was published to, kept for the quarantine; `mqtt` has bounded its length.
    pub topic: String,
    /// The meter that the topic names; not yet believed.
    pub meter: String,
    /// The payload; `mqtt` has bounded its length.
    pub payload: Vec<u8>,
}

/// The application receipt after a commit: the highest report sequence up to which all reports of a meter are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The meter that the receipt is for.
    pub meter: telemetry::MeterId,
    /// Reports 1 to `stored` are on disk; 0 when the first is still missing.
    pub stored: u64,
}
