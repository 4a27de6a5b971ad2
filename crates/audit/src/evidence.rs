//! A watering's evidence: the signed reports, and what they come to.

use std::collections::BTreeMap;

use disclosure::merkle::{Hash, leaf_hash, root_of};
use disclosure::record::Record;
use disclosure::statement::{Evidence, Origin, RegistryMeter, WateringFacts};
use domain::measurement::{CumulativeVolume, Measured, MeasurementError, MeterReadings, Reading};
use domain::registry::Outlet;
use domain::{MeterCode, Timestamp};
use evidence::{Item, ReportError};
use telemetry::{ChainHash, SignedReport};

use crate::finding::{Findings, Place, Rule};

/// The most different reports that all evidence of a log may hold together.
pub const MAX_REPORTS: u64 = 10_000_000;

/// Gathers what is wrong with one entry's evidence.
pub(crate) struct Problems<'a> {
    entry: u64,
    findings: &'a mut Findings,
}

impl<'a> Problems<'a> {
    pub(crate) fn new(entry: u64, findings: &'a mut Findings) -> Self {
        Self { entry, findings }
    }

    fn add(&mut self, rule: Rule, says: impl core::fmt::Display) {
        self.findings.add(Place::Entry(self.entry), rule, says);
    }
}

/// What every meter said under every sequence number, over all evidence.
#[derive(Debug, Default)]
pub(crate) struct Chains {
    meters: BTreeMap<MeterCode, BTreeMap<u64, Link>>,
    /// The entries by hand, which form no chain: each one's digest.
    by_hand: BTreeMap<(MeterCode, u64), Hash>,
    reports: u64,
}

/// A report's place in its meter's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Link {
    hash: ChainHash,
    previous: ChainHash,
}

impl Chains {
    /// Different reports so far.
    pub(crate) fn reports(&self) -> u64 {
        self.reports
    }

    /// Enters the verified reports of one piece of evidence; says what in other evidence the first
    /// of them contradicts that does.
    fn enter(&mut self, meter: &MeterCode, reports: &[SignedReport<'_>]) -> Result<(), String> {
        let known = self.meters.entry(meter.clone()).or_default();
        let link = |signed: &SignedReport<'_>| Link {
            hash: signed.chain_hash(),
            previous: signed.report().previous,
        };
        if let [first, ..] = reports
            && let seq = first.report().seq
            && let Some(before) = seq.checked_sub(1).and_then(|before| known.get(&before))
            && before.hash != first.report().previous
        {
            return Err(format!(
                "report {seq} does not follow report {} of other evidence",
                seq - 1
            ));
        }
        if let [.., last] = reports
            && let seq = last.report().seq
            && let Some(after) = seq.checked_add(1).and_then(|after| known.get(&after))
            && after.previous != last.chain_hash()
        {
            return Err(format!("the report after {seq} in other evidence does not follow it"));
        }
        for signed in reports {
            let seq = signed.report().seq;
            match known.insert(seq, link(signed)) {
                None => self.reports += 1,
                Some(held) if held == link(signed) => {}
                Some(_) => {
                    return Err(format!("other evidence has another report with the number {seq}"));
                }
            }
        }
        Ok(())
    }

    /// Enters the entries by hand of one piece of evidence, which stand under ascending numbers.
    fn enter_by_hand(
        &mut self,
        meter: &MeterCode,
        first: u64,
        envelopes: &[&[u8]],
    ) -> Result<(), String> {
        for (number, envelope) in (first..).zip(envelopes) {
            let digest = Hash::of(envelope);
            match self.by_hand.insert((meter.clone(), number), digest) {
                None => self.reports += 1,
                Some(held) if held == digest => {}
                Some(_) => {
                    return Err(format!(
                        "other evidence has another entry with the number {number}"
                    ));
                }
            }
        }
        Ok(())
    }
}

/// What a piece of evidence holds.
pub(crate) enum Piece<'b> {
    /// Reports, signed by the meter or for it.
    Reports(Vec<SignedReport<'b>>),
    /// Envelopes with readings by hand.
    ByHand(Vec<&'b [u8]>),
}

/// Splits a piece of evidence into its items and checks all that needs no registry: their form, their meter,
/// their sequence, their chain and the root over them. `None` where they cannot be told apart.
pub(crate) fn read<'b>(
    piece: &Evidence,
    bytes: &'b [u8],
    problems: &mut Problems<'_>,
) -> Option<Piece<'b>> {
    let items = match evidence::split(bytes) {
        Ok(items) => items,
        Err(position) => {
            let says = format_args!("no signed report stands at byte {position} of the evidence");
            problems.add(Rule::EvidenceForm, says);
            return None;
        }
    };
    let leaves: Vec<_> = items.iter().map(|item| leaf_hash(item.bytes())).collect();
    let root = root_of(&leaves);
    if root != piece.root {
        let says = format_args!(
            "the reports lead to the root {root} and the statement says {}",
            piece.root
        );
        problems.add(Rule::EvidenceRoot, says);
    }
    check_count(piece, items.len(), problems);
    if piece.origin == Origin::Manual {
        return by_hand(&items, problems).map(Piece::ByHand);
    }
    let reports = reports(&items, problems)?;
    check_meter(piece, &reports, problems);
    check_sequence(piece, &reports, problems);
    check_chain(&reports, problems);
    Some(Piece::Reports(reports))
}

fn reports<'b>(items: &[Item<'b>], problems: &mut Problems<'_>) -> Option<Vec<SignedReport<'b>>> {
    let mut reports = Vec::with_capacity(items.len());
    for (number, item) in (1_u64..).zip(items) {
        match telemetry::decode(item.bytes()) {
            Ok(report) => reports.push(report),
            Err(error) => {
                let says = format_args!("report {number} of the evidence is refused: {error}");
                problems.add(Rule::EvidenceForm, says);
                return None;
            }
        }
    }
    Some(reports)
}

fn by_hand<'b>(items: &[Item<'b>], problems: &mut Problems<'_>) -> Option<Vec<&'b [u8]>> {
    let envelope = |item: &Item<'b>| match item {
        Item::Hand(envelope) => Some(*envelope),
        Item::Report(_) => None,
    };
    let envelopes: Option<Vec<_>> = items.iter().map(envelope).collect();
    if envelopes.is_none() {
        problems.add(Rule::EvidenceForm, "a report stands among the entries by hand");
    }
    envelopes
}

/// Checks all that needs the registry that was in force: signatures, span, volume and doubts.
pub(crate) fn check(
    record: &Record,
    facts: &WateringFacts,
    outlet: &Outlet,
    pieces: &[(&Evidence, Piece<'_>)],
    chains: &mut Chains,
    problems: &mut Problems<'_>,
) {
    let mut readings: BTreeMap<&MeterCode, Vec<Reading>> = BTreeMap::new();
    for (named, piece) in pieces {
        // A meter that the registry does not know is a finding of the judgement.
        let Some(registered) = record.meters().get(&named.meter) else { return };
        let found = match piece {
            Piece::Reports(reports) => {
                check_reports(facts, named, registered, reports, chains, problems)
            }
            Piece::ByHand(envelopes) => check_by_hand(record, named, envelopes, chains, problems),
        };
        let Some(found) = found else { return };
        readings.entry(&named.meter).or_default().extend(found);
    }
    if chains.reports() > MAX_REPORTS {
        let says = format_args!("the log's evidence holds more than {MAX_REPORTS} reports");
        problems.add(Rule::TooManyReports, says);
    }
    let meters = readings.into_iter().filter_map(|(meter, readings)| {
        let meter = &record.meters().get(meter)?.meter;
        Some(MeterReadings { meter, tables: record.tables(), readings })
    });
    let volume = CumulativeVolume::new(meters);
    match volume.between(facts.start, facts.end, outlet.gap_tolerance_seconds) {
        Ok(measured) => check_measured(facts, &measured, problems),
        Err(error @ (MeasurementError::NotBefore(_) | MeasurementError::NotAfter(_))) => {
            problems.add(Rule::EvidenceSpan, error);
        }
        Err(error) => {
            problems.add(Rule::Volume, format_args!("the reports give no volume: {error}"));
        }
    }
}

/// Signatures, chain over all evidence, kind and span of one meter's reports; their readings.
fn check_reports(
    facts: &WateringFacts,
    named: &Evidence,
    registered: &RegistryMeter,
    reports: &[SignedReport<'_>],
    chains: &mut Chains,
    problems: &mut Problems<'_>,
) -> Option<Vec<Reading>> {
    for signed in reports {
        if let Err(error) = evidence::check_report(registered, signed) {
            problems.add(rule_of(&error), error);
            return None;
        }
    }
    if let Err(says) = chains.enter(&named.meter, reports) {
        problems.add(Rule::ReportFork, says);
    }
    let read = reports.iter().map(|signed| evidence::readings(signed.report()));
    let readings: Vec<Vec<Reading>> = match read.collect() {
        Ok(readings) => readings,
        Err(error) => {
            problems.add(rule_of(&error), error);
            return None;
        }
    };
    let meter = &registered.meter;
    let start = facts.start.max(meter.installed_at);
    let end = meter.removed_at.map_or(facts.end, |removed| removed.min(facts.end));
    check_span(start, end, &readings, problems);
    Some(readings.into_iter().flatten().collect())
}

const fn rule_of(error: &ReportError) -> Rule {
    match error {
        ReportError::NoKey(_) | ReportError::Signature { .. } => Rule::ReportSignature,
        ReportError::Kind { .. } => Rule::EvidenceMeter,
        ReportError::Time { .. } => Rule::ReadingTime,
    }
}

/// Signatures and meter of the entries by hand; their readings.
fn check_by_hand(
    record: &Record,
    named: &Evidence,
    envelopes: &[&[u8]],
    chains: &mut Chains,
    problems: &mut Problems<'_>,
) -> Option<Vec<Reading>> {
    let mut all = Vec::new();
    for (number, envelope) in (named.first_report..).zip(envelopes) {
        match evidence::hand_readings(record.directory(), envelope) {
            Ok((entry, _)) if entry.meter != named.meter => {
                let says = format_args!("entry {number} by hand is of meter {}", entry.meter);
                problems.add(Rule::EvidenceMeter, says);
                return None;
            }
            Ok((_, readings)) => all.extend(readings),
            Err(error) => {
                let says = format_args!("entry {number} by hand does not count: {error}");
                problems.add(Rule::ReportSignature, says);
                return None;
            }
        }
    }
    if let Err(says) = chains.enter_by_hand(&named.meter, named.first_report, envelopes) {
        problems.add(Rule::ReportFork, says);
    }
    Some(all)
}

fn check_meter(piece: &Evidence, reports: &[SignedReport<'_>], problems: &mut Problems<'_>) {
    let other =
        reports.iter().map(SignedReport::report).find(|r| r.meter.as_str() != piece.meter.as_str());
    if let Some(telemetry::Report { meter, seq, .. }) = other {
        let says = format_args!("report {seq} is of meter {meter} and not of {}", piece.meter);
        problems.add(Rule::EvidenceMeter, says);
    }
}

fn check_count(piece: &Evidence, items: usize, problems: &mut Problems<'_>) {
    let (first, last) = (piece.first_report, piece.last_report);
    let due = last.checked_sub(first).and_then(|gap| gap.checked_add(1));
    if due.is_none() || due != u64::try_from(items).ok() {
        let says =
            format_args!("the evidence holds {items} reports for the numbers {first} to {last}");
        problems.add(Rule::ReportSequence, says);
    }
}

fn check_sequence(piece: &Evidence, reports: &[SignedReport<'_>], problems: &mut Problems<'_>) {
    let wrong =
        (piece.first_report..).zip(reports).find(|(due, signed)| signed.report().seq != *due);
    if let Some((due, signed)) = wrong {
        let says = format_args!("report {} stands where report {due} is due", signed.report().seq);
        problems.add(Rule::ReportSequence, says);
    }
}

fn check_chain(reports: &[SignedReport<'_>], problems: &mut Problems<'_>) {
    let broken = reports
        .iter()
        .zip(reports.iter().skip(1))
        .find(|(before, report)| report.report().previous != before.chain_hash());
    if let Some((before, report)) = broken {
        let says = format_args!(
            "report {} does not carry the hash of report {}",
            report.report().seq,
            before.report().seq
        );
        problems.add(Rule::ReportChain, says);
    }
}

/// Neither the first nor the last report is there without need. That they reach far enough, V(t) tells.
fn check_span(
    start: Timestamp,
    end: Timestamp,
    readings: &[Vec<Reading>],
    problems: &mut Problems<'_>,
) {
    // By measured time, for a clock may have been set back between two reports.
    if let [first, second, ..] = readings {
        let latest_first = first.iter().map(|reading| reading.at).max();
        let by_start = second.iter().map(|reading| reading.at).filter(|at| *at <= start).max();
        if latest_first < Some(start) && by_start.is_some() && by_start >= latest_first {
            let says =
                format_args!("the first report is not needed: the second reaches back to {start}");
            problems.add(Rule::EvidenceSpan, says);
        }
    }
    if let [.., before, last] = readings
        && let Some(earliest_last) = last.iter().map(|reading| reading.at).min()
        && let Some(from_end) =
            before.iter().map(|reading| reading.at).filter(|at| *at >= end).min()
        && earliest_last > end
        && from_end <= earliest_last
    {
        let says = format_args!("the last report is not needed: the one before it reaches {end}");
        problems.add(Rule::EvidenceSpan, says);
    }
}

fn check_measured(facts: &WateringFacts, measured: &Measured, problems: &mut Problems<'_>) {
    let figures = [
        ("V(t0)", facts.at_start_litres, measured.at_start),
        ("V(t1)", facts.at_end_litres, measured.at_end),
        ("the volume", facts.volume_litres, measured.volume),
    ];
    for (what, stated, computed) in figures {
        if stated != computed {
            let (stated, computed) = (stated.get(), computed.get());
            let says =
                format_args!("{what} is stated as {stated} litres, the reports give {computed}");
            problems.add(Rule::Volume, says);
        }
    }
    if facts.doubts != measured.doubts {
        let says = format_args!(
            "the stated doubts are {:?}, the reports give {:?}",
            facts.doubts, measured.doubts
        );
        problems.add(Rule::Doubts, says);
    }
}
