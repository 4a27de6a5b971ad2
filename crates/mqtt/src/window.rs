//! Messages with `QoS` 1 that one side has sent and the other has not acknowledged: how many there may be, and their ids.

use std::collections::BTreeSet;

/// The ids are never all in use.
const MAX_WINDOW_MESSAGES: usize = 60_000;

/// Packet ids in use, up to a limit.
#[derive(Debug)]
pub(crate) struct Window {
    limit: usize,
    in_use: BTreeSet<u16>,
    last: u16,
}

impl Window {
    /// A window of so many messages, and of no more than [`MAX_WINDOW_MESSAGES`].
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit: limit.min(MAX_WINDOW_MESSAGES), in_use: BTreeSet::new(), last: 0 }
    }

    /// A packet id that is not in use, or none while as many as may be are.
    pub(crate) fn open(&mut self) -> Option<u16> {
        self.has_room().then(|| self.open_beyond())
    }

    /// A packet id that is not in use, for one of the few packets that are no messages and need an id.
    pub(crate) fn open_beyond(&mut self) -> u16 {
        loop {
            self.last = self.last.checked_add(1).unwrap_or(1);
            if self.in_use.insert(self.last) {
                return self.last;
            }
        }
    }

    /// Whether [`Window::open`] would give an id.
    pub(crate) fn has_room(&self) -> bool {
        self.in_use.len() < self.limit
    }

    /// How many ids are in use.
    pub(crate) fn len(&self) -> usize {
        self.in_use.len()
    }

    /// The packet was acknowledged; an id that is not in use changes nothing.
    pub(crate) fn close(&mut self, packet: u16) {
        self.in_use.remove(&packet);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_skip_those_in_use_and_zero() {
        let mut window = Window { limit: 9, in_use: BTreeSet::from([1]), last: u16::MAX - 1 };
        assert_eq!(window.open(), Some(u16::MAX));
        assert_eq!(window.open(), Some(2));
    }

    #[test]
    fn is_closed_at_its_limit_until_one_is_acknowledged() {
        let mut window = Window::new(2);
        assert_eq!([window.open(), window.open(), window.open()], [Some(1), Some(2), None]);
        window.close(7);
        assert_eq!(window.open(), None);
        window.close(1);
        assert_eq!((window.open(), window.len()), (Some(3), 2));
    }

    #[test]
    fn no_limit_uses_up_the_ids() {
        let mut window = Window::new(usize::MAX);
        assert_eq!(std::iter::from_fn(|| window.open()).count(), MAX_WINDOW_MESSAGES);
        assert!(window.open_beyond() > 0);
    }
}
