//! What truly came out at one outlet up to an instant.

use super::source::Rate;
use super::{Opening, Source};
use crate::scenario::MINUTE_MS;

/// The truth at an instant. Both sums count from the scenario's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Truth {
    pub(crate) ml_per_s: i64,
    pub(crate) microlitres: i64,
    pub(crate) millijoules: i64,
}

/// An outlet's water in order of time. Between two whole minutes the flow goes straight from one value to the other,
/// so each minute's volume is a trapezoid and exact.
#[derive(Debug, Clone)]
pub(crate) struct Outflow {
    source: Source,
    /// By start; those up to `next` were looked at.
    openings: Vec<Opening>,
    next: usize,
    active: Vec<Opening>,
    from_ms: i64,
    to_ms: i64,
    from: Rate,
    to: Rate,
    /// The sums at `from_ms`.
    microlitres: i64,
    millijoules: i64,
}

impl Outflow {
    /// Dry at first.
    pub(crate) fn new(source: Source, mut openings: Vec<Opening>, start_ms: i64) -> Self {
        openings.sort_by_key(|opening| opening.start_ms);
        let minute_ms = start_ms.div_euclid(MINUTE_MS) * MINUTE_MS;
        Self {
            source,
            openings,
            next: 0,
            active: Vec::new(),
            from_ms: minute_ms,
            to_ms: minute_ms,
            from: Rate::default(),
            to: Rate::default(),
            microlitres: 0,
            millijoules: 0,
        }
    }

    /// The truth at an instant that is not before the last one asked for.
    pub(crate) fn at(&mut self, at_ms: i64) -> Truth {
        while self.to_ms < at_ms {
            self.step();
        }
        let span_ms = (self.to_ms - self.from_ms).max(1);
        let into_ms = (at_ms - self.from_ms).clamp(0, span_ms);
        let now = |from: i64, to: i64| from + (to - from) * into_ms / span_ms;
        let (ml_per_s, watts) =
            (now(self.from.ml_per_s, self.to.ml_per_s), now(self.from.watts, self.to.watts));
        Truth {
            ml_per_s,
            microlitres: self.microlitres + trapezoid(self.from.ml_per_s, ml_per_s, into_ms),
            millijoules: self.millijoules + trapezoid(self.from.watts, watts, into_ms),
        }
    }

    fn step(&mut self) {
        let span_ms = self.to_ms - self.from_ms;
        self.microlitres += trapezoid(self.from.ml_per_s, self.to.ml_per_s, span_ms);
        self.millijoules += trapezoid(self.from.watts, self.to.watts, span_ms);
        self.from_ms = self.to_ms;
        self.from = self.to;
        self.to_ms = self.next_minute();
        while let Some(opening) = self.openings.get(self.next)
            && opening.start_ms <= self.to_ms
        {
            self.active.push(*opening);
            self.next += 1;
        }
        let lingers_ms = self.source.lingers_ms();
        self.active.retain(|opening| self.to_ms <= opening.end_ms + lingers_ms);
        self.to = self.source.at_minute(self.to_ms, &self.active);
    }

    /// A minute on; where nothing flows, the minute in which the next opening starts.
    fn next_minute(&self) -> i64 {
        let next_ms = self.from_ms + MINUTE_MS;
        let still = self.active.is_empty() && self.source.dry() && self.from == Rate::default();
        if !still {
            return next_ms;
        }
        match self.openings.get(self.next) {
            Some(opening) => next_ms.max(opening.start_ms.div_euclid(MINUTE_MS) * MINUTE_MS),
            None => i64::MAX,
        }
    }
}

/// Microlitres of a flow, or millijoules of a power, that goes straight from one value to another.
const fn trapezoid(from: i64, to: i64, span_ms: i64) -> i64 {
    if from == 0 && to == 0 { 0 } else { (from + to) * span_ms / 2 }
}
