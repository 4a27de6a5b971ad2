//! One meter's step: its new reports, those that fill gaps, and what comes of them.

use disclosure::statement::RegistryMeter;
use domain::round::Round;
use domain::watch::{
    AlarmKind, Cause, Finding, Findings, FlowSpan, Link, Observation, SIGNS, Sighting, Watch,
};
use domain::{MeterCode, OutletId, Timestamp};
use store::{AlarmChange, MeterToWatch, ReportToWatch, StreamId, Subject, WatchStep};
use telemetry::{Flags, SignedReport};

use crate::{Service, ServiceError};

/// New reports of one meter in one look: four days of one an hour.
const MAX_REPORTS_PER_METER: u32 = 100;
/// Reports read around one gap.
const MAX_REPORTS_AROUND_A_GAP: u32 = 50;

/// A step under way.
struct Step<'a> {
    watch: Watch,
    findings: Findings,
    /// The earliest time that anything new is of.
    earliest: Option<Timestamp>,
    look_at: Option<Timestamp>,
    /// Whether reports were left for the next look.
    left_some: bool,
    registered: Option<&'a RegistryMeter>,
}

impl Step<'_> {
    /// Notes the time of something new.
    fn note(&mut self, at: Option<Timestamp>) {
        self.earliest = self.earliest.into_iter().chain(at).min();
    }
}

impl Service {
    /// Looks at a meter's reports; none when what is remembered of it cannot be read.
    pub(super) async fn look_at(
        &self,
        one: MeterToWatch,
        rounds: &[Round],
        left: &mut usize,
    ) -> Result<Option<WatchStep>, ServiceError> {
        let MeterToWatch { meter, reports, watch } = one;
        let (version, state) =
            watch.map_or((None, "{}".into()), |row| (Some(row.version), row.state));
        let watch: Watch = match serde_json::from_str(&state) {
            Ok(watch) => watch,
            Err(error) => {
                // The others must not wait for it.
                tracing::error!(%meter, %error, "a meter's watch in the database is damaged: delete its row in meter_watch");
                return Ok(None);
            }
        };
        let registered = self.record().meters().get(&meter).cloned();
        let mut step = Step {
            watch,
            findings: Findings::default(),
            earliest: None,
            look_at: None,
            left_some: false,
            registered: registered.as_ref(),
        };
        self.fill_gaps(&meter, &mut step, left).await?;
        self.take_new(&meter, &mut step, left).await?;
        self.take_hand(&meter, &mut step).await?;
        let Step { watch, findings, earliest, look_at, left_some, .. } = step;
        let outlet = registered.as_ref().map(|entry| entry.meter.outlet.clone());
        let (mut alarms, flows) = sorted(&meter, outlet.as_ref(), rounds, findings);
        if let (Some(outlet), Some(earliest)) = (&outlet, earliest) {
            alarms.extend(self.late_data(outlet, earliest).await?);
        }
        let state = serde_json::to_string(&watch)
            .map_err(|error| ServiceError::DamagedLog(error.to_string()))?;
        Ok(Some(WatchStep {
            meter,
            expected_version: version,
            reports: (!left_some).then_some(reports),
            look_at,
            state,
            alarms,
            flows,
        }))
    }

    async fn fill_gaps(
        &self,
        meter: &MeterCode,
        step: &mut Step<'_>,
        left: &mut usize,
    ) -> Result<(), ServiceError> {
        for (first, last) in step.watch.gaps().to_vec() {
            let (from, to) = (first.saturating_sub(1), last.saturating_add(1));
            let most = MAX_REPORTS_AROUND_A_GAP;
            let around = self.store.reports_to_watch(meter, from, to, most).await?;
            step.left_some |= u32::try_from(around.len()) == Ok(most);
            *left = left.saturating_sub(around.len());
            let mut links = Vec::with_capacity(around.len());
            for report in &around {
                let signed = decode(report)?;
                let link = link_of(&signed)?;
                if (first..=last).contains(&link.seq) {
                    step.note(Some(link.at));
                    let ends = link.at.plus_millis(duration_millis(&signed));
                    let signs = signs(signed.report().flags);
                    step.watch.hear_late(&signs, (link.at, ends), &mut step.findings);
                }
                links.push(link);
            }
            step.watch.fill(&links, &mut step.findings);
        }
        Ok(())
    }

    async fn take_new(
        &self,
        meter: &MeterCode,
        step: &mut Step<'_>,
        left: &mut usize,
    ) -> Result<(), ServiceError> {
        let most = MAX_REPORTS_PER_METER.min(u32::try_from(*left).unwrap_or(u32::MAX));
        let from = step.watch.seq().saturating_add(1);
        let new = self.store.reports_to_watch(meter, from, u64::MAX, most).await?;
        *left = left.saturating_sub(new.len());
        let full = u32::try_from(new.len()) == Ok(most);
        let (now, thresholds) = (self.now(), &self.watching.thresholds);
        for report in new {
            let until = step.watch.waits_until(report.seq, report.received_at, thresholds);
            if let Some(until) = until.filter(|until| *until > now) {
                // Those before it may still come.
                step.look_at = Some(until);
                return Ok(());
            }
            let observation = self.observe(&report, step)?;
            step.note(Some(observation.link.at));
            step.watch.take(&observation, thresholds, &mut step.findings);
        }
        step.left_some |= full;
        Ok(())
    }

    /// Entries by hand raise no alarm of their own; what they change in signed volumes is looked for.
    async fn take_hand(&self, meter: &MeterCode, step: &mut Step<'_>) -> Result<(), ServiceError> {
        let (from, most) = (step.watch.hand().saturating_add(1), MAX_REPORTS_PER_METER);
        let stream = StreamId::manual(meter);
        let new = self.store.reports_to_watch(&stream, from, u64::MAX, most).await?;
        step.left_some |= u32::try_from(new.len()) == Ok(most);
        for stored in new {
            let read = evidence::hand_readings(self.record().directory(), &stored.bytes);
            let times = read.map(|(_, readings)| readings).unwrap_or_default();
            step.note(times.iter().map(|reading| reading.at).min());
            step.watch.take_hand(stored.seq);
        }
        Ok(())
    }

    fn observe(
        &self,
        stored: &ReportToWatch,
        step: &Step<'_>,
    ) -> Result<Observation, ServiceError> {
        let signed = decode(stored)?;
        let report = signed.report();
        let damaged = |error: evidence::ReportError| ServiceError::DamagedLog(error.to_string());
        let readings = evidence::readings(report).map_err(damaged)?;
        let link = link_of(&signed)?;
        let last = readings.iter().max_by_key(|reading| reading.at);
        let last = last.map_or((link.at, 0), |reading| (reading.at, reading.value));
        let intervals = step.registered.map_or_else(Vec::new, |entry| {
            step.watch.intervals(&entry.meter, self.record().tables(), &readings)
        });
        Ok(Observation { link, last, boot: report.boot, signs: signs(report.flags), intervals })
    }
}

/// The findings as changes of the alarms, and the water that ran.
fn sorted(
    meter: &MeterCode,
    outlet: Option<&OutletId>,
    rounds: &[Round],
    findings: Findings,
) -> (Vec<AlarmChange>, Vec<(OutletId, FlowSpan)>) {
    let subject = || Subject::Meter(meter.clone(), outlet.cloned());
    let (mut alarms, mut flows) = (Vec::new(), Vec::new());
    for finding in findings.into_vec() {
        match (finding, outlet) {
            (Finding::Seen(sighting), _) => alarms.push(AlarmChange::Seen(subject(), sighting)),
            (Finding::Over { kind, .. }, _) => alarms.push(AlarmChange::Over(subject(), kind)),
            (Finding::Flow(span), Some(outlet)) => {
                if !rounds.iter().any(|round| round.admits(span.from).is_ok()) {
                    alarms.push(outside_round(meter, outlet, &span));
                }
                flows.push((outlet.clone(), span));
            }
            (Finding::Flow(_), None) => {}
        }
    }
    (alarms, flows)
}

fn outside_round(meter: &MeterCode, outlet: &OutletId, span: &FlowSpan) -> AlarmChange {
    let sighting = Sighting {
        cause: Cause::UseOutsideRound { litres: span.litres },
        since: span.from,
        last_at: span.to,
        times: u32::from(span.first),
    };
    AlarmChange::Seen(Subject::Outlet(outlet.clone(), meter.clone()), sighting)
}

fn decode(report: &ReportToWatch) -> Result<SignedReport<'_>, ServiceError> {
    telemetry::decode(&report.bytes)
        .map_err(|error| ServiceError::DamagedLog(format!("report {}: {error}", report.seq)))
}

/// From the first reading of a report to its last.
fn duration_millis(signed: &SignedReport<'_>) -> i64 {
    let readings = &signed.report().readings;
    let ends = readings.first().zip(readings.last());
    ends.map_or(0, |(first, last)| last.at_ms.saturating_sub(first.at_ms))
}

fn link_of(signed: &SignedReport<'_>) -> Result<Link, ServiceError> {
    let report = signed.report();
    let first = report.readings.first().map_or(0, |reading| reading.at_ms);
    let at = Timestamp::from_millis(first)
        .map_err(|error| ServiceError::DamagedLog(format!("report {}: {error}", report.seq)))?;
    let (previous, own) = (report.previous.0, signed.chain_hash().0);
    Ok(Link { seq: report.seq, at, previous, own })
}

/// What the meter says of itself.
pub(crate) fn signs(flags: Flags) -> Vec<Cause> {
    let said = |kind| match kind {
        AlarmKind::Tamper => (Flags::TAMPER, Cause::Tamper),
        AlarmKind::ReverseFlow => (Flags::REVERSE_FLOW, Cause::ReverseFlow),
        AlarmKind::LowBattery => (Flags::LOW_BATTERY, Cause::LowBattery),
        _ => (Flags::CLOCK_NOT_SYNCHRONISED, Cause::ClockNotSynchronised),
    };
    let all = SIGNS.into_iter().map(said);
    all.filter(|(flag, _)| flags.contains(*flag)).map(|(_, cause)| cause).collect()
}
