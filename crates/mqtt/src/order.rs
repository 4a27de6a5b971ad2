//! Messages of one connection that wait for their answer, and the order in which the answers go out.

use std::collections::VecDeque;

/// Messages in the order in which they came, from the oldest one that is not answered yet. Answers leave in that order
/// (MQTT 3.1.1 §4.6, MQTT 5 §4.6), in whatever order they become known.
#[derive(Debug, Default)]
pub(crate) struct InOrder {
    /// The ticket of the first that waits.
    first_ticket: u64,
    /// The ticket of the message that comes next.
    next_ticket: u64,
    waiting: VecDeque<Waiting>,
    bytes: usize,
}

#[derive(Debug)]
struct Waiting {
    /// The packet id; 0 for `QoS` 0, which takes its place and gets no answer.
    packet: u16,
    bytes: usize,
    /// The PUBACK reason once it is known.
    reason: Option<u8>,
}

impl InOrder {
    /// Takes the next place for a message of this size, and returns its ticket.
    pub(crate) fn open(&mut self, packet: u16, bytes: usize) -> u64 {
        self.bytes += bytes;
        self.waiting.push_back(Waiting { packet, bytes, reason: None });
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        ticket
    }

    /// Takes back the newest place: its message was not queued and never will be.
    pub(crate) fn withdraw(&mut self) {
        if let Some(message) = self.waiting.pop_back() {
            self.next_ticket -= 1;
            self.bytes -= message.bytes;
        }
    }

    /// Says how a message is answered; a ticket that is not waiting changes nothing.
    pub(crate) fn settle(&mut self, ticket: u64, reason: u8) {
        let place = ticket.checked_sub(self.first_ticket).and_then(|at| usize::try_from(at).ok());
        if let Some(message) = place.and_then(|at| self.waiting.get_mut(at)) {
            message.reason = Some(reason);
        }
    }

    /// The next answer that may go out: packet id, 0 if nobody waits for it, and reason.
    pub(crate) fn pop(&mut self) -> Option<(u16, u8)> {
        let reason = self.waiting.front()?.reason?;
        let message = self.waiting.pop_front()?;
        self.first_ticket += 1;
        self.bytes -= message.bytes;
        Some((message.packet, reason))
    }

    /// How many messages wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// How large they are together.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(order: &mut InOrder) -> Vec<(u16, u8)> {
        std::iter::from_fn(|| order.pop()).collect()
    }

    #[test]
    fn answers_leave_in_the_order_of_the_messages() {
        let mut order = InOrder::default();
        let tickets = [7, 0, 8, 9].map(|packet| order.open(packet, 100));
        order.settle(tickets[2], 0);
        order.settle(tickets[1], 0);
        assert_eq!(answers(&mut order), []);
        assert_eq!((order.len(), order.bytes()), (4, 400));
        order.settle(tickets[0], 0);
        assert_eq!(answers(&mut order), [(7, 0), (0, 0), (8, 0)]);
        order.settle(tickets[3], 0x90);
        assert_eq!(answers(&mut order), [(9, 0x90)]);
        assert_eq!((order.len(), order.bytes()), (0, 0));
    }

    #[test]
    fn a_ticket_counts_once_and_an_unknown_one_not_at_all() {
        let mut order = InOrder::default();
        let ticket = order.open(1, 0);
        order.settle(ticket + 5, 0);
        order.settle(ticket, 0);
        assert_eq!(answers(&mut order), [(1, 0)]);
        assert_eq!(order.open(2, 0), ticket + 1);
        order.settle(ticket, 0);
        assert_eq!(answers(&mut order), []);
    }

    #[test]
    fn a_message_taken_back_leaves_no_trace() {
        let mut order = InOrder::default();
        let first = order.open(1, 10);
        order.open(2, 10);
        order.withdraw();
        assert_eq!(order.open(3, 10), first + 1);
        order.settle(first, 0);
        order.settle(first + 1, 0);
        assert_eq!(answers(&mut order), [(1, 0), (3, 0)]);
        order.withdraw();
        assert_eq!(order.open(4, 0), first + 2);
    }
}
