//! Readings of devices that sign nothing: the server's gateway key vouches for them, and they become reports like any other.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use disclosure::key::PublicKey;
use disclosure::merkle::Hash;
use disclosure::statement::{Origin, RegistryMeter};
use domain::{MeterCode, Timestamp};
use ed25519_dalek::SigningKey;
use store::{NewAppend, NewQuarantine, Next, StreamId};
use telemetry::{ChainHash, Flags, MeterId, Reading, Report};

use crate::{Arrival, MAX_CLOCK_AHEAD_MILLIS, QuarantineReason, Service, ServiceError};

/// Readings of one report of ours. With any differences between them it stays below [`telemetry::MAX_REPORT_BYTES`].
const MAX_READINGS_PER_REPORT: usize = 144;
/// What the hash of a message's id starts with, so that it is never that of a message without one.
const MESSAGE_ID_MARK: &[u8] = b"message id\0";

/// What a device that does not sign said of one meter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignReading {
    /// The meter.
    pub meter: MeterId,
    /// One or more readings by time, each at a whole second, in the meter's integer unit.
    pub readings: Vec<Reading>,
    /// What the device says of itself.
    pub flags: Flags,
    /// What tells the message from others: the same id again is the same message.
    pub message_id: Option<String>,
}

/// Why a foreign message is kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ForeignReason {
    /// Longer than is read.
    Oversize,
    /// Not JSON.
    NotJson,
    /// Nested too deep.
    TooDeep,
    /// A key that counts stands twice.
    DuplicateKey,
    /// Nothing where a value must be.
    MissingPointer,
    /// A value of another type.
    WrongType,
    /// A text that is no number.
    NotANumber,
    /// A number out of range.
    OutOfRange,
    /// A fraction of the meter's unit.
    Fraction,
    /// No time.
    TimeMissing,
    /// A time in another form.
    TimeUnreadable,
    /// A time outside the years reckoned with.
    TimeOutOfRange,
    /// A device that stands for no meter.
    UnknownDevice,
    /// Another device in the topic than in the message.
    OtherDevicesTopic,
    /// A topic without the level that is read.
    TopicShape,
    /// No samples.
    NoSamples,
    /// Too many samples.
    TooManySamples,
    /// Data that is not base64.
    DataUnreadable,
    /// Data that ends before the value.
    DataTooShort,
    /// A meter whose readings this server may not vouch for.
    NotVouched,
}

impl ForeignReason {
    /// Every reason.
    pub const ALL: [Self; 20] = [
        Self::Oversize,
        Self::NotJson,
        Self::TooDeep,
        Self::DuplicateKey,
        Self::MissingPointer,
        Self::WrongType,
        Self::NotANumber,
        Self::OutOfRange,
        Self::Fraction,
        Self::TimeMissing,
        Self::TimeUnreadable,
        Self::TimeOutOfRange,
        Self::UnknownDevice,
        Self::OtherDevicesTopic,
        Self::TopicShape,
        Self::NoSamples,
        Self::TooManySamples,
        Self::DataUnreadable,
        Self::DataTooShort,
        Self::NotVouched,
    ];

    /// The word that stands in the database, metrics and pages.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Oversize => "foreign-oversize",
            Self::NotJson => "foreign-not-json",
            Self::TooDeep => "foreign-too-deep",
            Self::DuplicateKey => "foreign-duplicate-key",
            Self::MissingPointer => "foreign-missing-pointer",
            Self::WrongType => "foreign-wrong-type",
            Self::NotANumber => "foreign-not-a-number",
            Self::OutOfRange => "foreign-out-of-range",
            Self::Fraction => "foreign-fraction",
            Self::TimeMissing => "foreign-time-missing",
            Self::TimeUnreadable => "foreign-time-unreadable",
            Self::TimeOutOfRange => "foreign-time-out-of-range",
            Self::UnknownDevice => "foreign-unknown-device",
            Self::OtherDevicesTopic => "foreign-other-devices-topic",
            Self::TopicShape => "foreign-topic-shape",
            Self::NoSamples => "foreign-no-samples",
            Self::TooManySamples => "foreign-too-many-samples",
            Self::DataUnreadable => "foreign-data-unreadable",
            Self::DataTooShort => "foreign-data-too-short",
            Self::NotVouched => "foreign-not-vouched",
        }
    }
}

/// What became of foreign readings since the start.
#[derive(Debug, Default)]
pub(crate) struct ForeignTotals {
    stored: AtomicU64,
    repeated: AtomicU64,
}

/// What became of foreign readings since the start of this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForeignCounts {
    /// Readings that became part of a report.
    pub stored: u64,
    /// Readings that were stored before, with the same time and value or in the same message, and were dropped.
    pub repeated: u64,
}

/// A foreign message on its way to the store.
struct Vouching {
    arrival: Arrival,
    registered: RegistryMeter,
    readings: Vec<Reading>,
    flags: Flags,
    first_at: Timestamp,
    last_at: Timestamp,
    source: [u8; 32],
}

impl Service {
    /// Lets the server vouch with this key for meters that the registry marks so.
    #[must_use]
    pub fn vouching_with(mut self, gateway: SigningKey) -> Self {
        self.gateway = Some(gateway);
        self
    }

    /// What became of foreign readings since the start.
    pub fn foreign_counts(&self) -> ForeignCounts {
        ForeignCounts {
            stored: self.foreign.stored.load(Ordering::Relaxed),
            repeated: self.foreign.repeated.load(Ordering::Relaxed),
        }
    }

    /// Makes reports of foreign readings and stores them; returns the meters that have news, and what must be kept apart.
    ///
    /// Repeating the call is harmless: what it stored is recognised by its message's id, and by time and value.
    pub(crate) async fn vouch(
        &self,
        now: Timestamp,
        arrivals: Vec<(Arrival, ForeignReading)>,
    ) -> Result<(Vec<MeterCode>, Vec<NewQuarantine>), ServiceError> {
        let mut rejects = Vec::new();
        let mut vouchings = Vec::new();
        let mut seen = BTreeSet::new();
        for (arrival, reading) in arrivals {
            match self.vouchable(&arrival, &reading, now) {
                Ok(registered) => {
                    vouchings
                        .extend(self.unrepeated(arrival, reading, registered, &mut seen).await?);
                }
                Err((reason, detail)) => rejects.push(kept_apart(arrival, reason, detail)),
            }
        }
        let Some(gateway) = self.gateway.as_ref().filter(|_| !vouchings.is_empty()) else {
            return Ok((Vec::new(), rejects));
        };
        let items: Vec<NewAppend> = vouchings
            .iter()
            .map(|one| NewAppend {
                stream: StreamId::from(&one.registered.meter.code),
                source: one.source,
                first_at: one.first_at,
                last_at: one.last_at,
            })
            .collect();
        let make = |position: usize, next: Next<'_>| vouchings.get(position)?.report(gateway, next);
        let seqs = self.store.append(now, &items, make).await?;
        let mut meters = Vec::new();
        for (vouching, seq) in vouchings.into_iter().zip(seqs) {
            if seq.is_some() {
                count(&self.foreign.stored, vouching.readings.len());
                meters.push(vouching.registered.meter.code);
            } else {
                let detail = "the registry names another key for the meter's next report";
                let reason = QuarantineReason::Foreign(ForeignReason::NotVouched);
                rejects.push(kept_apart(vouching.arrival, reason, detail.to_owned()));
            }
        }
        Ok((meters, rejects))
    }

    /// The meter's entry, if this server may vouch for it and the times can be.
    fn vouchable(
        &self,
        arrival: &Arrival,
        reading: &ForeignReading,
        now: Timestamp,
    ) -> Result<RegistryMeter, (QuarantineReason, String)> {
        let refused = |reason, detail: &dyn std::fmt::Display| Err((reason, detail.to_string()));
        let code = MeterCode::new(reading.meter.as_str())
            .map_err(|error| (QuarantineReason::UnknownMeter, error.to_string()))?;
        let Some(registered) = self.record().meters().get(&code).cloned() else {
            let detail = format!(
                "post meter {code} in the registry first, for what comes in on {}",
                arrival.topic
            );
            return refused(QuarantineReason::UnknownMeter, &detail);
        };
        let own = self.gateway.as_ref().map(PublicKey::of);
        let vouched = registered.origin == Origin::GatewayVouched
            && registered.keys.iter().any(|one| Some(one.key) == own);
        if !vouched {
            let detail = "post the meter as gateway-vouched with this server's gateway key first";
            return refused(QuarantineReason::Foreign(ForeignReason::NotVouched), &detail);
        }
        for one in &reading.readings {
            match Timestamp::from_millis(one.at_ms) {
                Err(error) => {
                    let reason = QuarantineReason::Foreign(ForeignReason::TimeOutOfRange);
                    return refused(reason, &error);
                }
                Ok(at) if at > now.plus_millis(MAX_CLOCK_AHEAD_MILLIS) => {
                    let detail = format!("a reading is of {at}, the server's clock says {now}");
                    return refused(QuarantineReason::TimeAhead, &detail);
                }
                Ok(_) => {}
            }
        }
        Ok(registered)
    }

    /// The message without what is stored already, in pieces of a report each.
    async fn unrepeated(
        &self,
        arrival: Arrival,
        foreign: ForeignReading,
        registered: RegistryMeter,
        seen: &mut BTreeSet<(MeterCode, i64, i64)>,
    ) -> Result<Vec<Vouching>, ServiceError> {
        let code = &registered.meter.code;
        let ends = foreign.readings.first().zip(foreign.readings.last());
        let Some((first, last)) = ends else { return Ok(Vec::new()) };
        for stored in self.stored_between(code, first.at_ms, last.at_ms).await? {
            seen.insert((code.clone(), stored.at_ms, stored.value));
        }
        let all = foreign.readings.len();
        let readings: Vec<Reading> = foreign
            .readings
            .into_iter()
            .filter(|one| seen.insert((code.clone(), one.at_ms, one.value)))
            .collect();
        count(&self.foreign.repeated, all - readings.len());
        let mut pieces = Vec::new();
        for (number, readings) in readings.chunks(MAX_READINGS_PER_REPORT).enumerate() {
            let Some((first_at, last_at)) = ends_of(readings) else { continue };
            pieces.push(Vouching {
                arrival: arrival.clone(),
                registered: registered.clone(),
                readings: readings.to_vec(),
                flags: foreign.flags,
                first_at,
                last_at,
                source: source(foreign.message_id.as_deref(), number, readings),
            });
        }
        Ok(pieces)
    }

    /// Readings of a meter's primary stream in the reports that bear on a time.
    async fn stored_between(
        &self,
        meter: &MeterCode,
        from_ms: i64,
        to_ms: i64,
    ) -> Result<Vec<Reading>, ServiceError> {
        let (Ok(from), Ok(to)) = (Timestamp::from_millis(from_ms), Timestamp::from_millis(to_ms))
        else {
            return Ok(Vec::new());
        };
        let Some((first, last)) = self.store.evidence_span(meter, from, to).await? else {
            return Ok(Vec::new());
        };
        let mut readings = Vec::new();
        for stored in self.store.reports(meter, first, last).await? {
            if let Ok(signed) = telemetry::decode(&stored.bytes) {
                readings.extend_from_slice(&signed.report().readings);
            }
        }
        Ok(readings)
    }
}

impl Vouching {
    /// The next report of the meter, if the registry names our key for it.
    fn report(&self, gateway: &SigningKey, next: Next<'_>) -> Option<Vec<u8>> {
        if self.registered.key_for(next.seq) != Some(&PublicKey::of(gateway)) {
            return None;
        }
        let report = Report {
            meter: MeterId::new(self.registered.meter.code.as_str()).ok()?,
            seq: next.seq,
            boot: 0,
            previous: next.previous.map_or(ChainHash::FIRST, ChainHash::of),
            kind: evidence::kind_of(&self.registered.meter.scale),
            readings: self.readings.clone(),
            flags: self.flags,
        };
        telemetry::sign(&report, gateway).ok()
    }
}

fn ends_of(readings: &[Reading]) -> Option<(Timestamp, Timestamp)> {
    let (first, last) = readings.first().zip(readings.last())?;
    Some((Timestamp::from_millis(first.at_ms).ok()?, Timestamp::from_millis(last.at_ms).ok()?))
}

/// SHA-256 of what tells a message from others: its id, or all that it says.
fn source(message_id: Option<&str>, piece: usize, readings: &[Reading]) -> [u8; 32] {
    let mut bytes = Vec::new();
    match message_id {
        Some(id) => {
            bytes.extend_from_slice(MESSAGE_ID_MARK);
            bytes.extend_from_slice(id.as_bytes());
            bytes.push(0);
            bytes.extend_from_slice(piece.to_string().as_bytes());
        }
        None => {
            for one in readings {
                bytes.extend_from_slice(&one.at_ms.to_be_bytes());
                bytes.extend_from_slice(&one.value.to_be_bytes());
            }
        }
    }
    Hash::of(&bytes).0
}

pub(crate) fn kept_apart(
    arrival: Arrival,
    reason: QuarantineReason,
    detail: String,
) -> NewQuarantine {
    let whole_bytes = arrival.refused.as_ref().and_then(|refused| refused.whole_bytes);
    NewQuarantine {
        topic: arrival.topic,
        meter: arrival.meter,
        reason: reason.code().into(),
        detail,
        payload_bytes: whole_bytes.unwrap_or_else(|| length(&arrival.payload)),
        payload: arrival.payload,
    }
}

fn length(payload: &[u8]) -> u64 {
    u64::try_from(payload.len()).unwrap_or(u64::MAX)
}

fn count(counter: &AtomicU64, amount: usize) {
    counter.fetch_add(u64::try_from(amount).unwrap_or(u64::MAX), Ordering::Relaxed);
}
