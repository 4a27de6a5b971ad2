//! Signatures checked together: who is refused, and who is not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use curve25519_dalek::{edwards::CompressedEdwardsY, scalar::Scalar};
use sha2::{Digest, Sha512};
use telemetry::{
    ChainHash, DeviceKey, Flags, Kind, MAX_BATCH_SIGNATURES, MeterId, Reading, Report, SigningKey,
    VerifyError, decode, sign, verify_batch,
};

/// A point of order eight (RFC 7748 calls its like "low order").
const ORDER_EIGHT: &str = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a";

fn key(number: usize) -> SigningKey {
    let mut secret = [7; 32];
    secret[..8].copy_from_slice(&number.to_be_bytes());
    SigningKey::from_bytes(&secret)
}

fn device_key(number: usize) -> DeviceKey {
    DeviceKey::from_bytes(key(number).verifying_key().as_bytes()).unwrap()
}

fn report(number: usize) -> Report {
    Report {
        meter: MeterId::new(&format!("m{number}")).unwrap(),
        seq: 1,
        boot: 0,
        previous: ChainHash::FIRST,
        kind: Kind::Register,
        readings: vec![Reading { at_ms: 0, value: i64::try_from(number).unwrap() }],
        flags: Flags::NONE,
    }
}

/// Signed reports of this many meters.
fn signed(meters: usize) -> Vec<Vec<u8>> {
    (0..meters).map(|number| sign(&report(number), &key(number)).unwrap()).collect()
}

/// What becomes of these bytes under the keys of the meters in their order, with some keys exchanged.
fn verdicts(reports: &[Vec<u8>], exchanged: &[(usize, usize)]) -> Vec<Result<(), VerifyError>> {
    let mut keys: Vec<DeviceKey> = (0..reports.len()).map(device_key).collect();
    for (number, other) in exchanged {
        keys[*number] = device_key(*other);
    }
    let decoded: Vec<_> = reports.iter().map(|bytes| decode(bytes).unwrap()).collect();
    let pairs: Vec<_> = decoded.iter().zip(&keys).collect();
    verify_batch(&pairs)
}

/// Puts another signature in the place of a report's own, which is its end.
fn replace_signature(report: &mut [u8], r: &[u8; 32], s: &Scalar) {
    let at = report.len() - 64;
    report[at..at + 32].copy_from_slice(r);
    report[at + 32..].copy_from_slice(&s.to_bytes());
}

/// The point that is zero: of order 1.
fn neutral() -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[0] = 1;
    bytes
}

#[test]
fn good_ones_hold_however_many_there_are() {
    for meters in [0, 1, 2, MAX_BATCH_SIGNATURES, MAX_BATCH_SIGNATURES + 1] {
        assert_eq!(verdicts(&signed(meters), &[]), vec![Ok(()); meters], "{meters}");
    }
}

#[test]
fn one_bad_signature_spoils_no_other() {
    let meters = MAX_BATCH_SIGNATURES + 20;
    for bad in [0, 100, MAX_BATCH_SIGNATURES - 1, MAX_BATCH_SIGNATURES, meters - 1] {
        let mut reports = signed(meters);
        let last = reports[bad].len() - 20;
        reports[bad][last] ^= 1;
        let mut expected = vec![Ok(()); meters];
        expected[bad] = Err(VerifyError::BadSignature);
        assert_eq!(verdicts(&reports, &[]), expected, "{bad}");
    }
}

#[test]
fn signatures_that_are_exchanged_hold_for_neither() {
    let mut reports = signed(9);
    let (three, four) = (reports[3].len() - 64, reports[4].len() - 64);
    let signature = reports[3][three..].to_vec();
    let other = reports[4][four..].to_vec();
    reports[3][three..].copy_from_slice(&other);
    reports[4][four..].copy_from_slice(&signature);
    let mut expected = vec![Ok(()); 9];
    (expected[3], expected[4]) = (Err(VerifyError::BadSignature), Err(VerifyError::BadSignature));
    assert_eq!(verdicts(&reports, &[]), expected);
}

#[test]
fn rejects_a_key_of_small_order_under_which_anything_would_hold() {
    let mut order_eight = [0; 32];
    hex::decode_to_slice(ORDER_EIGHT, &mut order_eight).unwrap();
    for weak in [neutral(), [0; 32], order_eight] {
        assert_eq!(DeviceKey::from_bytes(&weak), Err(VerifyError::WeakKey));
    }
    let mut no_point = [0; 32];
    no_point[0] = 2;
    assert_eq!(DeviceKey::from_bytes(&no_point), Err(VerifyError::WeakKey));
}

#[test]
fn what_a_meter_can_only_do_to_itself_is_let_in_and_is_no_evidence() {
    let mut reports = signed(5);
    let secret = key(2);
    let public = secret.verifying_key();
    let input = decode(&reports[2]).unwrap().signature_input();
    // With a point of small order for the nonce: no other than the key's holder can solve it for s.
    let hash = Sha512::new().chain_update(neutral()).chain_update(public).chain_update(input);
    let hash = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
    replace_signature(&mut reports[2], &neutral(), &(hash * secret.to_scalar()));
    assert!(CompressedEdwardsY(neutral()).decompress().unwrap().is_small_order());
    assert_eq!(verdicts(&reports, &[]), vec![Ok(()); 5]);
    let crafted = decode(&reports[2]).unwrap();
    assert_eq!(crafted.verify(&public), Err(VerifyError::BadSignature));
    // Under another meter's key it is nothing at all.
    let mut expected = vec![Ok(()); 5];
    expected[2] = Err(VerifyError::BadSignature);
    assert_eq!(verdicts(&reports, &[(2, 9)]), expected);
}
