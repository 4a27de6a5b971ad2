//! The signed reports that a watering rests on.

use disclosure::attachment::AttachmentRef;
use disclosure::merkle::{Hash, RootBuilder, leaf_hash};
use disclosure::record::Record;
use disclosure::statement::{EVIDENCE_MEDIA_TYPE, Evidence, Origin, RegistryMeter};
use domain::measurement::{CumulativeVolume, MeasurementError, MeterReadings, Reading};
use domain::{MeterCode, OutletId, Timestamp};
use evidence::{Item, ReportError};
use store::{Attachment, StoredReport, StreamId};
use telemetry::{ChainHash, SignedReport};
use thiserror::Error;

use crate::{Service, ServiceError};

/// Why a turn has no whole evidence yet.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EvidenceError {
    /// The registry has no meter at the outlet.
    #[error("outlet {0} had no meter in the registry then: post it first")]
    NoMeter(OutletId),
    /// The meter's reports do not reach from before the start to after the end.
    #[error(
        "meter {meter} has not reported from before {start} to after {end}: wait for its reports, or enter readings by hand"
    )]
    NotCovered {
        /// The meter.
        meter: MeterCode,
        /// The turn's start.
        start: Timestamp,
        /// The turn's end.
        end: Timestamp,
    },
    /// The meter's reports of that time were archived.
    #[error(
        "reports of meter {meter} from before {until} lie in archive files: put those of {start} back with `mingqu archive --restore`"
    )]
    Archived {
        /// The meter.
        meter: MeterCode,
        /// The turn's start.
        start: Timestamp,
        /// When the first report starts that is not archived.
        until: Timestamp,
    },
    /// A report in between is missing.
    #[error(
        "report {seq} of meter {meter} is missing: wait until the meter sends it again, or enter readings by hand"
    )]
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
    /// An entry by hand that does not count.
    #[error("entry {seq} by hand of meter {meter} does not count: {why}")]
    Hand {
        /// The meter.
        meter: MeterCode,
        /// The entry's number.
        seq: u64,
        /// What is wrong.
        why: String,
    },
    /// A report that the registry now in force does not vouch for.
    #[error("meter {meter}: {source}")]
    Report {
        /// The meter.
        meter: MeterCode,
        /// What is wrong.
        source: ReportError,
    },
}

/// What the meters of an outlet say of a time.
pub(crate) struct GatheredEvidence {
    pieces: Vec<Piece>,
}

/// Reports of one meter in unbroken sequence, each following the one before by its chain hash.
struct Piece {
    registered: RegistryMeter,
    origin: Origin,
    first: u64,
    last: u64,
    reports: Vec<StoredReport>,
    readings: Vec<Reading>,
}

impl EvidenceError {
    /// Whether readings by hand may stand in: reports are not there, or do not follow each other.
    const fn is_want_of_reports(&self) -> bool {
        matches!(self, Self::NotCovered { .. } | Self::Missing { .. } | Self::ChainBroken { .. })
    }
}

impl Service {
    /// Gathers for each meter that stood at the outlet between `start` and `end` the reports that bear on its time there.
    /// Where they do not reach from `start` to `end`, readings by hand stand in, if there are any.
    ///
    /// They were good when they came in; the registry may have changed since, and an auditor
    /// judges them by the registry in force when the watering is posted. So they are judged again.
    pub(crate) async fn gather_evidence(
        &self,
        outlet: &OutletId,
        start: Timestamp,
        end: Timestamp,
    ) -> Result<GatheredEvidence, ServiceError> {
        let meters: Vec<RegistryMeter> =
            self.record().meters_at(outlet, start, end).into_iter().cloned().collect();
        let Some(first) = meters.first() else {
            return Err(EvidenceError::NoMeter(outlet.clone()).into());
        };
        let meter = first.meter.code.clone();
        let mut why = EvidenceError::NotCovered { meter, start, end };
        let mut gathered = GatheredEvidence { pieces: Vec::with_capacity(meters.len()) };
        let mut whole = true;
        for registered in &meters {
            match self.gather_piece(registered, registered.origin, start, end).await {
                Ok(piece) => gathered.pieces.push(piece),
                Err(ServiceError::Evidence(want)) if want.is_want_of_reports() => {
                    (why, whole) = (want, false);
                }
                Err(error) => return Err(error),
            }
        }
        if whole && gathered.covers(&self.record(), start, end) {
            return Ok(gathered);
        }
        for registered in meters.iter().filter(|meter| meter.origin != Origin::Manual) {
            match self.gather_piece(registered, Origin::Manual, start, end).await {
                Ok(piece) => gathered.pieces.push(piece),
                Err(ServiceError::Evidence(EvidenceError::NotCovered { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        if gathered.covers(&self.record(), start, end) {
            return Ok(gathered);
        }
        Err(self.archived(why, start).await?.into())
    }

    /// Tells reports that were archived from reports that have not come.
    async fn archived(
        &self,
        why: EvidenceError,
        start: Timestamp,
    ) -> Result<EvidenceError, ServiceError> {
        let EvidenceError::NotCovered { meter, .. } = &why else {
            return Ok(why);
        };
        match self.store.archived_until(meter).await? {
            Some(until) if start < until => {
                Ok(EvidenceError::Archived { meter: meter.clone(), start, until })
            }
            _ => Ok(why),
        }
    }

    async fn gather_piece(
        &self,
        registered: &RegistryMeter,
        origin: Origin,
        start: Timestamp,
        end: Timestamp,
    ) -> Result<Piece, ServiceError> {
        let meter = &registered.meter.code;
        let stream = match origin {
            Origin::Manual => StreamId::manual(meter),
            Origin::MeterSigned | Origin::GatewayVouched => StreamId::from(meter),
        };
        let from = start.max(registered.meter.installed_at);
        let to = registered.meter.removed_at.map_or(end, |removed| removed.min(end));
        let span = self.store.evidence_span(&stream, from, to).await?;
        let not_covered = || EvidenceError::NotCovered { meter: meter.clone(), start, end };
        let (first, last) = span.ok_or_else(not_covered)?;
        let reports = self.store.reports(&stream, first, last).await?;
        let mut present = reports.iter().map(|report| report.seq);
        if let Some(seq) = (first..=last).find(|&seq| present.next() != Some(seq)) {
            return Err(EvidenceError::Missing { meter: meter.clone(), seq }.into());
        }
        let readings = match origin {
            Origin::Manual => self.judged_by_hand(meter, &reports)?,
            Origin::MeterSigned | Origin::GatewayVouched => judged(registered, &reports)?,
        };
        let registered = registered.clone();
        Ok(Piece { registered, origin, first, last, reports, readings })
    }

    /// The readings of entries by hand whose signatures count by the directory now in force.
    fn judged_by_hand(
        &self,
        meter: &MeterCode,
        entries: &[StoredReport],
    ) -> Result<Vec<Reading>, ServiceError> {
        let record = self.record();
        let mut all = Vec::new();
        for StoredReport { seq, bytes } in entries {
            let (entry, readings) =
                evidence::hand_readings(record.directory(), bytes).map_err(|error| {
                    let (meter, why) = (meter.clone(), error.to_string());
                    EvidenceError::Hand { meter, seq: *seq, why }
                })?;
            if entry.meter != *meter {
                let why = format!("it is of meter {}", entry.meter);
                return Err(EvidenceError::Hand { meter: meter.clone(), seq: *seq, why }.into());
            }
            all.extend(readings);
        }
        Ok(all)
    }
}

impl GatheredEvidence {
    /// V(t) of the outlet.
    pub(crate) fn volume(&self, record: &Record) -> CumulativeVolume {
        let mut meters: Vec<MeterReadings<'_>> = Vec::with_capacity(self.pieces.len());
        for piece in &self.pieces {
            let meter = &piece.registered.meter;
            match meters.iter_mut().find(|known| known.meter.code == meter.code) {
                Some(known) => known.readings.extend_from_slice(&piece.readings),
                None => meters.push(MeterReadings {
                    meter,
                    tables: record.tables(),
                    readings: piece.readings.clone(),
                }),
            }
        }
        CumulativeVolume::new(meters)
    }

    /// Whether there are readings on both sides of both ends.
    fn covers(&self, record: &Record, start: Timestamp, end: Timestamp) -> bool {
        let volume = self.volume(record);
        ![volume.at(start), volume.at(end)].iter().any(|at| {
            matches!(at, Err(MeasurementError::NotBefore(_) | MeasurementError::NotAfter(_)))
        })
    }

    /// The weakest origin among the pieces.
    pub(crate) fn origin(&self) -> Origin {
        self.pieces.iter().map(|piece| piece.origin).max().unwrap_or(Origin::Manual)
    }

    /// What the statement says of the reports, and the attachments that hold them.
    pub(crate) fn facts(&self) -> Result<(Vec<Evidence>, Vec<Attachment>), ServiceError> {
        let pieces = self.pieces.iter().map(Piece::facts);
        pieces.collect::<Result<Vec<_>, _>>().map(|pieces| pieces.into_iter().unzip())
    }
}

impl Piece {
    fn facts(&self) -> Result<(Evidence, Attachment), ServiceError> {
        let item = |report| match self.origin {
            Origin::Manual => Item::Hand(report),
            Origin::MeterSigned | Origin::GatewayVouched => Item::Report(report),
        };
        let items = self.reports.iter().map(|report| item(report.bytes.as_slice()));
        let bytes = evidence::join(items).ok_or(ServiceError::TooLarge {
            what: "an entry of the evidence",
            limit: evidence::MAX_ITEM_BYTES,
        })?;
        let mut root = RootBuilder::new();
        for report in &self.reports {
            root.push(leaf_hash(&report.bytes));
        }
        let facts = Evidence {
            meter: self.registered.meter.code.clone(),
            origin: self.origin,
            first_report: self.first,
            last_report: self.last,
            root: root.root(),
            reports: AttachmentRef::of(EVIDENCE_MEDIA_TYPE, &bytes),
        };
        let sha256 = Hash::of(&bytes).0;
        Ok((facts, Attachment { sha256, media_type: EVIDENCE_MEDIA_TYPE.into(), bytes }))
    }
}

/// The readings of reports that the registry vouches for and that follow each other.
fn judged(
    registered: &RegistryMeter,
    reports: &[StoredReport],
) -> Result<Vec<Reading>, ServiceError> {
    let meter = || registered.meter.code.clone();
    let refused = |source| EvidenceError::Report { meter: meter(), source };
    let mut readings = Vec::new();
    let mut before: Option<ChainHash> = None;
    for stored in reports {
        let signed = decode(stored)?;
        if before.is_some_and(|before| signed.report().previous != before) {
            return Err(EvidenceError::ChainBroken { meter: meter(), seq: stored.seq }.into());
        }
        before = Some(signed.chain_hash());
        evidence::check_report(registered, &signed).map_err(refused)?;
        readings.extend(evidence::readings(signed.report()).map_err(refused)?);
    }
    Ok(readings)
}

fn decode(report: &StoredReport) -> Result<SignedReport<'_>, ServiceError> {
    telemetry::decode(&report.bytes)
        .map_err(|error| ServiceError::DamagedLog(format!("report {}: {error}", report.seq)))
}
