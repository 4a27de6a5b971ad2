//! The door: what is looked at before a report is stored. Nothing here waits for anything but a short lock, so it runs on
//! as many threads as there are cores.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use disclosure::key::PublicKey;
use disclosure::record::Record;
use disclosure::statement::RegistryMeter;
use domain::{DistrictId, MeterCode, Timestamp};
use evidence::ReportError;
use store::NewReport;
use telemetry::{DeviceKey, Report, SignedReport, VerifyError};

use crate::ingest::{MAX_CLOCK_AHEAD_MILLIS, QuarantineReason};
use crate::{Arrival, Refused};

/// Device keys that are kept as points of the curve, each some 250 bytes; a key costs a tenth of a signature to read.
const MAX_KEYS_AT_HAND: usize = 65_536;

/// Why a message is kept apart.
#[derive(Debug, Clone)]
pub(crate) struct Reject {
    pub(crate) reason: QuarantineReason,
    pub(crate) detail: String,
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

    /// Whether a newer registry may see it otherwise.
    pub(crate) fn rests_on_registry(&self) -> bool {
        use QuarantineReason::{BadSignature, OtherKind, UnknownMeter};
        matches!(self.reason, UnknownMeter | BadSignature | OtherKind)
    }
}

/// What the door knows: the district, the registry, device keys at hand.
pub(crate) struct Door {
    district: DistrictId,
    record: Arc<RwLock<Record>>,
    /// A key's point follows from its bytes alone, so nothing here ever grows old.
    keys: Mutex<HashMap<PublicKey, DeviceKey>>,
}

/// A report whose signature is all that is left to look at.
struct Claim<'a> {
    signed: SignedReport<'a>,
    key: DeviceKey,
    /// What is stored if the signature holds, or why nothing is.
    otherwise: Result<Facts, Reject>,
}

struct Facts {
    meter: MeterCode,
    first_at: Timestamp,
    last_at: Timestamp,
}

impl Door {
    pub(crate) fn new(district: DistrictId, record: Arc<RwLock<Record>>) -> Self {
        Self { district, record, keys: Mutex::default() }
    }

    /// Judges messages, in their order.
    #[expect(
        clippy::result_large_err,
        reason = "a refused message goes on to the quarantine as it is"
    )]
    pub(crate) fn judge(
        &self,
        arrivals: Vec<Arrival>,
        now: Timestamp,
    ) -> Vec<Result<NewReport, (Arrival, Reject)>> {
        let verdicts = verify(self.claims(&arrivals, now));
        let judged = arrivals.into_iter().zip(verdicts).map(|(arrival, verdict)| match verdict {
            Ok((Facts { meter, first_at, last_at }, seq)) => {
                Ok(NewReport { meter, seq, first_at, last_at, bytes: arrival.payload })
            }
            Err(reject) => Err((arrival, reject)),
        });
        judged.collect()
    }

    /// Everything but the signatures.
    fn claims<'a>(
        &self,
        arrivals: &'a [Arrival],
        now: Timestamp,
    ) -> Vec<Result<Claim<'a>, Reject>> {
        let read: Vec<_> = arrivals.iter().map(|arrival| self.read(arrival)).collect();
        let record = self.record.read().unwrap_or_else(PoisonError::into_inner);
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let mut claim = |(signed, code): (SignedReport<'a>, MeterCode)| {
            let report = signed.report();
            let registered = record.meters().get(&code).ok_or_else(|| {
                Reject::new(QuarantineReason::UnknownMeter, &"post it in the registry first")
            })?;
            let key = self::key(&mut keys, registered, report.seq)?;
            let otherwise = facts(code, registered, report, now);
            Ok(Claim { signed, key, otherwise })
        };
        read.into_iter().map(|read| read.and_then(&mut claim)).collect()
    }

    /// Reads a message as the report that its topic announces.
    fn read<'a>(&self, arrival: &'a Arrival) -> Result<(SignedReport<'a>, MeterCode), Reject> {
        if let Some(Refused { reason, detail, .. }) = &arrival.refused {
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
        if arrival.topic.rsplit('/').nth(2) != Some(self.district.as_str()) {
            let detail = format!("this is district {}", self.district);
            return Err(Reject::new(QuarantineReason::OtherDistrict, &detail));
        }
        if report.meter.as_str() != arrival.meter {
            let detail = format!("the report is by meter {}", report.meter);
            return Err(Reject::new(QuarantineReason::OtherMetersTopic, &detail));
        }
        let code = MeterCode::new(report.meter.as_str())
            .map_err(|error| Reject::new(QuarantineReason::Malformed, &error))?;
        Ok((signed, code))
    }
}

/// The key that has to have signed a meter's report, as a point.
fn key(
    keys: &mut HashMap<PublicKey, DeviceKey>,
    registered: &RegistryMeter,
    seq: u64,
) -> Result<DeviceKey, Reject> {
    let key = registered.key_for(seq).ok_or_else(|| Reject::of(&ReportError::NoKey(seq)))?;
    if let Some(point) = keys.get(key) {
        return Ok(*point);
    }
    let point = DeviceKey::from_bytes(key.as_bytes())
        .map_err(|source| Reject::of(&ReportError::Signature { seq, source }))?;
    if keys.len() >= MAX_KEYS_AT_HAND {
        keys.clear();
    }
    keys.insert(*key, point);
    Ok(point)
}

/// What is stored of a report if its signature holds.
fn facts(
    meter: MeterCode,
    registered: &RegistryMeter,
    report: &Report,
    now: Timestamp,
) -> Result<Facts, Reject> {
    evidence::check_kind(&registered.meter.scale, report).map_err(|error| Reject::of(&error))?;
    let (first_at, last_at) = check_times(report, now)?;
    Ok(Facts { meter, first_at, last_at })
}

/// Checks the signatures together: see [`telemetry::verify_batch`] for why that is enough here and not for evidence,
/// which `gather_evidence` and the audit check one by one.
fn verify(claims: Vec<Result<Claim<'_>, Reject>>) -> Vec<Result<(Facts, u64), Reject>> {
    let pairs: Vec<_> = claims.iter().flatten().map(|claim| (&claim.signed, &claim.key)).collect();
    let mut verdicts = telemetry::verify_batch(&pairs).into_iter();
    let verdict = |claim: Result<Claim<'_>, Reject>| {
        let Claim { signed, otherwise, .. } = claim?;
        let seq = signed.report().seq;
        // As many verdicts as claims; a missing one would be a signature that nobody checked.
        verdicts
            .next()
            .unwrap_or(Err(VerifyError::BadSignature))
            .map_err(|source| Reject::of(&ReportError::Signature { seq, source }))?;
        Ok((otherwise?, seq))
    };
    claims.into_iter().map(verdict).collect()
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
