//! What holds for every report and every byte string.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use telemetry::{
    ChainHash, Flags, Kind, MAX_READINGS, MeterId, Reading, Report, SigningKey, decode, sign,
};

fn key() -> SigningKey {
    SigningKey::from_bytes(&[42; 32])
}

prop_compose! {
    fn reports()(
        meter in "[a-z0-9][a-z0-9-]{0,31}",
        seq in 1_u64..,
        boot: u32,
        previous: [u8; 16],
        kind in 0_u64..3,
        base_ms in 0_i64..1 << 50,
        steps in prop::collection::vec((0_i64..100_000, -1_000_000_i64..1_000_000), 1..=MAX_READINGS),
        bits in 0_u16..32,
    ) -> Report {
        let mut last = Reading { at_ms: base_ms, value: 0 };
        let readings = steps.into_iter().enumerate().map(|(index, (seconds, difference))| {
            last.at_ms += if index == 0 { 0 } else { seconds * 1000 };
            last.value += difference;
            last
        }).collect();
        Report {
            meter: MeterId::new(&meter).unwrap(),
            seq,
            boot,
            previous: if seq == 1 { ChainHash::FIRST } else { ChainHash(previous) },
            kind: Kind::from_code(kind).unwrap(),
            readings,
            flags: Flags::from_bits(bits).unwrap(),
        }
    }
}

/// What is accepted has one encoding: the signature aside, signing it again gives the same bytes.
fn assert_sole_encoding(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(signed) = decode(bytes) {
        let again = sign(signed.report(), &key()).unwrap();
        prop_assert_eq!(again.len(), bytes.len());
        prop_assert_eq!(&again[..again.len() - 64], &bytes[..bytes.len() - 64]);
    }
    Ok(())
}

proptest! {
    #[test]
    fn reports_round_trip(report in reports()) {
        let bytes = sign(&report, &key()).unwrap();
        let signed = decode(&bytes).unwrap();
        let batched = key().verifying_key().verify_strict(&signed.signature_input(), signed.signature());
        prop_assert!(batched.is_ok());
        prop_assert_eq!(signed.verify(&key().verifying_key()), Ok(report));
        prop_assert_eq!(signed.chain_hash(), ChainHash::of(&bytes));
    }

    #[test]
    fn another_decoder_finds_well_formed_cbor(report in reports()) {
        let bytes = sign(&report, &key()).unwrap();
        let mut decoder = minicbor::Decoder::new(&bytes);
        decoder.skip().unwrap();
        prop_assert_eq!(decoder.position(), bytes.len());
    }

    #[test]
    fn no_changed_byte_verifies(report in reports(), at: prop::sample::Index, mask in 1_u8..) {
        let mut bytes = sign(&report, &key()).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= mask;
        if let Ok(signed) = decode(&bytes) {
            prop_assert!(signed.verify(&key().verifying_key()).is_err());
        }
        assert_sole_encoding(&bytes)?;
    }

    #[test]
    fn garbage_is_harmless(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn what_is_accepted_has_one_encoding(report in reports(), edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut bytes = sign(&report, &key()).unwrap();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        assert_sole_encoding(&bytes)?;
    }
}

#[test]
fn no_byte_of_a_report_can_be_changed() {
    let report = Report {
        meter: MeterId::new("well-07").unwrap(),
        seq: 1,
        boot: 3,
        previous: ChainHash::FIRST,
        kind: Kind::Register,
        readings: (0..12)
            .map(|i| Reading { at_ms: 1_775_001_600_000 + i * 300_000, value: 120_000 + i * 37 })
            .collect(),
        flags: Flags::REBOOTED.union(Flags::LOW_BATTERY),
    };
    let bytes = sign(&report, &key()).unwrap();
    let public = key().verifying_key();
    assert_eq!(decode(&bytes).unwrap().verify(&public), Ok(report));
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            let believed = decode(&changed).is_ok_and(|signed| signed.verify(&public).is_ok());
            assert!(!believed, "byte {at}, bit {bit}");
        }
    }
}
