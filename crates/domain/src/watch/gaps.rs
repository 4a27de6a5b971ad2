//! The sequence and the chain of a meter's reports: which are missing, and which do not follow the one before.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Ranges of missing reports that are told apart for one meter; the last one takes in what lies beyond.
pub const MAX_GAPS: usize = 32;
/// Broken links that are remembered for one meter, the newest.
pub const MAX_BREAKS: usize = 32;
/// Length of a link, in bytes.
pub const LINK_BYTES: usize = 16;

/// A report's place in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Its sequence number.
    pub seq: u64,
    /// When its first reading was taken.
    pub at: Timestamp,
    /// The hash of the report before, as this one says.
    pub previous: [u8; LINK_BYTES],
    /// Its own hash, as the next one should say.
    pub own: [u8; LINK_BYTES],
}

impl Link {
    /// Whether it follows the report with the hash `before`.
    pub(super) fn follows(&self, before: [u8; LINK_BYTES]) -> bool {
        self.previous == before
    }
}

/// Missing sequence numbers as ascending ranges, both ends included.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Gaps(Vec<(u64, u64)>);

impl Gaps {
    pub(super) fn ranges(&self) -> &[(u64, u64)] {
        &self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn contains(&self, seq: u64) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&seq))
    }

    /// Adds a range behind all others.
    pub(super) fn push(&mut self, first: u64, last: u64) {
        let full = self.0.len() >= MAX_GAPS;
        match self.0.last_mut() {
            Some(end) if full => end.1 = last,
            _ => self.0.push((first, last)),
        }
    }

    /// A report that was missing is there.
    pub(super) fn fill(&mut self, seq: u64) {
        let found = self.0.iter().position(|(first, last)| (*first..=*last).contains(&seq));
        let Some((place, (first, last))) = found.and_then(|at| Some((at, *self.0.get(at)?))) else {
            return;
        };
        let before = (first < seq).then(|| (first, seq.saturating_sub(1)));
        let after = (seq < last).then(|| (seq.saturating_add(1), last));
        let parts: Vec<(u64, u64)> = [before, after].into_iter().flatten().collect();
        // A range that cannot be told apart any more stays whole until others are filled.
        if self.0.len() + parts.len() <= MAX_GAPS + 1 {
            self.0.splice(place..=place, parts);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_filled_from_either_end_and_from_within() {
        let mut gaps = Gaps::default();
        gaps.push(3, 7);
        gaps.push(10, 10);
        for seq in [3, 5, 7, 99] {
            gaps.fill(seq);
        }
        assert_eq!(gaps.ranges(), [(4, 4), (6, 6), (10, 10)]);
        for seq in [10, 4, 6] {
            gaps.fill(seq);
        }
        assert!(gaps.is_empty());
    }

    #[test]
    fn the_last_range_takes_in_what_is_too_much_and_gives_it_back() {
        let mut gaps = Gaps::default();
        let most = u64::try_from(MAX_GAPS).unwrap();
        for n in 1..=most + 5 {
            gaps.push(n * 10, n * 10);
        }
        assert_eq!(gaps.ranges().len(), MAX_GAPS);
        assert!((1..=most + 5).all(|n| gaps.contains(n * 10)));
        // Those between are there: each look fills what it can.
        for _ in 0..most {
            for seq in (10..=(most + 5) * 10).filter(|seq| seq % 10 != 0) {
                gaps.fill(seq);
            }
            gaps.fill(gaps.ranges()[0].0);
        }
        assert!(gaps.ranges().iter().all(|(first, last)| first == last), "{gaps:?}");
    }
}
