use super::*;

/// A CONNECT with this protocol level and flags, and no properties in 3.1.1.
fn connect_bytes(name: &str, level: u8, flags: u8) -> Vec<u8> {
    let mut body = vec![0, u8::try_from(name.len()).unwrap()];
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(&[level, flags, 0, 60]);
    if level == 5 {
        body.push(0);
    }
    body.extend_from_slice(b"\0\x02m1");
    let mut packet = vec![0x10, u8::try_from(body.len()).unwrap()];
    packet.extend_from_slice(&body);
    packet
}

fn connect(bytes: &[u8]) -> Result<Option<Connect>, WireError> {
    read_connect(&mut BytesMut::from(bytes)).map_err(|unreadable| unreadable.error)
}

fn packet(level: Level, bytes: &[u8]) -> Result<Option<Packet>, WireError> {
    read_packet(level, &mut BytesMut::from(bytes)).map_err(|unreadable| unreadable.error)
}

#[test]
fn the_first_packet_says_which_level_is_spoken() {
    assert_eq!(connect(&connect_bytes("MQTT", 4, 2)).unwrap().unwrap().level, Level::V4);
    let five = connect(&connect_bytes("MQTT", 5, 2)).unwrap().unwrap();
    assert_eq!(
        (five.level, five.client_id.as_str(), five.keep_alive_seconds),
        (Level::V5, "m1", 60)
    );
}

#[test]
fn waits_for_the_rest_of_a_packet_at_every_byte() {
    for level in [4, 5] {
        let whole = connect_bytes("MQTT", level, 2);
        for length in 0..whole.len() {
            assert_eq!(connect(&whole[..length]), Ok(None), "{length}");
        }
    }
}

#[test]
fn rejects_other_levels_and_other_protocols() {
    assert_eq!(connect(&connect_bytes("MQIsdp", 3, 2)), Err(WireError::Level(3)));
    assert_eq!(connect(&connect_bytes("MQTT", 6, 2)), Err(WireError::Level(6)));
    assert!(matches!(connect(&connect_bytes("HTTP", 4, 2)), Err(WireError::Malformed(_))));
}

#[test]
fn rejects_reserved_flags() {
    assert!(matches!(connect(&connect_bytes("MQTT", 4, 3)), Err(WireError::Malformed(_))));
    for bytes in [&[0xc1, 0][..], &[0x80, 2, 0, 1], &[0x38, 2, 0, 0], &[0x36, 2, 0, 0]] {
        for level in [Level::V4, Level::V5] {
            assert!(matches!(packet(level, bytes), Err(WireError::Malformed(_))), "{bytes:?}");
        }
    }
}

#[test]
fn rejects_a_first_packet_other_than_connect() {
    assert!(matches!(connect(&[0xc0, 0]), Err(WireError::Protocol(_))));
}

#[test]
fn rejects_qos_2() {
    for level in [Level::V4, Level::V5] {
        assert_eq!(packet(level, &[0x34, 2, 0, 0]), Err(WireError::Qos2));
    }
}

#[test]
fn rejects_a_packet_that_is_announced_too_long_before_it_is_there() {
    for level in [Level::V4, Level::V5] {
        assert_eq!(
            packet(level, &[0x30, 0xff, 0xff, 0xff, 0x7f]),
            Err(WireError::Oversize { bytes: 5 + 268_435_455 })
        );
        assert!(matches!(
            packet(level, &[0x30, 0xff, 0xff, 0xff, 0xff, 0x01]),
            Err(WireError::Malformed(_))
        ));
    }
}

#[test]
fn takes_the_longest_packet_and_rejects_one_byte_more() {
    let longest = MAX_PACKET_BYTES - MAX_HEADER_BYTES;
    for (length, taken) in [(longest, true), (longest + 1, false)] {
        let mut bytes = BytesMut::new();
        bytes.put_u8(0x30);
        write_length(length, &mut bytes);
        bytes.put_slice(&[0, 1, b't']);
        bytes.resize(bytes.len() + length - 3, 0);
        assert_eq!(read_packet(Level::V4, &mut bytes).is_ok(), taken);
    }
}

#[test]
fn rejects_a_packet_whose_inside_ends_too_early() {
    // A whole frame whose topic claims more bytes than there are.
    assert!(matches!(packet(Level::V4, &[0x30, 3, 0, 9, b't']), Err(WireError::Malformed(_))));
    // A property length that never ends: the codec asks for more bytes of a packet that is complete.
    assert!(matches!(
        packet(Level::V5, &[0x30, 4, 0, 1, b't', 0x80]),
        Err(WireError::Malformed(_))
    ));
}

#[test]
fn rejects_a_topic_alias_and_a_subscription_identifier() {
    let alias = [0x30, 7, 0, 1, b't', 3, 35, 0, 1];
    assert_eq!(packet(Level::V5, &alias), Err(WireError::TopicAlias));
    let identifier = [0x82, 9, 0, 1, 2, 11, 1, 0, 1, b'a', 0];
    assert!(matches!(packet(Level::V5, &identifier), Err(WireError::Protocol(_))));
}

#[test]
fn reads_every_form_of_goodbye() {
    let goodbye = |publish_will| Ok(Some(Packet::Disconnect { publish_will }));
    assert_eq!(packet(Level::V4, &[0xe0, 0]), goodbye(false));
    assert_eq!(packet(Level::V5, &[0xe0, 0]), goodbye(false));
    assert_eq!(packet(Level::V5, &[0xe0, 1, 0]), goodbye(false));
    assert_eq!(packet(Level::V5, &[0xe0, 1, 4]), goodbye(true));
    assert_eq!(packet(Level::V5, &[0xe0, 2, 4, 0]), goodbye(true));
}

#[test]
fn a_client_reads_what_is_written() {
    use rumqttc::mqttbytes::v4;
    use rumqttc::v5::mqttbytes::v5;

    let mut out = BytesMut::new();
    write_publish(Level::V4, "a/b", b"17", 9, &mut out);
    write_suback(Level::V4, 3, &[Some(Qos::AtLeastOnce), None], &mut out);
    write_unsuback(Level::V4, 4, &[true], &mut out);
    write_puback(5, 0, &mut out);
    write_pong(&mut out);
    let mut read = || v4::Packet::read(&mut out, 1_000).unwrap();
    assert!(matches!(read(), v4::Packet::Publish(p) if p.pkid == 9 && p.payload == "17"));
    assert!(matches!(read(), v4::Packet::SubAck(s) if s.return_codes.len() == 2));
    assert!(matches!(read(), v4::Packet::UnsubAck(u) if u.pkid == 4));
    assert!(matches!(read(), v4::Packet::PubAck(p) if p.pkid == 5));
    assert!(matches!(read(), v4::Packet::PingResp));

    let mut out = BytesMut::new();
    write_connected(Level::V5, Some("x"), Some(60), &mut out);
    write_publish(Level::V5, "a/b", b"17", 9, &mut out);
    write_suback(Level::V5, 3, &[Some(Qos::AtMostOnce), None], &mut out);
    write_unsuback(Level::V5, 4, &[true, false], &mut out);
    write_puback(5, TOPIC_NAME_INVALID, &mut out);
    write_disconnect(Level::V5, 0x8e, &mut out);
    let mut read = || v5::Packet::read(&mut out, None).unwrap();
    assert!(matches!(read(), v5::Packet::ConnAck(_)));
    assert!(matches!(read(), v5::Packet::Publish(p) if p.pkid == 9 && p.payload == "17"));
    assert!(matches!(read(), v5::Packet::SubAck(s)
        if s.return_codes[1] == v5::SubscribeReasonCode::TopicFilterInvalid));
    assert!(matches!(read(), v5::Packet::UnsubAck(u) if u.reasons.len() == 2));
    assert!(
        matches!(read(), v5::Packet::PubAck(p) if p.reason == v5::PubAckReason::TopicNameInvalid)
    );
    assert!(matches!(read(), v5::Packet::Disconnect(_)));
}

/// A whole packet of any kind around any body.
fn framed(first: u8, body: &[u8]) -> BytesMut {
    let mut bytes = BytesMut::new();
    bytes.put_u8(first);
    write_length(body.len(), &mut bytes);
    bytes.put_slice(body);
    bytes
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        for level in [Level::V4, Level::V5] {
            let mut buffer = BytesMut::from(&bytes[..]);
            while let Ok(Some(_)) = read_packet(level, &mut buffer) {}
        }
        let _ = read_connect(&mut BytesMut::from(&bytes[..]));
    }

    #[test]
    fn any_body_in_a_whole_packet_is_read_or_refused_never_waited_for(kind in 0_u8..16, body: Vec<u8>) {
        let flags = match kind { 3 | 6 | 8 | 10 => 2, _ => 0 };
        for level in [Level::V4, Level::V5] {
            let read = read_packet(level, &mut framed(kind << 4 | flags, &body));
            proptest::prop_assert_ne!(read, Ok(None));
        }
    }

    #[test]
    fn any_connect_is_read_or_refused_never_waited_for(level in 4_u8..6, flags: u8, body: Vec<u8>) {
        let mut whole = b"\0\x04MQTT".to_vec();
        whole.extend([level, flags]);
        whole.extend(body);
        proptest::prop_assert_ne!(read_connect(&mut framed(0x10, &whole)), Ok(None));
    }

    #[test]
    fn what_is_published_is_read_back(topic in "[a-z/]{0,40}", payload: Vec<u8>, packet: u16) {
        for level in [Level::V4, Level::V5] {
            let mut bytes = BytesMut::new();
            write_publish(level, &topic, &payload, packet, &mut bytes);
            proptest::prop_assert!(bytes.len() <= publish_bytes(&topic, &payload));
            let expected = Packet::Publish {
                topic: topic.clone(),
                payload: payload.clone().into(),
                packet,
            };
            proptest::prop_assert_eq!(read_packet(level, &mut bytes), Ok(Some(expected)));
        }
    }
}
