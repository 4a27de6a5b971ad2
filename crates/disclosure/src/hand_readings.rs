//! Readings by hand (人工抄录): somebody of the station read a register and signs for what it showed.
//!
//! An entry is an envelope with one signature. It is no statement and is not posted by itself; where a
//! watering rests on it, it stands in the watering's evidence with its signature.

use domain::text::is_plain;
use domain::{DistrictId, MeterCode, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::directory::Directory;
use crate::dsse::{Envelope, EnvelopeError};
use crate::policy::{SignatureProblem, signer_of};
use crate::statement::{Enrolment, Role};

/// The payload type of readings by hand.
pub const HAND_READINGS_PAYLOAD_TYPE: &str = "application/vnd.mingqu.readings.v1+json";
/// The most readings of one entry.
pub const MAX_HAND_READINGS: usize = 500;
/// The longest note, in characters.
pub const MAX_NOTE_CHARS: usize = 200;

/// What somebody read off one meter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandReadings {
    /// The district.
    pub district: DistrictId,
    /// The meter.
    pub meter: MeterCode,
    /// When it was written down, as the writer's clock says; tells two equal entries apart.
    pub entered_at: Timestamp,
    /// What was read, by time.
    pub readings: Vec<HandReading>,
    /// Why by hand, or where the figures come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One value at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandReading {
    /// When it was read.
    pub at: Timestamp,
    /// The value in the meter's own units.
    pub value: i64,
}

/// Why readings by hand do not count.
#[derive(Debug, Error)]
pub enum HandReadingsError {
    /// Not an envelope.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// Another payload.
    #[error("these are no readings by hand: use payload type {HAND_READINGS_PAYLOAD_TYPE}")]
    PayloadType,
    /// Not the JSON of readings by hand.
    #[error("the readings by hand cannot be read: {0}")]
    Malformed(serde_json::Error),
    /// Not one signature.
    #[error("readings by hand carry exactly one signature; these have {0}")]
    OneSignature(usize),
    /// The signature does not count.
    #[error(transparent)]
    Signature(#[from] SignatureProblem),
    /// Somebody who may not enter readings.
    #[error("only the station enters readings by hand")]
    Role,
    /// No reading, or too many.
    #[error("an entry has 1 to {MAX_HAND_READINGS} readings; this one has {0}")]
    Count(usize),
    /// Readings out of order.
    #[error("the readings by hand must ascend in time, and {0} does not: sort them")]
    Order(Timestamp),
    /// A value below zero.
    #[error("the value {0} is negative: enter what the register shows")]
    Negative(i64),
    /// A note that cannot be shown.
    #[error("a note has 1 to {MAX_NOTE_CHARS} visible characters")]
    Note,
}

impl HandReadings {
    /// Reads an envelope whose signature counts by this directory; returns the entry and who signed it.
    pub fn open(
        directory: &Directory,
        envelope: &[u8],
    ) -> Result<(Self, Enrolment), HandReadingsError> {
        let envelope = Envelope::parse(envelope)?;
        if envelope.payload_type != HAND_READINGS_PAYLOAD_TYPE {
            return Err(HandReadingsError::PayloadType);
        }
        let entry: Self =
            serde_json::from_slice(&envelope.payload).map_err(HandReadingsError::Malformed)?;
        entry.check()?;
        let enrolment = signer(directory, &envelope)?;
        if enrolment.role == Role::Station {
            Ok((entry, enrolment))
        } else {
            Err(HandReadingsError::Role)
        }
    }

    fn check(&self) -> Result<(), HandReadingsError> {
        if !(1..=MAX_HAND_READINGS).contains(&self.readings.len()) {
            return Err(HandReadingsError::Count(self.readings.len()));
        }
        for (earlier, later) in self.readings.iter().zip(self.readings.iter().skip(1)) {
            if later.at <= earlier.at {
                return Err(HandReadingsError::Order(later.at));
            }
        }
        if let Some(negative) = self.readings.iter().find(|reading| reading.value < 0) {
            return Err(HandReadingsError::Negative(negative.value));
        }
        let shown = |note: &String| is_plain(note, MAX_NOTE_CHARS);
        if self.note.as_ref().is_none_or(shown) { Ok(()) } else { Err(HandReadingsError::Note) }
    }
}

fn signer(directory: &Directory, envelope: &Envelope) -> Result<Enrolment, HandReadingsError> {
    let [signature] = envelope.signatures.as_slice() else {
        return Err(HandReadingsError::OneSignature(envelope.signatures.len()));
    };
    Ok(signer_of(directory, &envelope.signed_bytes(), signature)?.clone())
}
