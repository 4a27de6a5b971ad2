//! Messages from the meters, in two steps: looked at, then stored; the good as reports, the others in the quarantine with
//! their reason.

use std::borrow::Cow;
use std::sync::Arc;

use domain::{MeterCode, Timestamp};
use store::{NewQuarantine, NewReport};
use telemetry::{MAX_BATCH_SIGNATURES, MeterId};

use crate::door::Reject;
use crate::foreign::kept_apart;
use crate::lanes::on_all_cores;
use crate::{Arrival, ForeignReading, ForeignReason, Receipt, Service, ServiceError};

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

/// Messages that were looked at and wait to be stored.
#[derive(Debug, Default)]
pub struct Checked {
    reports: Vec<NewReport>,
    rejects: Vec<NewQuarantine>,
    /// What the registry speaks against, as far as it was known.
    doubtful: Vec<(Arrival, Reject)>,
    /// Messages of devices that do not sign; only storing them shows what they repeat.
    foreign: Vec<(Arrival, ForeignReading)>,
    /// How many entries of the log were known then.
    record_size: u64,
}

impl Checked {
    /// Puts later messages behind these.
    pub fn join(&mut self, later: Self) {
        self.reports.extend(later.reports);
        self.rejects.extend(later.rejects);
        self.doubtful.extend(later.doubtful);
        self.foreign.extend(later.foreign);
        self.record_size = self.record_size.min(later.record_size);
    }
}

impl Service {
    /// Looks at messages and stores them: [`Service::check`], then [`Service::store_checked`].
    pub async fn ingest(&self, batch: Vec<Arrival>) -> Result<Vec<Receipt>, ServiceError> {
        let checked = self.check(batch).await;
        self.store_checked(&checked).await
    }

    /// Says of every message what will become of it. Decoding and signatures take their time, on all cores.
    pub async fn check(&self, mut batch: Vec<Arrival>) -> Checked {
        let mut checked = Checked { record_size: self.record().size(), ..Checked::default() };
        for mut arrival in batch.extract_if(.., |arrival| arrival.foreign.is_some()) {
            let reading = arrival.foreign.take();
            checked.foreign.extend(reading.map(|reading| (arrival, reading)));
        }
        for judged in self.judge_all(batch).await {
            match judged {
                Ok(report) => checked.reports.push(report),
                Err((arrival, reject)) if reject.rests_on_registry() => {
                    checked.doubtful.push((arrival, reject));
                }
                Err((arrival, reject)) => checked.rejects.push(apart(arrival, reject)),
            }
        }
        checked
    }

    /// Stores checked messages durably. `Ok` means that every one of them is on disk, as a report or in the
    /// quarantine, and may be acknowledged; an error means that none is.
    pub async fn store_checked(&self, checked: &Checked) -> Result<Vec<Receipt>, ServiceError> {
        let now = self.now();
        if !checked.doubtful.is_empty() || !checked.foreign.is_empty() {
            // Meters, or new keys of theirs, may have been registered meanwhile, perhaps through another server.
            self.catch_up().await?;
        }
        let (late, doubtful) = self.look_again(checked).await;
        let (vouched, refused) = self.take_foreign(now, &checked.foreign).await?;
        let reports = joined(&checked.reports, &late);
        let rejects = joined(&checked.rejects, &[doubtful, refused].concat());
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

    /// What the registry as it now stands says of what it spoke against before.
    async fn look_again(&self, checked: &Checked) -> (Vec<NewReport>, Vec<NewQuarantine>) {
        let doubtful = checked.doubtful.iter().cloned();
        if self.record().size() == checked.record_size {
            let rejects = doubtful.map(|(arrival, reject)| apart(arrival, reject));
            return (Vec::new(), rejects.collect());
        }
        let (mut reports, mut rejects) = (Vec::new(), Vec::new());
        for judged in self.judge_all(doubtful.map(|(arrival, _)| arrival).collect()).await {
            match judged {
                Ok(report) => reports.push(report),
                Err((arrival, reject)) => rejects.push(apart(arrival, reject)),
            }
        }
        (reports, rejects)
    }

    /// Makes reports of foreign readings; returns their meters, and what must be kept apart.
    async fn take_foreign(
        &self,
        now: Timestamp,
        foreign: &[(Arrival, ForeignReading)],
    ) -> Result<(Vec<MeterCode>, Vec<NewQuarantine>), ServiceError> {
        if foreign.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        self.vouch(now, foreign.to_vec()).await
    }

    /// Judges messages, in their order, on as many cores as they keep busy.
    async fn judge_all(&self, arrivals: Vec<Arrival>) -> Vec<Result<NewReport, (Arrival, Reject)>> {
        let (now, door) = (self.now(), Arc::clone(&self.door));
        on_all_cores(arrivals, MAX_BATCH_SIGNATURES, move |lane| door.judge(lane, now)).await
    }
}

/// Rows with a few more behind them. Nearly always there are none, and then nothing is copied.
fn joined<'a, T: Clone>(rows: &'a [T], more: &[T]) -> Cow<'a, [T]> {
    if more.is_empty() { Cow::Borrowed(rows) } else { [rows, more].concat().into() }
}

fn apart(arrival: Arrival, Reject { reason, detail }: Reject) -> NewQuarantine {
    kept_apart(arrival, reason, detail)
}
