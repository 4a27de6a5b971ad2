//! A watering's evidence: the meter's signed reports, and what they come to.

use std::collections::BTreeMap;

use disclosure::merkle::{leaf_hash, root_of};
use disclosure::statement::{RegistryMeter, WateringFacts};
use domain::measurement::{CumulativeVolume, Doubt, Doubts, Measured, Reading};
use domain::registry::{Meter, Outlet, Scale};
use domain::{MeterCode, Timestamp};
use telemetry::{ChainHash, Flags, Kind, Report, SignedReport, VerifyingKey};

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
}

/// Splits evidence into reports and checks all that needs no registry: their form, their meter,
/// their sequence, their chain and the root over them. `None` where they cannot be told apart.
pub(crate) fn read<'b>(
    facts: &WateringFacts,
    bytes: &'b [u8],
    problems: &mut Problems<'_>,
) -> Option<Vec<SignedReport<'b>>> {
    let pieces = match split(bytes) {
        Ok(pieces) => pieces,
        Err(position) => {
            let says = format_args!("no signed report stands at byte {position} of the evidence");
            problems.add(Rule::EvidenceForm, says);
            return None;
        }
    };
    let leaves: Vec<_> = pieces.iter().map(|piece| leaf_hash(piece)).collect();
    let root = root_of(&leaves);
    if root != facts.evidence.root {
        let says = format_args!(
            "the reports lead to the root {root} and the statement says {}",
            facts.evidence.root
        );
        problems.add(Rule::EvidenceRoot, says);
    }
    let mut reports = Vec::with_capacity(pieces.len());
    for (number, piece) in (1_u64..).zip(pieces) {
        match telemetry::decode(piece) {
            Ok(report) => reports.push(report),
            Err(error) => {
                let says = format_args!("report {number} of the evidence is refused: {error}");
                problems.add(Rule::EvidenceForm, says);
                return None;
            }
        }
    }
    check_meter(facts, &reports, problems);
    check_sequence(facts, &reports, problems);
    check_chain(&reports, problems);
    Some(reports)
}

/// Checks all that needs the registry that was in force: signatures, span, volume and doubts.
pub(crate) fn check(
    facts: &WateringFacts,
    reports: &[SignedReport<'_>],
    meter: &RegistryMeter,
    outlet: &Outlet,
    chains: &mut Chains,
    problems: &mut Problems<'_>,
) {
    check_signatures(facts, reports, meter, chains, problems);
    let Scale::Register { .. } = meter.meter.scale;
    if let Some(other) = reports.iter().map(SignedReport::report).find(|r| r.kind != Kind::Register)
    {
        let says = format_args!("report {} is not of a register: {:?}", other.seq, other.kind);
        return problems.add(Rule::EvidenceMeter, says);
    }
    let readings: Result<Vec<Vec<Reading>>, String> =
        reports.iter().map(|signed| readings(signed.report(), &meter.meter)).collect();
    let readings = match readings {
        Ok(readings) => readings,
        Err(says) => return problems.add(Rule::ReadingTime, says),
    };
    check_span(facts, &readings, problems);
    let measured = CumulativeVolume::new(meter.meter.scale, readings.into_iter().flatten())
        .and_then(|volume| volume.between(facts.start, facts.end, outlet.gap_tolerance_seconds));
    match measured {
        Ok(measured) => check_measured(facts, &measured, problems),
        Err(error) => {
            problems.add(Rule::Volume, format_args!("the reports give no volume: {error}"));
        }
    }
}

/// What a report's flags say against its readings; a low battery or a restart says nothing.
pub(crate) fn doubts_of(flags: Flags) -> Doubts {
    let mut doubts = Doubts::NONE;
    for (flag, doubt) in [
        (Flags::CLOCK_NOT_SYNCHRONISED, Doubt::ClockNotSynchronised),
        (Flags::TAMPER, Doubt::Tamper),
        (Flags::REVERSE_FLOW, Doubt::ReverseFlow),
    ] {
        if flags.contains(flag) {
            doubts = doubts.with(doubt);
        }
    }
    doubts
}

/// A report's readings as the rules see them; fails with the sequence number and what is wrong with
/// a reading from before the meter's installation or outside the years that are reckoned with.
pub(crate) fn readings(report: &Report, meter: &Meter) -> Result<Vec<Reading>, String> {
    let doubts = doubts_of(report.flags);
    let one = |reading: &telemetry::Reading| match Timestamp::from_millis(reading.at_ms) {
        Ok(at) if at >= meter.installed_at => Ok(Reading { at, value: reading.value, doubts }),
        Ok(at) => Err(format!(
            "report {} has a reading of {at}, before the meter's installation at {}",
            report.seq, meter.installed_at
        )),
        Err(error) => Err(format!("report {} has a reading whose {error}", report.seq)),
    };
    report.readings.iter().map(one).collect()
}

fn check_meter(facts: &WateringFacts, reports: &[SignedReport<'_>], problems: &mut Problems<'_>) {
    let other =
        reports.iter().map(SignedReport::report).find(|r| r.meter.as_str() != facts.meter.as_str());
    if let Some(Report { meter, seq, .. }) = other {
        let says = format_args!("report {seq} is of meter {meter} and not of {}", facts.meter);
        problems.add(Rule::EvidenceMeter, says);
    }
}

fn check_sequence(
    facts: &WateringFacts,
    reports: &[SignedReport<'_>],
    problems: &mut Problems<'_>,
) {
    let (first, last) = (facts.evidence.first_report, facts.evidence.last_report);
    let due = last.checked_sub(first).and_then(|gap| gap.checked_add(1));
    let found = u64::try_from(reports.len()).ok();
    if due.is_none() || due != found {
        let says = format_args!(
            "the evidence holds {} reports for the numbers {first} to {last}",
            reports.len()
        );
        problems.add(Rule::ReportSequence, says);
    }
    let wrong = (first..).zip(reports).find(|(due, signed)| signed.report().seq != *due);
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

/// Also enters the reports, once all are verified, into the meter's chain over all evidence.
fn check_signatures(
    facts: &WateringFacts,
    reports: &[SignedReport<'_>],
    meter: &RegistryMeter,
    chains: &mut Chains,
    problems: &mut Problems<'_>,
) {
    let Ok(key) = VerifyingKey::from_bytes(meter.device_key.as_bytes()) else {
        return problems.add(Rule::ReportSignature, "the meter's device key is not a key");
    };
    for signed in reports {
        if let Err(error) = signed.verify(&key) {
            let seq = signed.report().seq;
            let says = format_args!("report {seq} is not by the registry's device key: {error}");
            return problems.add(Rule::ReportSignature, says);
        }
    }
    if let Err(says) = chains.enter(&facts.meter, reports) {
        return problems.add(Rule::ReportFork, says);
    }
    if chains.reports() > MAX_REPORTS {
        let says = format_args!("the log's evidence holds more than {MAX_REPORTS} reports");
        problems.add(Rule::TooManyReports, says);
    }
}

/// The first report reaches back to t0 and the last one on to t1; neither is there without need.
fn check_span(facts: &WateringFacts, readings: &[Vec<Reading>], problems: &mut Problems<'_>) {
    let (start, end) = (facts.start, facts.end);
    let begins_by_start = |report: &[Reading]| report.iter().any(|reading| reading.at <= start);
    let reaches_end = |report: &[Reading]| report.iter().any(|reading| reading.at >= end);
    if !readings.first().is_some_and(|first| begins_by_start(first)) {
        problems.add(Rule::EvidenceSpan, format_args!("the first report begins after {start}"));
    }
    if !readings.last().is_some_and(|last| reaches_end(last)) {
        problems.add(Rule::EvidenceSpan, format_args!("the last report ends before {end}"));
    }
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

/// Splits a CBOR sequence (RFC 8742) of reports into its items; fails with the position of what is
/// not framed as one. Everything within an item is checked by [`telemetry::decode`].
///
/// ```text
/// d2 84  bstr  a0  bstr  bstr      tag 18, array of 4: header, empty map, report, signature
/// ```
fn split(bytes: &[u8]) -> Result<Vec<&[u8]>, usize> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let length = report_length(rest).ok_or(bytes.len() - rest.len())?;
        let (piece, after) = rest.split_at_checked(length).ok_or(bytes.len() - rest.len())?;
        pieces.push(piece);
        rest = after;
    }
    if pieces.is_empty() { Err(0) } else { Ok(pieces) }
}

fn report_length(bytes: &[u8]) -> Option<usize> {
    let rest = skip_byte_string(bytes.strip_prefix(&[0xd2, 0x84])?)?;
    let rest = skip_byte_string(rest.strip_prefix(&[0xa0])?)?;
    let rest = skip_byte_string(rest)?;
    Some(bytes.len() - rest.len())
}

/// What follows a byte string of at most 65,535 bytes (RFC 8949 §3.1, major type 2).
fn skip_byte_string(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = match bytes {
        [head @ 0x40..=0x57, rest @ ..] => (usize::from(head & 0x1f), rest),
        [0x58, length, rest @ ..] => (usize::from(*length), rest),
        [0x59, high, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
        _ => return None,
    };
    rest.get(length..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_a_sequence_where_its_items_end() {
        let one = [0xd2, 0x84, 0x41, 0x01, 0xa0, 0x40, 0x58, 0x02, 0x05, 0x06];
        let two = [0xd2, 0x84, 0x40, 0xa0, 0x59, 0x00, 0x01, 0x07, 0x41, 0x08];
        let sequence = [one.as_slice(), &two].concat();
        assert_eq!(split(&sequence), Ok(vec![one.as_slice(), &two]));
        for end in 1..sequence.len() {
            let at = if end < one.len() { 0 } else { one.len() };
            let whole = end == one.len();
            assert_eq!(split(&sequence[..end]).err(), (!whole).then_some(at), "{end}");
        }
    }

    #[test]
    fn rejects_what_is_not_framed_as_a_report() {
        for bytes in [&[][..], &[0xd2], &[0x84], &[0xd2, 0x84, 0x40, 0xa1], &[0xd2, 0x84, 0x5a]] {
            assert_eq!(split(bytes), Err(0));
        }
    }

    #[test]
    fn flags_become_doubts() {
        let flags = Flags::CLOCK_NOT_SYNCHRONISED.union(Flags::TAMPER).union(Flags::REBOOTED);
        let both = Doubts::NONE.with(Doubt::ClockNotSynchronised).with(Doubt::Tamper);
        assert_eq!(doubts_of(flags), both);
        assert_eq!(doubts_of(Flags::LOW_BATTERY.union(Flags::REBOOTED)), Doubts::NONE);
        assert_eq!(doubts_of(Flags::REVERSE_FLOW), Doubts::NONE.with(Doubt::ReverseFlow));
    }
}
