//! What the station should know of its meters without asking: alarms, missing reports, flowing water.
//!
//! A [`Watch`] is one meter's memory. It takes the meter's reports in the order of their sequence
//! numbers, each once, and says what it finds. It is small, is kept as JSON between two looks, and
//! depends on nothing but what it was given: the same reports give the same findings, however they are
//! cut into batches, and a report that was taken before changes nothing.
//!
//! The watch never goes back. A report that comes after later ones were taken closes its gap and is
//! judged as a link of the chain, but the flow that was told meanwhile stays as it was told: an
//! average over the gap. Nothing that is billed rests on it.

mod alarm;
mod finding;
mod flow;
mod gaps;
mod interval;
#[cfg(test)]
mod tests;
mod thresholds;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::measurement::{Doubts, Reading};
use crate::rating::RatingTable;
use crate::registry::Meter;
use crate::{TableId, Timestamp};

pub use alarm::{AlarmKind, Cause, Severity};
pub use finding::{Finding, Findings, FlowSpan, Sighting};
pub use gaps::{LINK_BYTES, Link, MAX_BREAKS, MAX_GAPS};
pub use interval::Interval;
pub use thresholds::{MAX_REBOOTS_PER_DAY, ThresholdError, Thresholds};

use flow::{Leak, Run, Trickle};
use gaps::Gaps;

const MILLIS_PER_DAY: i64 = 24 * thresholds::MILLIS_PER_HOUR;

/// What a meter can say of itself; what it does not say in a report is over.
pub const SIGNS: [AlarmKind; 4] = [
    AlarmKind::Tamper,
    AlarmKind::ReverseFlow,
    AlarmKind::LowBattery,
    AlarmKind::ClockNotSynchronised,
];

/// One report, as far as it is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Its place in the chain.
    pub link: Link,
    /// Its latest reading: when, and the value.
    pub last: (Timestamp, i64),
    /// How often the meter has started.
    pub boot: u32,
    /// What the meter said of itself: causes of the kinds in [`SIGNS`].
    pub signs: Vec<Cause>,
    /// What flowed since what was taken before, from [`Watch::intervals`].
    pub intervals: Vec<Interval>,
}

/// What is remembered of one meter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Watch {
    /// The last report taken.
    seq: u64,
    /// The last entry by hand looked at.
    #[serde(skip_serializing_if = "is_zero")]
    hand: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    own: Option<[u8; LINK_BYTES]>,
    #[serde(skip_serializing_if = "Gaps::is_empty")]
    gaps: Gaps,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    breaks: Vec<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    boot: Option<u32>,
    /// Restarts of the last day.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    restarts: Vec<Timestamp>,
    /// States that an alarm was raised for and that are not over.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    on: BTreeSet<AlarmKind>,
    /// The latest reading taken: when, and the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    tail: Option<(Timestamp, i64)>,
    /// The end of the last interval taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    horizon: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<Run>,
    #[serde(skip_serializing_if = "Trickle::is_still")]
    trickle: Trickle,
}

impl Watch {
    /// The last report taken; 0 before the first.
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// The last entry by hand looked at; 0 before the first.
    pub const fn hand(&self) -> u64 {
        self.hand
    }

    /// Remembers that entries by hand up to this one were looked at.
    pub fn take_hand(&mut self, seq: u64) {
        self.hand = self.hand.max(seq);
    }

    /// Missing reports as ascending ranges, both ends included; where there are more than
    /// [`MAX_GAPS`], the last range holds reports that are there as well.
    pub fn gaps(&self) -> &[(u64, u64)] {
        self.gaps.ranges()
    }

    /// Reports that do not follow the one before them, the newest [`MAX_BREAKS`].
    pub fn breaks(&self) -> &[u64] {
        &self.breaks
    }

    /// States that an alarm was raised for and that are not over.
    pub fn states(&self) -> impl Iterator<Item = AlarmKind> + '_ {
        self.on.iter().copied()
    }

    /// What flowed since the latest reading taken, by the next report's readings and by what the
    /// registry declares of the meter.
    pub fn intervals(
        &self,
        meter: &Meter,
        tables: &BTreeMap<TableId, RatingTable>,
        readings: &[Reading],
    ) -> Vec<Interval> {
        let tail = self.tail.map(|(at, value)| Reading { at, value, doubts: Doubts::NONE });
        interval::intervals(
            meter,
            tables,
            tail.into_iter().chain(readings.iter().copied()).collect(),
        )
    }

    /// Until when a report that came in at `received_at` waits for those missing before it; none when none is.
    pub fn waits_until(
        &self,
        seq: u64,
        received_at: Timestamp,
        thresholds: &Thresholds,
    ) -> Option<Timestamp> {
        let behind_a_gap = seq > self.seq.saturating_add(1);
        behind_a_gap.then(|| received_at.plus_millis(thresholds.missing_after_millis()))
    }

    /// Takes the next report. One that was taken before, or comes after later ones, changes nothing.
    pub fn take(
        &mut self,
        observation: &Observation,
        thresholds: &Thresholds,
        findings: &mut Findings,
    ) {
        if observation.link.seq <= self.seq {
            return;
        }
        self.take_link(&observation.link, findings);
        self.take_signs(observation, findings);
        self.take_boot(observation, thresholds, findings);
        self.take_flow(observation, thresholds, findings);
        if self.tail.is_none_or(|(at, _)| at <= observation.last.0) {
            self.tail = Some(observation.last);
        }
    }

    /// Looks at reports in and beside a gap, ascending: fills it with those that came, and judges
    /// the links that they make.
    pub fn fill(&mut self, links: &[Link], findings: &mut Findings) {
        for (before, link) in links.iter().zip(links.iter().skip(1)) {
            let neighbours = before.seq.checked_add(1) == Some(link.seq);
            let new = self.gaps.contains(before.seq) || self.gaps.contains(link.seq);
            if neighbours && new && !link.follows(before.own) {
                self.broken(link, findings);
            }
        }
        for link in links {
            self.gaps.fill(link.seq);
        }
        let Some(at) = links.iter().map(|link| link.at).max() else { return };
        match (self.gaps.ranges().first(), self.gaps.ranges().last()) {
            (Some((first, _)), Some((_, last))) => {
                // Known from the beginning, and not raised yet.
                if !self.on.contains(&AlarmKind::MissingReports) {
                    let cause = Cause::MissingReports { first: *first, last: *last };
                    self.seen(cause, at, at, findings);
                }
            }
            _ => self.over(AlarmKind::MissingReports, at, findings),
        }
    }

    /// Hears what a report that fills a gap says happened between its first reading and its last. The states that it
    /// tells of are over by then, or later reports have told them.
    pub fn hear_late(
        &mut self,
        signs: &[Cause],
        (first, last): (Timestamp, Timestamp),
        findings: &mut Findings,
    ) {
        for cause in signs.iter().filter(|cause| cause.kind().is_event()) {
            self.seen(cause.clone(), first, last, findings);
        }
    }

    fn take_link(&mut self, link: &Link, findings: &mut Findings) {
        let expected = self.seq.saturating_add(1);
        if link.seq > expected {
            let (first, last) = (expected, link.seq.saturating_sub(1));
            self.gaps.push(first, last);
            let first = self.gaps.ranges().first().map_or(first, |range| range.0);
            self.seen(Cause::MissingReports { first, last }, link.at, link.at, findings);
        } else if self.own.is_some_and(|own| !link.follows(own)) {
            self.broken(link, findings);
        }
        self.seq = link.seq;
        self.own = Some(link.own);
    }

    fn broken(&mut self, link: &Link, findings: &mut Findings) {
        if self.breaks.contains(&link.seq) {
            return;
        }
        if self.breaks.len() >= MAX_BREAKS {
            self.breaks.remove(0);
        }
        self.breaks.push(link.seq);
        self.breaks.sort_unstable();
        self.seen(Cause::ChainBroken { report: link.seq }, link.at, link.at, findings);
    }

    fn take_signs(&mut self, observation: &Observation, findings: &mut Findings) {
        let (from, to) = (observation.link.at, observation.last.0);
        for cause in &observation.signs {
            self.seen(cause.clone(), from, to, findings);
        }
        for kind in SIGNS {
            if !observation.signs.iter().any(|cause| cause.kind() == kind) {
                self.over(kind, from, findings);
            }
        }
    }

    fn take_boot(
        &mut self,
        observation: &Observation,
        thresholds: &Thresholds,
        findings: &mut Findings,
    ) {
        let at = observation.last.0;
        let restarted = self.boot.is_some_and(|boot| boot != observation.boot);
        // A counter that fell belongs to new electronics: one start.
        let times = self.boot.map_or(0, |boot| observation.boot.checked_sub(boot).unwrap_or(1));
        self.boot = Some(observation.boot);
        self.restarts.retain(|earlier| at.millis() - earlier.millis() < MILLIS_PER_DAY);
        let most = usize::try_from(MAX_REBOOTS_PER_DAY).unwrap_or(usize::MAX).saturating_add(1);
        for _ in 0..times {
            if self.restarts.len() >= most {
                break;
            }
            self.restarts.push(at);
        }
        let count = u32::try_from(self.restarts.len()).unwrap_or(u32::MAX);
        if i64::from(count) <= thresholds.reboots_per_day {
            self.over(AlarmKind::Reboots, at, findings);
        } else if restarted {
            let since = self.restarts.first().copied().unwrap_or(at);
            self.seen(Cause::Reboots { times: count }, since, at, findings);
        }
    }

    fn take_flow(
        &mut self,
        observation: &Observation,
        thresholds: &Thresholds,
        findings: &mut Findings,
    ) {
        let mut troubled = BTreeSet::new();
        let mut clean = None;
        for interval in &observation.intervals {
            if interval.to <= interval.from
                || self.horizon.is_some_and(|horizon| interval.from < horizon)
            {
                // An instant, as a declared reset is, or a clock that was set back.
                continue;
            }
            self.horizon = Some(interval.to);
            clean.get_or_insert(interval.from);
            if let Some(cause) = &interval.trouble {
                troubled.insert(cause.kind());
                self.seen(cause.clone(), interval.from, interval.to, findings);
            }
            flow::follow(&mut self.run, interval, thresholds, findings);
            match self.trickle.follow(interval, thresholds) {
                Leak::Untold => {}
                Leak::No => self.over(AlarmKind::LeakLike, interval.to, findings),
                Leak::Yes { since, litres } => {
                    self.seen(Cause::LeakLike { litres }, since, interval.to, findings);
                }
            }
        }
        // A whole report without it: a value that flickers is one alarm, not many.
        let Some(at) = clean else { return };
        for kind in [AlarmKind::AboveCapacity, AlarmKind::OutOfTable, AlarmKind::NoScale] {
            if !troubled.contains(&kind) {
                self.over(kind, at, findings);
            }
        }
    }

    fn seen(
        &mut self,
        cause: Cause,
        since: Timestamp,
        last_at: Timestamp,
        findings: &mut Findings,
    ) {
        let kind = cause.kind();
        if !kind.is_event() {
            self.on.insert(kind);
        }
        findings.seen(Sighting { cause, since, last_at, times: 1 });
    }

    fn over(&mut self, kind: AlarmKind, at: Timestamp, findings: &mut Findings) {
        if self.on.remove(&kind) {
            findings.over(kind, at);
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}
