use super::*;

fn read(level: Level, bytes: &[u8]) -> Result<Option<Packet>, WireError> {
    let mut reader = Reader::new(level);
    reader.buffer.extend_from_slice(bytes);
    reader.next()
}

fn message(topic: &str, payload: &'static [u8], packet: u16) -> Packet {
    let payload = Bytes::from_static(payload);
    Packet::Publish(Publish { topic: topic.into(), payload, packet, skipped_bytes: 0 })
}

#[test]
fn reads_what_a_broker_sends() {
    let granted = Granted { receive_max: u16::MAX, keep_alive_seconds: KEEP_ALIVE_SECONDS };
    for (level, bytes, packet) in [
        (Level::V4, &b"\x20\x02\x01\x00"[..], Packet::Connected(Ok(granted))),
        (Level::V5, b"\x20\x03\x00\x00\x00", Packet::Connected(Ok(granted))),
        (Level::V4, b"\x20\x02\x00\x05", Packet::Connected(Err(5))),
        (Level::V5, b"\x20\x02\x00\x01", Packet::Connected(Err(1))),
        (Level::V5, b"\x20\x03\x00\x87\x00", Packet::Connected(Err(0x87))),
        (Level::V4, b"\x90\x04\x00\x01\x01\x01", Packet::Subscribed { packet: 1, refused: None }),
        (
            Level::V4,
            b"\x90\x04\x00\x01\x01\x80",
            Packet::Subscribed { packet: 1, refused: Some(0x80) },
        ),
        (
            Level::V5,
            b"\x90\x05\x00\x01\x00\x9e\x01",
            Packet::Subscribed { packet: 1, refused: Some(0x9e) },
        ),
        (Level::V4, b"\x40\x02\x00\x07", Packet::PubAck { packet: 7, reason: 0 }),
        (Level::V5, b"\x40\x03\x00\x07\x10", Packet::PubAck { packet: 7, reason: 0x10 }),
        (Level::V4, b"\xd0\x00", Packet::Pong),
        (Level::V5, b"\xe0\x00", Packet::Goodbye { reason: 0 }),
        (Level::V5, b"\xe0\x02\x8e\x00", Packet::Goodbye { reason: 0x8e }),
        (Level::V4, b"\x30\x04\x00\x01tr", message("t", b"r", 0)),
        (Level::V4, b"\x3a\x06\x00\x01t\x00\x09r", message("t", b"r", 9)),
        (Level::V5, b"\x32\x0a\x00\x01t\x00\x09\x03xxxr", message("t", b"r", 9)),
    ] {
        assert_eq!(read(level, bytes), Ok(Some(packet)), "{bytes:02x?}");
        for length in 0..bytes.len() {
            assert_eq!(read(level, &bytes[..length]), Ok(None), "{bytes:02x?} up to {length}");
        }
    }
}

#[test]
fn the_broker_may_impose_its_limits() {
    let connack = b"\x20\x09\x00\x00\x06\x21\x00\x14\x13\x00\x0a";
    let granted = Granted { receive_max: 20, keep_alive_seconds: 10 };
    assert_eq!(read(Level::V5, connack), Ok(Some(Packet::Connected(Ok(granted)))));
}

#[test]
fn of_a_long_message_the_beginning_is_read_and_the_rest_is_never_held() {
    let payload = vec![7; 3 * MAX_PACKET_BYTES];
    let mut bytes = BytesMut::new();
    crate::wire::write_publish(Level::V5, "t", &payload, 9, &mut bytes);
    bytes.extend_from_slice(b"\xd0\x00");
    let mut reader = Reader::new(Level::V5);
    let mut packets = Vec::new();
    for chunk in bytes.chunks(1_000) {
        reader.buffer.extend_from_slice(chunk);
        while let Some(packet) = reader.next().unwrap() {
            packets.push(packet);
        }
        assert!(reader.buffer.len() <= MAX_PACKET_BYTES + 1_000);
    }
    let [Packet::Publish(publish), Packet::Pong] = &packets[..] else { panic!("{packets:?}") };
    assert_eq!((publish.topic.as_str(), publish.packet), ("t", 9));
    assert_eq!(publish.payload.len() + publish.skipped_bytes, payload.len());
    assert!(publish.payload.iter().all(|byte| *byte == 7));
}

#[test]
fn a_topic_that_is_no_utf_8_is_a_message_all_the_same() {
    assert_eq!(
        read(Level::V4, b"\x32\x06\x00\x01\xff\x00\x09r"),
        Ok(Some(message("\u{fffd}", b"r", 9)))
    );
}

#[test]
fn rejects_what_no_broker_sends() {
    for bytes in [
        &b"\x32\xff\xff\xff\xff"[..],
        b"\x34\x06\x00\x01t\x00\x09r",
        b"\x32\x02\x00\x05",
        b"\x32\x03\x00\x01t",
        b"\x32\x01\x00",
        b"\x90\x01\x00",
        b"\x40\x01\x00",
        b"\x20\x01\x00",
        b"\x10\x02\x00\x00",
        b"\x00\x00",
        b"\x50\x02\x00\x01",
    ] {
        for level in [Level::V4, Level::V5] {
            assert!(read(level, bytes).is_err(), "{bytes:02x?}");
        }
    }
    let mut oversize = b"\x20\x83\x80\x04".to_vec();
    oversize.resize(4 + MAX_PACKET_BYTES, 0);
    assert!(read(Level::V4, &oversize).is_err(), "only a message may be that long");
    assert!(read(Level::V4, b"\xe0\x00").is_err(), "3.1.1 knows no DISCONNECT from a broker");
    // Properties that are longer than the message they stand in.
    assert!(read(Level::V5, b"\x32\x07\x00\x01t\x00\x09\x03x").is_err());
}

proptest::proptest! {
    #[test]
    fn the_same_packets_come_however_the_bytes_are_cut(
        level in proptest::sample::select(&[Level::V4, Level::V5][..]),
        packets in proptest::collection::vec((0_u8..16, proptest::collection::vec(0_u8..8, 0..12)), 0..8),
        chunk in 1_usize..9,
    ) {
        let mut bytes = Vec::new();
        for (kind, body) in packets {
            bytes.extend([kind << 4 | if kind == 3 { 2 } else { 0 }, u8::try_from(body.len()).unwrap()]);
            bytes.extend(body);
        }
        let all = |chunk: usize| {
            let mut reader = Reader::new(level);
            let mut read = Vec::new();
            for part in bytes.chunks(chunk) {
                reader.buffer.extend_from_slice(part);
                loop {
                    match reader.next() {
                        Ok(Some(packet)) => read.push(Ok(packet)),
                        Ok(None) => break,
                        Err(error) => {
                            read.push(Err(error));
                            return read;
                        }
                    }
                }
            }
            read
        };
        proptest::prop_assert_eq!(all(chunk), all(usize::MAX));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
        for level in [Level::V4, Level::V5] {
            let mut reader = Reader::new(level);
            reader.buffer.extend_from_slice(&bytes);
            while let Ok(Some(_)) = reader.next() {}
        }
    }
}
