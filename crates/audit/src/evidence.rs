//! A watering's evidence: the signed reports, and what they come to.
//!
//! All of it can be checked ahead of the entry's turn, by the registry and the keys that are known then ([`Ground`]).
//! If they have changed by the time the entry is judged, it is checked again.

use std::collections::BTreeMap;

use disclosure::directory::Directory;
use disclosure::merkle::{Hash, leaf_hash, root_of};
use disclosure::record::Record;
use disclosure::statement::{Evidence, Origin, RegistryMeter, WateringFacts};
use domain::measurement::{CumulativeVolume, Measured, MeasurementError, MeterReadings, Reading};
use domain::rating::RatingTable;
use domain::scale::Scale;
use domain::{MeterCode, TableId, Timestamp};
use evidence::{Item, ReportError};
use telemetry::SignedReport;

use crate::chains::{Links, Tagger};
use crate::files::read_attachment;
use crate::finding::{Finding, Findings, Place, Rule};
use crate::source::Source;

/// The most different reports that all evidence of a log may hold together.
pub const MAX_REPORTS: u64 = 64_000_000;

/// What one watering's evidence is judged by.
#[derive(Debug)]
pub(crate) struct Ground {
    /// [`Record::ground`] when it was taken.
    pub(crate) number: u64,
    meters: BTreeMap<MeterCode, RegistryMeter>,
    tables: BTreeMap<TableId, RatingTable>,
    /// Empty unless there are entries by hand.
    directory: Directory,
    gap_tolerance_seconds: u32,
}

impl Ground {
    /// None where the registry does not know the outlet or a meter, which is a finding of the judgement.
    pub(crate) fn of(record: &Record, facts: &WateringFacts) -> Option<Self> {
        let outlet = record.outlets().get(&facts.outlet)?;
        let meter = |piece: &Evidence| {
            let registered = record.meters().get(&piece.meter)?;
            Some((piece.meter.clone(), registered.clone()))
        };
        let meters: BTreeMap<MeterCode, RegistryMeter> =
            facts.evidence.iter().map(meter).collect::<Option<_>>()?;
        let dated = meters.values().flat_map(|registered| match &registered.meter.scale {
            Scale::Stage { tables } => tables.as_slice(),
            Scale::Register { .. } | Scale::Energy { .. } => &[],
        });
        let tables = dated.filter_map(|dated| record.tables().get_key_value(&dated.table));
        let by_hand = facts.evidence.iter().any(|piece| piece.origin == Origin::Manual);
        Some(Self {
            number: record.ground(),
            tables: tables.map(|(id, table)| (id.clone(), table.clone())).collect(),
            meters,
            directory: if by_hand { record.directory().clone() } else { Directory::default() },
            gap_tolerance_seconds: outlet.gap_tolerance_seconds,
        })
    }
}

/// What was found in one watering's evidence.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// What is wrong with its form, whatever the registry says.
    pub(crate) form: Vec<Finding>,
    /// What is wrong by the registry.
    pub(crate) substance: Vec<Finding>,
    /// The pieces whose signatures hold.
    pub(crate) links: Vec<Links>,
}

/// Gathers what is wrong with one entry's evidence.
struct Problems {
    entry: u64,
    findings: Findings,
}

impl Problems {
    fn new(entry: u64) -> Self {
        Self { entry, findings: Findings::of_one() }
    }

    fn add(&mut self, rule: Rule, says: impl core::fmt::Display) {
        self.findings.add(Place::Entry(self.entry), rule, says);
    }
}

/// Checks the evidence of the watering at entry `index`: its form, and where there is a ground signatures, span, volume
/// and doubts.
pub(crate) fn check(
    source: &impl Source,
    index: u64,
    facts: &WateringFacts,
    ground: Option<&Ground>,
    tagger: Tagger,
) -> Checked {
    let (mut form, mut substance) = (Problems::new(index), Problems::new(index));
    let mut links = Vec::new();
    let mut readings: BTreeMap<&MeterCode, Vec<Reading>> = BTreeMap::new();
    let mut whole = true;
    for named in &facts.evidence {
        // One piece after the other, for each may be as long as an attachment may be.
        let bytes = read_attachment(source, index, &named.reports, &mut form.findings);
        let piece = bytes.as_deref().and_then(|bytes| read(named, bytes, &mut form));
        let found = piece.zip(ground).and_then(|(piece, ground)| {
            let registered = ground.meters.get(&named.meter)?;
            match piece {
                Piece::Reports(reports) => {
                    check_reports(facts, registered, &reports, &mut substance)
                        .map(|readings| (readings, links_of(named, &reports, tagger)))
                }
                Piece::ByHand(envelopes) => {
                    check_by_hand(&ground.directory, named, &envelopes, &mut substance)
                        .map(|readings| (readings, links_by_hand(named, &envelopes, tagger)))
                }
            }
        });
        match found {
            Some((found, of_piece)) => {
                links.push(of_piece);
                readings.entry(&named.meter).or_default().extend(found);
            }
            None => whole = false,
        }
    }
    if let Some(ground) = ground.filter(|_| whole) {
        check_volume(facts, ground, readings, &mut substance);
    }
    let (form, substance) = (form.findings.into_kept(), substance.findings.into_kept());
    Checked { form, substance, links }
}

fn links_of(named: &Evidence, reports: &[SignedReport<'_>], tagger: Tagger) -> Links {
    let first = reports.first();
    Links {
        meter: named.meter.clone(),
        first: first.map_or(named.first_report, |signed| signed.report().seq),
        previous: first.map(|signed| tagger.tag(&signed.report().previous.0)),
        tags: reports.iter().map(|signed| tagger.tag(&signed.chain_hash().0)).collect(),
    }
}

fn links_by_hand(named: &Evidence, envelopes: &[&[u8]], tagger: Tagger) -> Links {
    Links {
        meter: named.meter.clone(),
        first: named.first_report,
        previous: None,
        tags: envelopes.iter().map(|envelope| tagger.tag(Hash::of(envelope).as_bytes())).collect(),
    }
}

fn check_volume(
    facts: &WateringFacts,
    ground: &Ground,
    readings: BTreeMap<&MeterCode, Vec<Reading>>,
    problems: &mut Problems,
) {
    let meters = readings.into_iter().filter_map(|(meter, readings)| {
        let meter = &ground.meters.get(meter)?.meter;
        Some(MeterReadings { meter, tables: &ground.tables, readings })
    });
    let volume = CumulativeVolume::new(meters);
    match volume.between(facts.start, facts.end, ground.gap_tolerance_seconds) {
        Ok(measured) => check_measured(facts, &measured, problems),
        Err(error @ (MeasurementError::NotBefore(_) | MeasurementError::NotAfter(_))) => {
            problems.add(Rule::EvidenceSpan, error);
        }
        Err(error) => {
            problems.add(Rule::Volume, format_args!("the reports give no volume: {error}"));
        }
    }
}

/// What a piece of evidence holds.
enum Piece<'b> {
    /// Reports, signed by the meter or for it.
    Reports(Vec<SignedReport<'b>>),
    /// Envelopes with readings by hand.
    ByHand(Vec<&'b [u8]>),
}

/// Splits a piece of evidence into its items and checks all that needs no registry: their form, their meter,
/// their sequence, their chain and the root over them. `None` where they cannot be told apart.
fn read<'b>(piece: &Evidence, bytes: &'b [u8], problems: &mut Problems) -> Option<Piece<'b>> {
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

fn reports<'b>(items: &[Item<'b>], problems: &mut Problems) -> Option<Vec<SignedReport<'b>>> {
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

fn by_hand<'b>(items: &[Item<'b>], problems: &mut Problems) -> Option<Vec<&'b [u8]>> {
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

/// Signatures, kind and span of one meter's reports; their readings.
fn check_reports(
    facts: &WateringFacts,
    registered: &RegistryMeter,
    reports: &[SignedReport<'_>],
    problems: &mut Problems,
) -> Option<Vec<Reading>> {
    if let Err(error) = evidence::check_reports(registered, reports) {
        problems.add(rule_of(&error), error);
        return None;
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
    directory: &Directory,
    named: &Evidence,
    envelopes: &[&[u8]],
    problems: &mut Problems,
) -> Option<Vec<Reading>> {
    let mut all = Vec::new();
    for (number, envelope) in (named.first_report..).zip(envelopes) {
        match evidence::hand_readings(directory, envelope) {
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
    Some(all)
}

fn check_meter(piece: &Evidence, reports: &[SignedReport<'_>], problems: &mut Problems) {
    let other =
        reports.iter().map(SignedReport::report).find(|r| r.meter.as_str() != piece.meter.as_str());
    if let Some(telemetry::Report { meter, seq, .. }) = other {
        let says = format_args!("report {seq} is of meter {meter} and not of {}", piece.meter);
        problems.add(Rule::EvidenceMeter, says);
    }
}

fn check_count(piece: &Evidence, items: usize, problems: &mut Problems) {
    let (first, last) = (piece.first_report, piece.last_report);
    let due = last.checked_sub(first).and_then(|gap| gap.checked_add(1));
    if due.is_none() || due != u64::try_from(items).ok() {
        let says =
            format_args!("the evidence holds {items} reports for the numbers {first} to {last}");
        problems.add(Rule::ReportSequence, says);
    }
}

fn check_sequence(piece: &Evidence, reports: &[SignedReport<'_>], problems: &mut Problems) {
    let wrong =
        (piece.first_report..).zip(reports).find(|(due, signed)| signed.report().seq != *due);
    if let Some((due, signed)) = wrong {
        let says = format_args!("report {} stands where report {due} is due", signed.report().seq);
        problems.add(Rule::ReportSequence, says);
    }
}

fn check_chain(reports: &[SignedReport<'_>], problems: &mut Problems) {
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
    problems: &mut Problems,
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

fn check_measured(facts: &WateringFacts, measured: &Measured, problems: &mut Problems) {
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
