//! When water runs, and when a little of it never stops.

use serde::{Deserialize, Serialize};

use super::finding::{Findings, FlowSpan};
use super::thresholds::MILLIS_PER_HOUR;
use super::{Interval, Thresholds};
use crate::{Litres, Timestamp};

/// An interval longer than this says nothing about whether water flowed without a pause.
const LONGEST_TELLING_MILLIS: i64 = 6 * MILLIS_PER_HOUR;
/// A leak is judged by the hour, so that a coarse register's single steps make a flow.
const LEAK_WINDOW_MILLIS: i64 = MILLIS_PER_HOUR;

/// Water that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Run {
    from: Timestamp,
    /// The end of the last interval in which enough flowed.
    to: Timestamp,
    /// How much from `from` to `to`.
    litres: Litres,
    /// What has trickled since.
    after: Litres,
    /// Whether it was told of.
    told: bool,
}

/// Water that has flowed within the bounds of a leak, hour after hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Trickle {
    /// Since when.
    since: Option<Timestamp>,
    /// How much since then, without the hour under way.
    litres: Litres,
    /// When the hour under way began.
    window_from: Option<Timestamp>,
    /// How much in it.
    window_litres: Litres,
}

/// What the last full hour said of a leak.
pub(super) enum Leak {
    /// Nothing yet: the hour is not full.
    Untold,
    /// No leak.
    No,
    /// It went on long enough to be called one.
    Yes { since: Timestamp, litres: Litres },
}

/// Takes one interval; `run` is what runs, if anything.
pub(super) fn follow(
    run: &mut Option<Run>,
    interval: &Interval,
    thresholds: &Thresholds,
    findings: &mut Findings,
) {
    let litres = interval.litres.unwrap_or(Litres::ZERO);
    let flows = at_least(interval, thresholds.flow_starts_millilitres_per_second);
    let patience = thresholds.flow_ends_after_millis();
    if let Some(known) = run {
        if flows && interval.from.millis() - known.to.millis() < patience {
            known.litres = known.litres + known.after + litres;
            known.after = Litres::ZERO;
            known.to = interval.to;
            tell(known, true, thresholds, findings);
            return;
        }
        known.after = known.after + litres;
        if !flows && interval.to.millis() - known.to.millis() < patience {
            return;
        }
        tell(known, false, thresholds, findings);
        *run = None;
    }
    if flows {
        let (from, to) = (interval.from, interval.to);
        let new = run.insert(Run { from, to, litres, after: Litres::ZERO, told: false });
        tell(new, true, thresholds, findings);
    }
}

fn tell(run: &mut Run, running: bool, thresholds: &Thresholds, findings: &mut Findings) {
    if run.litres.get() >= thresholds.turn_least_litres {
        let first = !run.told;
        run.told = true;
        findings.flow(FlowSpan { from: run.from, to: run.to, litres: run.litres, running, first });
    }
}

impl Trickle {
    /// Takes one interval.
    pub(super) fn follow(&mut self, interval: &Interval, thresholds: &Thresholds) -> Leak {
        let telling = interval.to.millis() - interval.from.millis() <= LONGEST_TELLING_MILLIS;
        let (Some(litres), true) = (interval.litres, telling) else {
            *self = Self::default();
            return Leak::No;
        };
        let from = *self.window_from.get_or_insert(interval.from);
        self.window_litres = self.window_litres + litres;
        if interval.to.millis() - from.millis() < LEAK_WINDOW_MILLIS {
            return Leak::Untold;
        }
        let hour =
            Interval { from, to: interval.to, litres: Some(self.window_litres), trouble: None };
        if !at_least(&hour, thresholds.leak_least_millilitres_per_second)
            || at_least(&hour, thresholds.leak_most_millilitres_per_second)
        {
            *self = Self::default();
            return Leak::No;
        }
        let since = *self.since.get_or_insert(from);
        self.litres = self.litres + self.window_litres;
        (self.window_from, self.window_litres) = (None, Litres::ZERO);
        if interval.to.millis() - since.millis() < thresholds.leak_after_millis() {
            return Leak::Untold;
        }
        Leak::Yes { since, litres: self.litres }
    }

    pub(super) fn is_still(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether at least so much flowed over the interval.
fn at_least(interval: &Interval, millilitres_per_second: i64) -> bool {
    let millis = i128::from(interval.to.millis()) - i128::from(interval.from.millis());
    let litres = i128::from(interval.litres.unwrap_or(Litres::ZERO).get());
    // One litre in a millisecond is a million millilitres in a second.
    millis > 0 && litres * 1_000_000 >= i128::from(millilitres_per_second) * millis
}
