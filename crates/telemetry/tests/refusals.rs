//! Each rule of the format has a message that breaks it alone. The messages are built by another CBOR encoder.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use minicbor::Encoder;
use minicbor::data::Tag;
use telemetry::{
    CONTENT_TYPE, ChainHash, DecodeError, EncodeError, Flags, Kind, MAX_READINGS, MAX_REPORT_BYTES,
    MeterId, MeterIdError, Part, Reading, Report, SigningKey, VerifyError, VerifyingKey, decode,
    sign,
};

type Cbor = Encoder<Vec<u8>>;

fn cbor(build: impl FnOnce(&mut Cbor)) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    build(&mut encoder);
    encoder.into_writer()
}

/// The entries of a header or a report, each as the bytes of key and value.
#[derive(Clone)]
struct Map(Vec<(i64, Vec<u8>)>);

impl Map {
    fn header() -> Self {
        Self(vec![
            (1, cbor(|e| drop(e.i8(-8)))),
            (3, cbor(|e| drop(e.str(CONTENT_TYPE)))),
            (4, cbor(|e| drop(e.bytes(b"well-07")))),
        ])
    }

    fn report() -> Self {
        Self(vec![
            (1, cbor(|e| drop(e.str("well-07")))),
            (2, vec![1]),
            (3, vec![0]),
            (4, cbor(|e| drop(e.bytes(&[0; 16])))),
            (5, vec![0]),
            (6, cbor(|e| drop(e.u64(1_775_001_600_000)))),
            (7, cbor(|e| drop(e.array(2).unwrap().u8(0).unwrap().u8(5)))),
            (8, vec![0]),
        ])
    }

    fn with(mut self, key: i64, value: Vec<u8>) -> Self {
        let entry = self.0.iter_mut().find(|entry| entry.0 == key).unwrap();
        entry.1 = value;
        self
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = cbor(|e| drop(e.map(self.0.len() as u64)));
        for (key, value) in &self.0 {
            bytes.extend(cbor(|e| drop(e.i64(*key))));
            bytes.extend(value);
        }
        bytes
    }
}

fn message(header: &[u8], payload: &[u8]) -> Vec<u8> {
    cbor(|e| {
        e.tag(Tag::new(18)).unwrap().array(4).unwrap().bytes(header).unwrap();
        e.map(0).unwrap().bytes(payload).unwrap().bytes(&[7; 64]).unwrap();
    })
}

fn refusal_of_header(header: &Map) -> DecodeError {
    decode(&message(&header.encode(), &Map::report().encode())).unwrap_err()
}

fn refusal_of_report(report: &Map) -> DecodeError {
    decode(&message(&Map::header().encode(), &report.encode())).unwrap_err()
}

fn refusal_of_value(key: i64, value: Vec<u8>) -> DecodeError {
    refusal_of_report(&Map::report().with(key, value))
}

fn readings(numbers: &[i64]) -> Vec<u8> {
    cbor(|e| {
        e.array(numbers.len() as u64).unwrap();
        for number in numbers {
            e.i64(*number).unwrap();
        }
    })
}

fn good() -> Vec<u8> {
    message(&Map::header().encode(), &Map::report().encode())
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn report() -> Report {
    Report {
        meter: MeterId::new("well-07").unwrap(),
        seq: 1,
        boot: 0,
        previous: ChainHash::FIRST,
        kind: Kind::Register,
        readings: vec![Reading { at_ms: 1_775_001_600_000, value: 5 }],
        flags: Flags::NONE,
    }
}

#[test]
fn the_unbroken_message_is_accepted() {
    assert_eq!(*decode(&good()).unwrap().report(), report());
}

#[test]
fn rejects_oversize() {
    let len_bytes = MAX_REPORT_BYTES + 1;
    assert_eq!(decode(&vec![0; len_bytes]), Err(DecodeError::TooLong { len_bytes }));
}

#[test]
fn rejects_truncated_at_every_byte() {
    let good = good();
    for end in 0..good.len() {
        assert_eq!(decode(&good[..end]), Err(DecodeError::Truncated), "{end}");
    }
}

#[test]
fn rejects_trailing_bytes_after_message_header_and_report() {
    let one = Err(DecodeError::TrailingBytes { count: 1 });
    let (mut header, mut report) = (Map::header().encode(), Map::report().encode());
    assert_eq!(decode(&[good(), vec![0]].concat()), one);
    header.push(0);
    assert_eq!(decode(&message(&header, &report)), one);
    header.pop();
    report.push(0);
    assert_eq!(decode(&message(&header, &report)), one);
}

#[test]
fn rejects_not_tag_18() {
    assert_eq!(decode(&good()[1..]), Err(DecodeError::NotTag18));
    let mut other = good();
    other[0] = 0xd1;
    assert_eq!(decode(&other), Err(DecodeError::NotTag18));
}

#[test]
fn rejects_wrong_array_length() {
    let mut other = good();
    other[1] = 0x83;
    assert_eq!(decode(&other), Err(DecodeError::WrongArrayLength { len: 3 }));
}

#[test]
fn rejects_unprotected_header() {
    let bytes = cbor(|e| {
        e.tag(Tag::new(18)).unwrap().array(4).unwrap().bytes(&Map::header().encode()).unwrap();
        e.map(1).unwrap().u8(4).unwrap().bytes(b"well-07").unwrap();
        e.bytes(&Map::report().encode()).unwrap().bytes(&[7; 64]).unwrap();
    });
    assert_eq!(decode(&bytes), Err(DecodeError::UnprotectedHeader));
}

#[test]
fn rejects_signature_of_another_length() {
    let bytes = cbor(|e| {
        e.tag(Tag::new(18)).unwrap().array(4).unwrap().bytes(&Map::header().encode()).unwrap();
        e.map(0).unwrap().bytes(&Map::report().encode()).unwrap().bytes(&[7; 63]).unwrap();
    });
    assert_eq!(decode(&bytes), Err(DecodeError::SignatureLength { len_bytes: 63 }));
}

#[test]
fn rejects_wrong_algorithm() {
    let es256 = Map::header().with(1, vec![0x26]);
    assert_eq!(refusal_of_header(&es256), DecodeError::WrongAlgorithm { alg: -7 });
}

#[test]
fn rejects_wrong_content_type() {
    let other = Map::header().with(3, cbor(|e| drop(e.str("application/cbor"))));
    assert_eq!(refusal_of_header(&other), DecodeError::WrongContentType);
}

#[test]
fn rejects_key_id_of_another_meter() {
    let other = Map::header().with(4, cbor(|e| drop(e.bytes(b"well-08"))));
    assert_eq!(refusal_of_header(&other), DecodeError::KeyIdMismatch);
}

#[test]
fn rejects_unknown_keys() {
    for (part, key) in [(Part::Header, 2), (Part::Header, -1), (Part::Header, 5)] {
        let mut map = Map::header();
        map.0.push((key, vec![0]));
        assert_eq!(refusal_of_header(&map), DecodeError::UnknownKey { part, key });
    }
    for (part, key) in [(Part::Report, 9), (Part::Report, 0), (Part::Report, i64::MIN)] {
        let mut map = Map::report();
        map.0.insert(0, (key, vec![0]));
        assert_eq!(refusal_of_report(&map), DecodeError::UnknownKey { part, key });
    }
}

#[test]
fn rejects_missing_keys() {
    for (index, key) in [1, 3, 4].into_iter().enumerate() {
        let mut map = Map::header();
        map.0.remove(index);
        let part = Part::Header;
        assert_eq!(refusal_of_header(&map), DecodeError::MissingKey { part, key });
    }
    for (index, key) in (1..=8).enumerate() {
        let mut map = Map::report();
        map.0.remove(index);
        let part = Part::Report;
        assert_eq!(refusal_of_report(&map), DecodeError::MissingKey { part, key });
    }
}

#[test]
fn rejects_duplicate_keys() {
    for index in 0..8 {
        let mut map = Map::report();
        let entry = map.0[index].clone();
        let key = entry.0;
        map.0.insert(index, entry);
        let part = Part::Report;
        assert_eq!(refusal_of_report(&map), DecodeError::DuplicateKey { part, key });
    }
}

#[test]
fn rejects_unsorted_keys() {
    for index in 0..7 {
        let mut map = Map::report();
        map.0.swap(index, index + 1);
        let key = map.0[index].0;
        let part = Part::Report;
        assert_eq!(refusal_of_report(&map), DecodeError::UnsortedKeys { part, key });
    }
}

#[test]
fn rejects_long_forms() {
    for (key, value) in [
        (2, vec![0x18, 0x01]),
        (2, vec![0x19, 0x00, 0xff]),
        (2, vec![0x1a, 0x00, 0x00, 0xff, 0xff]),
        (2, vec![0x1b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
        (1, [&[0x78, 7][..], b"well-07"].concat()),
        (7, vec![0x98, 2, 0, 5]),
        (7, vec![0x82, 0, 0x38, 5]),
    ] {
        assert_eq!(refusal_of_value(key, value.clone()), DecodeError::NotShortest, "{value:02x?}");
    }
}

#[test]
fn rejects_indefinite_lengths() {
    let indefinite = DecodeError::IndefiniteLength;
    assert_eq!(refusal_of_value(7, vec![0x9f, 0, 5, 0xff]), indefinite);
    assert_eq!(refusal_of_value(1, [&[0x7f, 0x67][..], b"well-07\xff"].concat()), indefinite);
    assert_eq!(refusal_of_value(4, [&[0x5f, 0x50][..], &[0; 16], &[0xff]].concat()), indefinite);
    let mut map = Map::report().encode();
    map[0] = 0xbf;
    map.push(0xff);
    assert_eq!(decode(&message(&Map::header().encode(), &map)), Err(indefinite));
}

#[test]
fn rejects_reserved_bytes_and_wrong_types() {
    assert_eq!(refusal_of_value(2, vec![0x1c]), DecodeError::ReservedByte);
    assert_eq!(refusal_of_value(2, vec![0xff]), DecodeError::ReservedByte);
    for value in [vec![0x20], vec![0x61, b'1'], vec![0xf9, 0, 0], vec![0xf5], vec![0xc1, 1]] {
        let error = refusal_of_value(2, value);
        assert_eq!(error, DecodeError::WrongType { expected: "an unsigned integer" });
    }
    assert_eq!(refusal_of_value(1, vec![0x61, 0xff]), DecodeError::NotUtf8);
}

#[test]
fn rejects_bad_meter_id() {
    let error = refusal_of_value(1, cbor(|e| drop(e.str("Well-07"))));
    assert_eq!(error, DecodeError::MeterId(MeterIdError::Character));
}

#[test]
fn rejects_sequence_0_and_boot_counter_over_32_bits() {
    assert_eq!(refusal_of_value(2, vec![0]), DecodeError::SequenceZero);
    assert_eq!(refusal_of_value(3, cbor(|e| drop(e.u64(1 << 32)))), DecodeError::Overflow);
}

#[test]
fn rejects_previous_hash_of_another_length_or_on_the_first() {
    let short = cbor(|e| drop(e.bytes(&[0; 15])));
    assert_eq!(refusal_of_value(4, short), DecodeError::PreviousLength { len_bytes: 15 });
    let some = cbor(|e| drop(e.bytes(&[1; 16])));
    assert_eq!(refusal_of_value(4, some), DecodeError::PreviousOfFirst);
}

#[test]
fn rejects_unknown_kind_and_flags() {
    assert_eq!(refusal_of_value(5, vec![3]), DecodeError::UnknownKind { code: 3 });
    for bits in [32, 1 << 16, u64::MAX] {
        let value = cbor(|e| drop(e.u64(bits)));
        assert_eq!(refusal_of_value(8, value), DecodeError::UnknownFlags { bits });
    }
}

#[test]
fn rejects_negative_base_time() {
    assert_eq!(refusal_of_value(6, vec![0x20]), DecodeError::NegativeBaseTime);
}

#[test]
fn rejects_empty_odd_and_overlong_readings() {
    assert_eq!(refusal_of_value(7, readings(&[])), DecodeError::NoReadings);
    assert_eq!(refusal_of_value(7, readings(&[0, 5, 1])), DecodeError::OddReadings { len: 3 });
    let error = refusal_of_value(7, readings(&[0; 2 * (MAX_READINGS + 1)]));
    assert_eq!(error, DecodeError::TooManyReadings { readings: 289 });
    let claims = vec![0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe];
    let error = refusal_of_value(7, claims);
    assert_eq!(error, DecodeError::TooManyReadings { readings: u64::MAX / 2 });
}

#[test]
fn rejects_readings_out_of_order_or_off_the_base() {
    assert_eq!(refusal_of_value(7, readings(&[0, 5, -1, 1])), DecodeError::OutOfOrder);
    assert_eq!(refusal_of_value(7, readings(&[1, 5])), DecodeError::FirstNotAtBase);
}

#[test]
fn rejects_overflow_of_time_and_value() {
    for list in [
        &[0, i64::MAX, 1, 1][..],
        &[0, i64::MIN, 1, -1],
        &[0, 5, i64::MAX, 1],
        &[0, 5, i64::MAX / 1000, 1],
    ] {
        assert_eq!(refusal_of_value(7, readings(list)), DecodeError::Overflow, "{list:?}");
    }
    assert_eq!(refusal_of_value(6, cbor(|e| drop(e.u64(1 << 63)))), DecodeError::Overflow);
}

#[test]
fn rejects_bad_signature_and_wrong_key() {
    let mut bytes = sign(&report(), &key()).unwrap();
    let other = SigningKey::from_bytes(&[8; 32]).verifying_key();
    assert_eq!(decode(&bytes).unwrap().verify(&other), Err(VerifyError::BadSignature));
    *bytes.last_mut().unwrap() ^= 1;
    let own = key().verifying_key();
    assert_eq!(decode(&bytes).unwrap().verify(&own), Err(VerifyError::BadSignature));
}

#[test]
fn rejects_weak_key() {
    let mut identity = [0; 32];
    identity[0] = 1;
    let weak = VerifyingKey::from_bytes(&identity).unwrap();
    let bytes = sign(&report(), &key()).unwrap();
    assert_eq!(decode(&bytes).unwrap().verify(&weak), Err(VerifyError::WeakKey));
}

#[test]
fn rejects_reports_that_cannot_be_encoded() {
    let base = report();
    let at = |at_ms, value| Reading { at_ms, value };
    let with = |readings: Vec<Reading>| Report { readings, ..base.clone() };
    for (report, error) in [
        (Report { seq: 0, ..base.clone() }, EncodeError::SequenceZero),
        (Report { previous: ChainHash([1; 16]), ..base.clone() }, EncodeError::PreviousOfFirst),
        (with(vec![]), EncodeError::NoReadings),
        (with(vec![at(0, 0); 289]), EncodeError::TooManyReadings { readings: 289 }),
        (with(vec![at(-1, 0)]), EncodeError::NegativeTime),
        (with(vec![at(1000, 0), at(0, 0)]), EncodeError::OutOfOrder { index: 1 }),
        (with(vec![at(0, 0), at(999, 0)]), EncodeError::NotWholeSeconds { index: 1 }),
        (with(vec![at(0, i64::MIN), at(0, 0), at(0, 1)]), EncodeError::Overflow { index: 1 }),
    ] {
        assert_eq!(sign(&report, &key()), Err(error));
    }
    let alternating = (0_i64..288).map(|i| at(i << 32, if i % 2 == 0 { 0 } else { i64::MAX }));
    let error = sign(&with(alternating.map(|r| at(r.at_ms * 1000, r.value)).collect()), &key());
    assert!(matches!(error, Err(EncodeError::TooLong { .. })), "{error:?}");
}
