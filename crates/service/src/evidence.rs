//! The meter's own signed reports that a watering rests on.

use disclosure::attachment::AttachmentRef;
use disclosure::merkle::{Hash, RootBuilder, leaf_hash};
use disclosure::statement::{EVIDENCE_MEDIA_TYPE, Evidence, RegistryMeter};
use domain::measurement::{Doubt, Doubts, Reading};
use domain::{MeterCode, OutletId, Timestamp};
use store::{Attachment, StoredReport};
use telemetry::{ChainHash, Flags};
use thiserror::Error;

use crate::{Service, ServiceError};

/// Why a turn has no whole evidence yet.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EvidenceError {
    /// The registry has no meter at the outlet.
    #[error("outlet {0} has no meter in the registry: post it first")]
    NoMeter(OutletId),
    /// The meter's reports do not reach from before the start to after the end.
    #[error(
        "meter {meter} has not reported from before {start} to after {end}: wait for its reports"
    )]
    NotCovered {
        /// The meter.
        meter: MeterCode,
        /// The turn's start.
        start: Timestamp,
        /// The turn's end.
        end: Timestamp,
    },
    /// A report in between is missing.
    #[error("report {seq} of meter {meter} is missing: wait until the meter sends it again")]
    Missing {
        /// The meter.
        meter: MeterCode,
        /// The report's sequence number.
        seq: u64,
    },
    /// A report does not follow the one before.
    #[error("report {seq} of meter {meter} does not follow the one before it: its chain is broken")]
    ChainBroken {
        /// The meter.
        meter: MeterCode,
        /// The report's sequence number.
        seq: u64,
    },
    /// A report is older than the meter's installation, as the registry now says.
    #[error(
        "report {seq} of meter {meter} is older than its installation in the registry now in force"
    )]
    BeforeInstallation {
        /// The meter.
        meter: MeterCode,
        /// The report's sequence number.
        seq: u64,
    },
    /// A report is not signed by the device key that the registry now names.
    #[error(
        "report {seq} of meter {meter} is not signed by the device key in the registry now in force"
    )]
    OtherKey {
        /// The meter.
        meter: MeterCode,
        /// The report's sequence number.
        seq: u64,
    },
}

/// Reports of one meter in unbroken sequence, each following the one before by its chain hash.
pub(crate) struct GatheredEvidence {
    first: u64,
    last: u64,
    reports: Vec<StoredReport>,
}

impl Service {
    /// Gathers the reports from the last one before `start` to the first one after `end`.
    ///
    /// They were good when they came in; the registry may have changed since, and an auditor
    /// judges them by the registry in force when the watering is posted. So they are judged again.
    pub(crate) async fn gather_evidence(
        &self,
        registered: &RegistryMeter,
        start: Timestamp,
        end: Timestamp,
    ) -> Result<GatheredEvidence, ServiceError> {
        let meter = &registered.meter.code;
        let span = self.store.evidence_span(meter, start, end).await?;
        let not_covered = || EvidenceError::NotCovered { meter: meter.clone(), start, end };
        let (first, last) = span.ok_or_else(not_covered)?;
        let reports = self.store.reports(meter, first, last).await?;
        let mut present = reports.iter().map(|report| report.seq);
        if let Some(seq) = (first..=last).find(|&seq| present.next() != Some(seq)) {
            return Err(EvidenceError::Missing { meter: meter.clone(), seq }.into());
        }
        for pair in reports.windows(2) {
            if decode(&pair[1])?.previous != ChainHash::of(&pair[0].bytes) {
                let seq = pair[1].seq;
                return Err(EvidenceError::ChainBroken { meter: meter.clone(), seq }.into());
            }
        }
        for report in &reports {
            check_registered(registered, report)?;
        }
        Ok(GatheredEvidence { first, last, reports })
    }
}

impl GatheredEvidence {
    /// All readings of the reports.
    pub(crate) fn readings(&self) -> Result<Vec<Reading>, ServiceError> {
        let mut readings = Vec::new();
        for stored in &self.reports {
            let report = decode(stored)?;
            let doubts = doubts_of(report.flags);
            for reading in &report.readings {
                let at = Timestamp::from_millis(reading.at_ms)
                    .map_err(|error| ServiceError::DamagedLog(error.to_string()))?;
                readings.push(Reading { at, value: reading.value, doubts });
            }
        }
        Ok(readings)
    }

    /// The reports, one behind the other.
    pub(crate) fn attachment(&self) -> Attachment {
        let bytes = self.reports.iter().flat_map(|report| report.bytes.iter().copied());
        let bytes: Vec<u8> = bytes.collect();
        Attachment { sha256: Hash::of(&bytes).0, media_type: EVIDENCE_MEDIA_TYPE.into(), bytes }
    }

    /// What the statement says of them.
    pub(crate) fn facts(&self, attachment: &Attachment) -> Evidence {
        let mut root = RootBuilder::new();
        for report in &self.reports {
            root.push(leaf_hash(&report.bytes));
        }
        Evidence {
            first_report: self.first,
            last_report: self.last,
            root: root.root(),
            reports: AttachmentRef::of(&attachment.media_type, &attachment.bytes),
        }
    }
}

fn check_registered(registered: &RegistryMeter, stored: &StoredReport) -> Result<(), ServiceError> {
    let report = decode(stored)?;
    let (meter, seq) = (registered.meter.code.clone(), stored.seq);
    let installed = registered.meter.installed_at.millis();
    if report.readings.iter().any(|reading| reading.at_ms < installed) {
        return Err(EvidenceError::BeforeInstallation { meter, seq }.into());
    }
    let key = ed25519_dalek::VerifyingKey::from_bytes(registered.device_key.as_bytes());
    let verified = telemetry::decode(&stored.bytes)
        .is_ok_and(|signed| key.is_ok_and(|key| signed.verify(&key).is_ok()));
    if verified { Ok(()) } else { Err(EvidenceError::OtherKey { meter, seq }.into()) }
}

fn decode(report: &StoredReport) -> Result<telemetry::Report, ServiceError> {
    telemetry::decode(&report.bytes)
        .map(telemetry::SignedReport::into_report)
        .map_err(|error| ServiceError::DamagedLog(format!("report {}: {error}", report.seq)))
}

/// What a meter's flags say against its readings.
fn doubts_of(flags: Flags) -> Doubts {
    [
        (Flags::TAMPER, Doubt::Tamper),
        (Flags::REVERSE_FLOW, Doubt::ReverseFlow),
        (Flags::CLOCK_NOT_SYNCHRONISED, Doubt::ClockNotSynchronised),
    ]
    .into_iter()
    .filter(|(flag, _)| flags.contains(*flag))
    .fold(Doubts::NONE, |doubts, (_, doubt)| doubts.with(doubt))
}
