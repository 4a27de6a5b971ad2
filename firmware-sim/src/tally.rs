//! How many of a meter's reports are through, in a few bytes: numbers are dense but for what is under way.

use std::collections::BTreeSet;

/// A set of sequence numbers: all up to one, and some beyond.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Numbers {
    through: u64,
    beyond: BTreeSet<u64>,
}

impl Numbers {
    /// Whether the number was news.
    pub(crate) fn insert(&mut self, seq: u64) -> bool {
        if self.contains(seq) {
            return false;
        }
        self.beyond.insert(seq);
        while self.beyond.first() == Some(&self.through.saturating_add(1)) {
            self.beyond.pop_first();
            self.through += 1;
        }
        true
    }

    pub(crate) fn contains(&self, seq: u64) -> bool {
        seq <= self.through || self.beyond.contains(&seq)
    }

    pub(crate) fn len(&self) -> usize {
        usize::try_from(self.through).unwrap_or(usize::MAX).saturating_add(self.beyond.len())
    }
}

/// A meter's acknowledged and receipted reports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) acknowledged: Numbers,
    pub(crate) receipted: Numbers,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_counted_once_in_any_order() {
        let mut numbers = Numbers::default();
        let news: Vec<bool> = [2, 1, 1, 5, 3, 2, 4].map(|seq| numbers.insert(seq)).into();
        assert_eq!(news, [true, true, false, true, true, false, true]);
        assert_eq!(numbers, Numbers { through: 5, beyond: BTreeSet::new() });
        assert!(numbers.contains(5) && !numbers.contains(6));
        assert_eq!(numbers.len(), 5);
    }
}
