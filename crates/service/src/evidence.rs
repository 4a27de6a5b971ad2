//! The meter's own signed reports that a watering rests on.

use disclosure::attachment::AttachmentRef;
use disclosure::merkle::{Hash, RootBuilder, leaf_hash};
use disclosure::statement::{EVIDENCE_MEDIA_TYPE, Evidence, RegistryMeter};
use domain::Timestamp;
use domain::measurement::{Doubt, Doubts, Reading};
use store::{Attachment, StoredReport};
use telemetry::{ChainHash, Flags};

use crate::{Service, ServiceError};

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
        let (first, last) = span.ok_or_else(|| {
            ServiceError::Evidence(format!(
                "meter {meter} has not reported from before {start} to after {end}: wait for its reports"
            ))
        })?;
        let reports = self.store.reports(meter, first, last).await?;
        let mut present = reports.iter().map(|report| report.seq);
        if let Some(lacking) = (first..=last).find(|&seq| present.next() != Some(seq)) {
            return Err(ServiceError::Evidence(format!(
                "report {lacking} of meter {meter} is missing: wait until the meter sends it again"
            )));
        }
        for pair in reports.windows(2) {
            if decode(&pair[1])?.previous != ChainHash::of(&pair[0].bytes) {
                return Err(ServiceError::Evidence(format!(
                    "report {} of meter {meter} does not follow report {}: its chain is broken",
                    pair[1].seq, pair[0].seq
                )));
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
    let meter = &registered.meter;
    let installed = meter.installed_at.millis();
    if report.readings.iter().any(|reading| reading.at_ms < installed) {
        return Err(ServiceError::Evidence(format!(
            "report {} of meter {} is older than its installation at {} in the registry now in force",
            stored.seq, meter.code, meter.installed_at
        )));
    }
    let key = ed25519_dalek::VerifyingKey::from_bytes(registered.device_key.as_bytes());
    let verified = telemetry::decode(&stored.bytes)
        .is_ok_and(|signed| key.is_ok_and(|key| signed.verify(&key).is_ok()));
    if verified {
        return Ok(());
    }
    Err(ServiceError::Evidence(format!(
        "report {} of meter {} is not signed by the device key in the registry now in force",
        stored.seq, meter.code
    )))
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
