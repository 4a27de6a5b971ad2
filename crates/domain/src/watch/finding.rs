//! What a step of the watch found, folded so that a batch of reports gives few of them.

use super::{AlarmKind, Cause};
use crate::{Litres, Timestamp};

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// An alarm's cause was seen, for the first time or again.
    Seen(Sighting),
    /// What an alarm was about is over.
    Over {
        /// The kind of alarm.
        kind: AlarmKind,
        /// By when.
        at: Timestamp,
    },
    /// Water ran.
    Flow(FlowSpan),
}

/// An alarm's cause, seen once or several times in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// What was seen last.
    pub cause: Cause,
    /// Since when.
    pub since: Timestamp,
    /// Up to when.
    pub last_at: Timestamp,
    /// In how many reports, readings or hours; 0 tells more of what was counted before, and raises nothing.
    pub times: u32,
}

/// Water that ran from an instant on, so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowSpan {
    /// From when; tells one meter's spans apart.
    pub from: Timestamp,
    /// Up to when it ran.
    pub to: Timestamp,
    /// How much from the one to the other.
    pub litres: Litres,
    /// Whether it still runs, as far as the readings go.
    pub running: bool,
    /// Whether it is told for the first time.
    pub first: bool,
}

/// The findings of one step, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// The findings in order.
    pub fn into_vec(self) -> Vec<Finding> {
        self.0
    }

    /// Adds a sighting; one that continues the last of its kind is folded into it.
    pub fn seen(&mut self, new: Sighting) {
        let kind = new.cause.kind();
        let last = self.0.iter_mut().rev().find(|finding| finding.kind() == Some(kind));
        if let Some(Finding::Seen(known)) = last {
            known.since = known.since.min(new.since);
            known.last_at = known.last_at.max(new.last_at);
            known.times = known.times.saturating_add(new.times);
            known.cause = new.cause;
        } else {
            self.0.push(Finding::Seen(new));
        }
    }

    pub(super) fn over(&mut self, kind: AlarmKind, at: Timestamp) {
        self.0.push(Finding::Over { kind, at });
    }

    /// Adds a span; what was said of the same span before is replaced.
    pub(super) fn flow(&mut self, new: FlowSpan) {
        let known = self.0.iter_mut().find_map(|finding| match finding {
            Finding::Flow(span) if span.from == new.from => Some(span),
            _ => None,
        });
        match known {
            Some(span) => *span = FlowSpan { first: span.first || new.first, ..new },
            None => self.0.push(Finding::Flow(new)),
        }
    }
}

impl Finding {
    /// The kind of alarm that it concerns.
    pub const fn kind(&self) -> Option<AlarmKind> {
        match self {
            Self::Seen(sighting) => Some(sighting.cause.kind()),
            Self::Over { kind, .. } => Some(*kind),
            Self::Flow(_) => None,
        }
    }
}
