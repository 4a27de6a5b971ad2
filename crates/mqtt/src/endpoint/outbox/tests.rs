use super::*;

fn outbox() -> Outbox {
    Outbox::new(Level::V4, u16::MAX, u32::MAX)
}

fn written(outbox: &Outbox) -> Vec<u8> {
    let mut out = BytesMut::new();
    outbox.take(&Topics::new("d").unwrap(), &Counters::default(), &mut out);
    out.to_vec()
}

fn meter(number: usize) -> MeterId {
    MeterId::new(&format!("m{number}")).unwrap()
}

#[test]
fn answers_in_the_order_of_the_messages() {
    let outbox = outbox();
    let tickets: Vec<_> = [7, 0, 8, 9].map(|packet| outbox.open(packet, 100)).into();
    outbox.settle(tickets[2], 0);
    outbox.settle(tickets[1], 0);
    assert_eq!(written(&outbox), b"");
    assert!(!outbox.outlook().idle);
    outbox.settle(tickets[0], 0);
    assert_eq!(written(&outbox), [0x40, 2, 0, 7, 0x40, 2, 0, 8]);
    outbox.settle(tickets[3], 0x90);
    assert_eq!(written(&outbox), [0x40, 3, 0, 9, 0x90]);
    assert!(outbox.outlook().idle);
}

#[test]
fn has_no_room_beyond_its_messages_bytes_and_answers() {
    let by_number = outbox();
    for packet in 1..=MAX_INFLIGHT_MESSAGES {
        assert!(by_number.outlook().room);
        by_number.open(u16::try_from(packet).unwrap(), 0);
    }
    assert!(!by_number.outlook().room);
    by_number.settle(0, 0);
    assert!(by_number.outlook().room);

    let by_bytes = outbox();
    by_bytes.open(1, MAX_INFLIGHT_BYTES);
    assert!(!by_bytes.outlook().room);

    let by_answers = outbox();
    by_answers.answer(|_, out| out.resize(MAX_ANSWER_BYTES, 0));
    assert!(!by_answers.outlook().room);
    written(&by_answers);
    assert!(by_answers.outlook().room);
}

#[test]
fn a_newer_receipt_replaces_the_one_that_waits() {
    let outbox = outbox();
    assert!(outbox.leave(&meter(1), 5, Qos::AtMostOnce));
    assert!(outbox.leave(&meter(1), 17, Qos::AtMostOnce));
    assert_eq!(written(&outbox), b"\x30\x19\0\x15mingqu/v1/d/m1/stored17");
    assert_eq!(written(&outbox), b"");
}

#[test]
fn receipts_with_qos_1_wait_for_the_clients_window() {
    let outbox = Outbox::new(Level::V5, 2, u32::MAX);
    for number in 0..3 {
        assert!(outbox.leave(&meter(number), 1, Qos::AtLeastOnce));
    }
    let written_once = written(&outbox);
    assert!(written_once.windows(2).any(|bytes| bytes == b"m1"));
    assert!(!written_once.windows(2).any(|bytes| bytes == b"m2"));
    assert_eq!(written(&outbox), b"");
    outbox.acknowledged(1);
    assert_eq!(written(&outbox), b"\x32\x1b\0\x15mingqu/v1/d/m2/stored\0\x03\x001");
}

#[test]
fn rejects_one_meters_receipt_too_many() {
    let outbox = outbox();
    for number in 0..MAX_WAITING_RECEIPTS {
        assert!(outbox.leave(&meter(number), 1, Qos::AtMostOnce));
    }
    assert!(!outbox.leave(&meter(MAX_WAITING_RECEIPTS), 1, Qos::AtMostOnce));
    assert!(outbox.leave(&meter(0), 2, Qos::AtMostOnce));
}

#[test]
fn a_receipt_longer_than_the_client_takes_is_dropped() {
    let outbox = Outbox::new(Level::V5, 10, 20);
    assert!(outbox.leave(&meter(1), 1, Qos::AtMostOnce));
    let counters = Counters::default();
    let mut out = BytesMut::new();
    outbox.take(&Topics::new("d").unwrap(), &counters, &mut out);
    assert!(out.is_empty());
    assert_eq!(counters.counts().dropped_receipts, 1);
}
