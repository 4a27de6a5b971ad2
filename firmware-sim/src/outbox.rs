//! The reports that no receipt covers yet, and when each is to be sent. No I/O and no clock: time is an argument.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use telemetry::MeterId;

use crate::dice::Dice;
use crate::faults::{FAULT_DELAY, Faults, Mishaps, Passage};

/// How often the resend interval doubles while no receipt comes: a broker that holds reports for a server that is down
/// must not be given each of them every few seconds.
pub(crate) const MAX_RESEND_DOUBLINGS: u32 = 4;

/// A report by meter and sequence number.
pub(crate) type Key = (MeterId, u64);

/// What is to be sent now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) key: Key,
    pub(crate) bytes: Bytes,
    /// 2 when the first try is to be doubled.
    pub(crate) copies: u8,
}

/// A report stands in exactly one place beside `kept`: in `ready`, or in `waiting` for its time.
#[derive(Debug)]
pub(crate) struct Outbox {
    kept: BTreeMap<MeterId, BTreeMap<u64, Kept>>,
    len: usize,
    ready: VecDeque<Key>,
    waiting: BTreeMap<(Instant, u64), Key>,
    ticket: u64,
    resend_interval: Duration,
    faults: Faults,
    dice: Dice,
    mishaps: Mishaps,
}

#[derive(Debug)]
struct Kept {
    bytes: Bytes,
    /// Tries on this connection, and whether there was one at all: faults befall the very first alone.
    tries: u32,
    tried: bool,
}

impl Kept {
    /// When the report is due again if no receipt comes.
    fn count_try(&mut self, now: Instant, resend_interval: Duration) -> Instant {
        let doubled = 1 << self.tries.min(MAX_RESEND_DOUBLINGS);
        self.tries = self.tries.saturating_add(1);
        now + resend_interval * doubled
    }
}

impl Outbox {
    pub(crate) fn new(resend_interval: Duration, faults: Faults, seed: u64) -> Self {
        Self {
            kept: BTreeMap::new(),
            len: 0,
            ready: VecDeque::new(),
            waiting: BTreeMap::new(),
            ticket: 0,
            resend_interval,
            faults,
            dice: Dice::new(seed),
            mishaps: Mishaps::default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Keeps a report until its receipt; one that is kept already changes nothing.
    pub(crate) fn keep(&mut self, meter: &MeterId, seq: u64, bytes: Bytes) {
        let reports = self.kept.entry(meter.clone()).or_default();
        if reports.contains_key(&seq) {
            return;
        }
        reports.insert(seq, Kept { bytes, tries: 0, tried: false });
        self.len += 1;
        self.ready.push_back((meter.clone(), seq));
    }

    /// When the next report that waits for its time is due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.waiting.first_key_value().map(|((due, _), _)| *due)
    }

    /// How many first tries went wrong, and how.
    pub(crate) const fn mishaps(&self) -> Mishaps {
        self.mishaps
    }

    /// Takes a meter's reports up to `stored` out.
    pub(crate) fn receipt(&mut self, meter: &MeterId, stored: u64) -> Vec<(u64, Bytes)> {
        let Some(reports) = self.kept.get_mut(meter) else { return Vec::new() };
        let later = match stored.checked_add(1) {
            Some(next) => reports.split_off(&next),
            None => BTreeMap::new(),
        };
        let covered = std::mem::replace(reports, later);
        if reports.is_empty() {
            self.kept.remove(meter);
        }
        self.len = self.len.saturating_sub(covered.len());
        covered.into_iter().map(|(seq, kept)| (seq, kept.bytes)).collect()
    }

    /// Makes everything due at once, each meter's reports in order: a new connection knows nothing of the last one.
    pub(crate) fn resend_all(&mut self) {
        self.waiting.clear();
        self.kept.values_mut().flat_map(BTreeMap::values_mut).for_each(|kept| kept.tries = 0);
        self.ready = self
            .kept
            .iter()
            .flat_map(|(meter, reports)| reports.keys().map(|seq| (meter.clone(), *seq)))
            .collect();
    }

    /// The next report to send at `now`. It is due again after the resend interval, which doubles each time, unless a
    /// receipt comes.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Due> {
        self.wake(now);
        while let Some(key) = self.ready.pop_front() {
            let Some(kept) = self.kept.get_mut(&key.0).and_then(|reports| reports.get_mut(&key.1))
            else {
                continue;
            };
            let first = !std::mem::replace(&mut kept.tried, true);
            let passage = if first {
                self.faults.passage(self.dice, &key.0, key.1)
            } else {
                Passage::Straight
            };
            self.mishaps.count(passage);
            match passage {
                Passage::Late => self.wait(key, now + FAULT_DELAY),
                Passage::Behind => self.step_behind(key, now),
                Passage::Dropped => {
                    let again = kept.count_try(now, self.resend_interval);
                    self.wait(key, again);
                }
                Passage::Straight | Passage::Twice => {
                    let again = kept.count_try(now, self.resend_interval);
                    let copies = if passage == Passage::Twice { 2 } else { 1 };
                    let bytes = kept.bytes.clone();
                    self.wait(key.clone(), again);
                    return Some(Due { key, bytes, copies });
                }
            }
        }
        None
    }

    /// Lets the next report pass, or waits a little when there is none.
    fn step_behind(&mut self, key: Key, now: Instant) {
        match self.ready.pop_front() {
            Some(next) => {
                self.ready.push_front(key);
                self.ready.push_front(next);
            }
            None => self.wait(key, now + FAULT_DELAY),
        }
    }

    fn wait(&mut self, key: Key, until: Instant) {
        self.ticket = self.ticket.wrapping_add(1);
        self.waiting.insert((until, self.ticket), key);
    }

    fn wake(&mut self, now: Instant) {
        while let Some(entry) = self.waiting.first_entry()
            && entry.key().0 <= now
        {
            self.ready.push_back(entry.remove());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESEND: Duration = Duration::from_secs(5);

    fn outbox(faults: Faults, reports: u64) -> Outbox {
        let mut outbox = Outbox::new(RESEND, faults, 1);
        for seq in 1..=reports {
            outbox.keep(&meter(), seq, Bytes::from(seq.to_string()));
        }
        outbox
    }

    fn meter() -> MeterId {
        MeterId::new("well-07").unwrap()
    }

    fn sent(outbox: &mut Outbox, now: Instant) -> Vec<u64> {
        let mut sent = Vec::new();
        while let Some(due) = outbox.next(now) {
            sent.extend((0..due.copies).map(|_| due.key.1));
        }
        sent
    }

    #[test]
    fn sends_once_and_again_after_the_interval() {
        let (mut outbox, now) = (outbox(Faults::NONE, 3), Instant::now());
        assert_eq!(sent(&mut outbox, now), [1, 2, 3]);
        assert!(sent(&mut outbox, now + RESEND / 2).is_empty());
        assert_eq!(outbox.receipt(&meter(), 2).len(), 2);
        assert_eq!(sent(&mut outbox, now + RESEND), [3]);
        assert!(sent(&mut outbox, now + 2 * RESEND).is_empty(), "the interval doubles");
        assert_eq!(sent(&mut outbox, now + 3 * RESEND), [3]);
        assert_eq!(outbox.receipt(&meter(), u64::MAX), [(3, Bytes::from("3"))]);
        assert_eq!(outbox.len(), 0);
        assert!(sent(&mut outbox, now + 100 * RESEND).is_empty());
    }

    #[test]
    fn a_new_connection_resends_all_in_order() {
        let (mut outbox, now) = (outbox(Faults::NONE, 4), Instant::now());
        assert_eq!(outbox.next(now).unwrap().key.1, 1);
        outbox.resend_all();
        assert_eq!(sent(&mut outbox, now), [1, 2, 3, 4]);
        assert!(sent(&mut outbox, now + RESEND / 2).is_empty());
    }

    #[test]
    fn the_interval_stops_doubling_and_starts_anew_with_a_connection() {
        let (mut outbox, start) = (outbox(Faults::NONE, 1), Instant::now());
        let intervals = |outbox: &mut Outbox, mut now: Instant, tries: usize| {
            let mut waits = Vec::new();
            while waits.len() < tries {
                let mut wait = 0;
                while sent(outbox, now).is_empty() {
                    now += RESEND;
                    wait += 1;
                }
                waits.push(wait);
            }
            waits
        };
        assert_eq!(intervals(&mut outbox, start, 7), [0, 1, 2, 4, 8, 16, 16]);
        outbox.resend_all();
        assert_eq!(intervals(&mut outbox, start + 100 * RESEND, 3), [0, 1, 2]);
    }

    #[test]
    fn receipts_for_strangers_and_repeated_keeps_change_nothing() {
        let mut outbox = outbox(Faults::NONE, 2);
        assert!(outbox.receipt(&MeterId::new("other").unwrap(), 9).is_empty());
        assert!(outbox.receipt(&meter(), 0).is_empty());
        outbox.keep(&meter(), 1, Bytes::from("1"));
        assert_eq!(outbox.len(), 2);
    }

    #[test]
    fn each_fault_befalls_the_first_try_alone() {
        let now = Instant::now();
        let all = |faults| {
            let mut outbox = outbox(faults, 3);
            [now, now + FAULT_DELAY, now + RESEND].map(|at| sent(&mut outbox, at))
        };
        let dropped = Faults { drop_permille: 1000, ..Faults::NONE };
        assert_eq!(all(dropped), [vec![], vec![], vec![1, 2, 3]]);
        let twice = Faults { duplicate_permille: 1000, ..Faults::NONE };
        assert_eq!(all(twice), [vec![1, 1, 2, 2, 3, 3], vec![], vec![1, 2, 3]]);
        let late = Faults { delay_permille: 1000, ..Faults::NONE };
        assert_eq!(all(late), [vec![], vec![1, 2, 3], vec![]]);
        let behind = Faults { reorder_permille: 1000, ..Faults::NONE };
        assert_eq!(all(behind), [vec![1, 2], vec![3], vec![1, 2]], "all step back, so none does");
        let some = Faults { reorder_permille: 400, ..Faults::NONE };
        let mut outbox = outbox(some, 100);
        let mut order = sent(&mut outbox, now);
        order.extend(sent(&mut outbox, now + FAULT_DELAY));
        assert!(!order.is_sorted());
        order.sort_unstable();
        assert_eq!(order, (1..=100).collect::<Vec<_>>());
    }
}
