//! A batch of messages from the meters: what is good is stored, what is not is kept apart with its reason.

use disclosure::statement::RegistryMeter;
use domain::{MeterCode, Timestamp};
use evidence::ReportError;
use store::{NewQuarantine, NewReport};
use telemetry::{MeterId, Report};

use crate::{Arrival, ForeignReading, ForeignReason, Receipt, Refused, Service, ServiceError};

/// How far a reading may lie ahead of the server's clock, in milliseconds: ten minutes.
pub const MAX_CLOCK_AHEAD_MILLIS: i64 = 10 * 60 * 1000;

/// Why a message is kept apart instead of stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuarantineReason {
    /// Longer than a report can be.
    Oversize,
    /// Not a well-formed report.
    Malformed,
    /// A meter that the registry does not know.
    UnknownMeter,
    /// A report of one meter under the topic of another.
    OtherMetersTopic,
    /// A report under the topic of another district.
    OtherDistrict,
    /// Not signed by the meter's device key.
    BadSignature,
    /// Readings later than the server's clock.
    TimeAhead,
    /// Values of another kind than the registry says.
    OtherKind,
    /// A sequence number that the meter used for another report.
    SequenceReused,
    /// A sequence number that cannot be.
    SequenceImpossible,
    /// A topic that no meter publishes to.
    UnknownTopic,
    /// A device status that cannot be kept.
    BadStatus,
    /// Bytes that are no MQTT, or an MQTT packet that the endpoint does not take.
    BadPacket,
    /// A message of a device that does not sign, which cannot become readings.
    Foreign(ForeignReason),
}

impl QuarantineReason {
    /// Every reason of reports and packets; those of foreign messages are [`ForeignReason::ALL`].
    const OWN: [Self; 13] = [
        Self::Oversize,
        Self::Malformed,
        Self::UnknownMeter,
        Self::OtherMetersTopic,
        Self::OtherDistrict,
        Self::BadSignature,
        Self::TimeAhead,
        Self::OtherKind,
        Self::SequenceReused,
        Self::SequenceImpossible,
        Self::UnknownTopic,
        Self::BadStatus,
        Self::BadPacket,
    ];

    /// Every reason.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::OWN.into_iter().chain(ForeignReason::ALL.map(Self::Foreign))
    }

    /// The word that stands in the database, metrics and pages.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Oversize => "oversize",
            Self::Malformed => "malformed",
            Self::UnknownMeter => "unknown-meter",
            Self::OtherMetersTopic => "other-meters-topic",
            Self::OtherDistrict => "other-district",
            Self::BadSignature => "bad-signature",
            Self::TimeAhead => "time-ahead",
            Self::OtherKind => "other-kind",
            Self::SequenceReused => store::SEQUENCE_REUSED,
            Self::SequenceImpossible => store::SEQUENCE_IMPOSSIBLE,
            Self::UnknownTopic => "unknown-topic",
            Self::BadStatus => "bad-status",
            Self::BadPacket => "bad-packet",
            Self::Foreign(reason) => reason.code(),
        }
    }

    /// Reads [`QuarantineReason::code`].
    pub fn from_code(code: &str) -> Option<Self> {
        Self::all().find(|reason| reason.code() == code)
    }
}

struct Reject {
    reason: QuarantineReason,
    detail: String,
}

impl Reject {
    fn new(reason: QuarantineReason, detail: &dyn core::fmt::Display) -> Self {
        Self { reason, detail: detail.to_string() }
    }

    fn of(error: &ReportError) -> Self {
        let reason = match error {
            ReportError::NoKey(_) | ReportError::Signature { .. } => QuarantineReason::BadSignature,
            ReportError::Kind { .. } => QuarantineReason::OtherKind,
            ReportError::Time { .. } => QuarantineReason::Malformed,
        };
        Self::new(reason, error)
    }

    fn rests_on_registry(&self) -> bool {
        use QuarantineReason::{BadSignature, OtherKind, UnknownMeter};
        matches!(self.reason, UnknownMeter | BadSignature | OtherKind)
    }
}

impl Service {
    /// Stores a batch durably. `Ok` means that every message of it is on disk, as a report or in
    /// the quarantine, and may be acknowledged; an error means that none is.
    pub async fn ingest(&self, batch: Vec<Arrival>) -> Result<Vec<Receipt>, ServiceError> {
        let now = self.now();
        let mut reports = Vec::with_capacity(batch.len());
        let mut foreign = Vec::new();
        let mut rejects = Vec::new();
        let mut caught_up = false;
        for mut arrival in batch {
            if let Some(reading) = arrival.foreign.take() {
                foreign.push((arrival, reading));
                continue;
            }
            let mut accepted = self.accept(&arrival, now);
            if !caught_up && accepted.as_ref().is_err_and(Reject::rests_on_registry) {
                // The meter may have been registered through another server.
                self.catch_up().await?;
                caught_up = true;
                accepted = self.accept(&arrival, now);
            }
            match accepted {
                Ok((meter, first_at, last_at, seq)) => reports.push(NewReport {
                    meter,
                    seq,
                    first_at,
                    last_at,
                    bytes: arrival.payload,
                }),
                Err(Reject { reason, detail }) => rejects.push(NewQuarantine {
                    topic: arrival.topic,
                    meter: arrival.meter,
                    reason: reason.code().into(),
                    detail,
                    payload: arrival.payload,
                }),
            }
        }
        let vouched = self.take_foreign(now, foreign, &mut rejects, caught_up).await?;
        let stored = self.store.store_reports(now, &reports, &rejects).await?;
        tracing::debug!(
            stored = stored.stored,
            duplicates = stored.duplicates,
            quarantined = rejects.len(),
            "batch stored"
        );
        let reported = stored.receipts.iter().map(|(meter, _)| meter.clone());
        self.tell_news(reported.chain(vouched));
        let receipts = stored.receipts.into_iter().filter_map(|(meter, stored)| {
            // A stored meter came from a report, whose id passed the same rule.
            Some(Receipt { meter: MeterId::new(meter.as_str()).ok()?, stored })
        });
        Ok(receipts.collect())
    }

    /// Makes reports of foreign readings; returns their meters, and adds what must be kept apart to `rejects`.
    async fn take_foreign(
        &self,
        now: Timestamp,
        foreign: Vec<(Arrival, ForeignReading)>,
        rejects: &mut Vec<NewQuarantine>,
        caught_up: bool,
    ) -> Result<Vec<MeterCode>, ServiceError> {
        if foreign.is_empty() {
            return Ok(Vec::new());
        }
        if !caught_up {
            // Meters may have been registered through another server; foreign messages are few.
            self.catch_up().await?;
        }
        let (meters, refused) = self.vouch(now, foreign).await?;
        rejects.extend(refused);
        Ok(meters)
    }

    fn accept(
        &self,
        arrival: &Arrival,
        now: Timestamp,
    ) -> Result<(MeterCode, Timestamp, Timestamp, u64), Reject> {
        if let Some(Refused { reason, detail }) = &arrival.refused {
            return Err(Reject::new(*reason, detail));
        }
        if arrival.payload.len() > telemetry::MAX_REPORT_BYTES {
            let detail = format!(
                "{} bytes; a report has at most {}",
                arrival.payload.len(),
                telemetry::MAX_REPORT_BYTES
            );
            return Err(Reject::new(QuarantineReason::Oversize, &detail));
        }
        let signed = telemetry::decode(&arrival.payload)
            .map_err(|error| Reject::new(QuarantineReason::Malformed, &error))?;
        let report = signed.report();
        // A topic ends in …/{district}/{meter}/report.
        if arrival.topic.rsplit('/').nth(2) != Some(self.district().as_str()) {
            let detail = format!("this is district {}", self.district());
            return Err(Reject::new(QuarantineReason::OtherDistrict, &detail));
        }
        if report.meter.as_str() != arrival.meter {
            let detail = format!("the report is by meter {}", report.meter);
            return Err(Reject::new(QuarantineReason::OtherMetersTopic, &detail));
        }
        let code = MeterCode::new(report.meter.as_str())
            .map_err(|error| Reject::new(QuarantineReason::Malformed, &error))?;
        let registered = self.known_meter(&code).ok_or_else(|| {
            Reject::new(QuarantineReason::UnknownMeter, &"post it in the registry first")
        })?;
        evidence::check_report(&registered, &signed).map_err(|error| Reject::of(&error))?;
        let (first_at, last_at) = check_times(report, now)?;
        Ok((code, first_at, last_at, report.seq))
    }

    fn known_meter(&self, code: &MeterCode) -> Option<RegistryMeter> {
        self.record().meters().get(code).cloned()
    }
}

fn check_times(report: &Report, now: Timestamp) -> Result<(Timestamp, Timestamp), Reject> {
    let malformed =
        |error: &dyn core::fmt::Display| Reject::new(QuarantineReason::Malformed, error);
    let ends = report.readings.first().zip(report.readings.last());
    let (first, last) = ends.ok_or_else(|| malformed(&"no readings"))?;
    let first = Timestamp::from_millis(first.at_ms).map_err(|error| malformed(&error))?;
    let last = Timestamp::from_millis(last.at_ms).map_err(|error| malformed(&error))?;
    if last > now.plus_millis(MAX_CLOCK_AHEAD_MILLIS) {
        let detail = format!("the last reading is of {last}, the server's clock says {now}");
        return Err(Reject::new(QuarantineReason::TimeAhead, &detail));
    }
    Ok((first, last))
}
