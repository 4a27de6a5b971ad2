//! Evidence: from what meters signed, or people by hand, to readings that count.
//!
//! The service reads evidence before a watering is drafted, the auditor after it was posted; both read
//! it here, so that they cannot differ. A watering's evidence is one attachment for each meter and origin,
//! a CBOR sequence (RFC 8742): a report as it was signed, an entry by hand as a byte string that holds its envelope.
//!
//! In scope: telling the items apart, whose signature counts, what a report's flags say against its
//! readings. Out of scope: which reports belong to a watering, and what they come to in litres.

mod sequence;

use disclosure::directory::Directory;
use disclosure::hand_readings::{HandReadings, HandReadingsError};
use disclosure::key::PublicKey;
use disclosure::statement::RegistryMeter;
use domain::measurement::{Doubt, Doubts, Reading};
use domain::scale::Scale;
use domain::{TimeError, Timestamp};
use telemetry::{Flags, Kind, Report, SignedReport, VerifyError, VerifyingKey};
use thiserror::Error;

pub use sequence::{Item, MAX_ITEM_BYTES, join, split};

/// Why a report is not the registered meter's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReportError {
    /// The registry names no key for it.
    #[error("the registry names no key for report {0}: post the meter's key")]
    NoKey(u64),
    /// It is not signed by the key that the registry names for it.
    #[error("report {seq} is not by the registry's device key: {source}")]
    Signature {
        /// The report's number.
        seq: u64,
        /// What is wrong.
        source: VerifyError,
    },
    /// Values of another kind than the registry's scale is for.
    #[error("report {seq} has {found:?} values, the registry a scale for {due:?}")]
    Kind {
        /// The report's number.
        seq: u64,
        /// What it holds.
        found: Kind,
        /// What the scale is for.
        due: Kind,
    },
    /// A reading outside the years that are reckoned with.
    #[error("report {seq} has a reading whose {source}")]
    Time {
        /// The report's number.
        seq: u64,
        /// What is wrong.
        source: TimeError,
    },
}

/// What a meter with this scale reports.
pub const fn kind_of(scale: &Scale) -> Kind {
    match scale {
        Scale::Register { .. } => Kind::Register,
        Scale::Stage { .. } => Kind::Stage,
        Scale::Energy { .. } => Kind::Energy,
    }
}

/// What a report's flags say against its readings; a low battery or a restart says nothing.
pub fn doubts_of(flags: Flags) -> Doubts {
    [
        (Flags::CLOCK_NOT_SYNCHRONISED, Doubt::ClockNotSynchronised),
        (Flags::TAMPER, Doubt::Tamper),
        (Flags::REVERSE_FLOW, Doubt::ReverseFlow),
    ]
    .into_iter()
    .filter(|(flag, _)| flags.contains(*flag))
    .fold(Doubts::NONE, |doubts, (_, doubt)| doubts.with(doubt))
}

/// Checks that a report's values are of the kind that the meter's scale is for.
pub fn check_kind(scale: &Scale, report: &Report) -> Result<(), ReportError> {
    let due = kind_of(scale);
    if report.kind == due {
        return Ok(());
    }
    Err(ReportError::Kind { seq: report.seq, found: report.kind, due })
}

/// Checks kind and signature of a report against the registry's entry of its meter.
pub fn check_report(
    registered: &RegistryMeter,
    signed: &SignedReport<'_>,
) -> Result<(), ReportError> {
    check_reports(registered, core::slice::from_ref(signed))
}

/// The same for several reports of the meter, in order; fails at the first that is not the meter's.
pub fn check_reports(
    registered: &RegistryMeter,
    reports: &[SignedReport<'_>],
) -> Result<(), ReportError> {
    // To make a point of the curve of a key costs a seventh of a check, and one key signs many reports.
    let mut last: Option<(PublicKey, VerifyingKey)> = None;
    for signed in reports {
        let seq = signed.report().seq;
        let key = registered.key_for(seq).ok_or(ReportError::NoKey(seq))?;
        let point = match &last {
            Some((made_of, point)) if made_of == key => *point,
            _ => {
                let weak = |_| ReportError::Signature { seq, source: VerifyError::WeakKey };
                VerifyingKey::from_bytes(key.as_bytes()).map_err(weak)?
            }
        };
        signed.verify(&point).map_err(|source| ReportError::Signature { seq, source })?;
        check_kind(&registered.meter.scale, signed.report())?;
        last = Some((*key, point));
    }
    Ok(())
}

/// A report's readings as the rules see them.
pub fn readings(report: &Report) -> Result<Vec<Reading>, ReportError> {
    let doubts = doubts_of(report.flags);
    let one = |reading: &telemetry::Reading| {
        let at = Timestamp::from_millis(reading.at_ms)
            .map_err(|source| ReportError::Time { seq: report.seq, source })?;
        Ok(Reading { at, value: reading.value, doubts })
    };
    report.readings.iter().map(one).collect()
}

/// Reads an entry by hand whose signature counts, and its readings.
pub fn hand_readings(
    directory: &Directory,
    envelope: &[u8],
) -> Result<(HandReadings, Vec<Reading>), HandReadingsError> {
    let (entry, _) = HandReadings::open(directory, envelope)?;
    let one = |reading: &disclosure::hand_readings::HandReading| Reading {
        at: reading.at,
        value: reading.value,
        doubts: Doubts::NONE,
    };
    let readings = entry.readings.iter().map(one).collect();
    Ok((entry, readings))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_become_doubts() {
        let flags = Flags::CLOCK_NOT_SYNCHRONISED.union(Flags::TAMPER).union(Flags::REBOOTED);
        let both = Doubts::NONE.with(Doubt::ClockNotSynchronised).with(Doubt::Tamper);
        assert_eq!(doubts_of(flags), both);
        assert_eq!(doubts_of(Flags::LOW_BATTERY.union(Flags::REBOOTED)), Doubts::NONE);
        assert_eq!(doubts_of(Flags::REVERSE_FLOW), Doubts::NONE.with(Doubt::ReverseFlow));
    }
}
