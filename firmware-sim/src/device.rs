//! One simulated meter: its key, its counters, its chain.

use bytes::Bytes;
use ed25519_dalek::SigningKey;
use sha2::{Digest, Sha256};
use telemetry::{ChainHash, EncodeError, Flags, Kind, MeterId, Reading, Report, VerifyingKey};

/// A report on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The meter that signed it.
    pub meter: MeterId,
    /// Its sequence number.
    pub seq: u64,
    /// Its COSE bytes.
    pub bytes: Bytes,
}

/// A meter that signs and counts as the format demands.
#[derive(Debug, Clone)]
pub struct Device {
    id: MeterId,
    key: SigningKey,
    kind: Kind,
    seq: u64,
    boot: u32,
    previous: ChainHash,
    just_rebooted: bool,
}

impl Device {
    /// A register meter as it leaves the factory, with the key of [`device_key`].
    pub fn new(seed: u64, id: MeterId) -> Self {
        let key = device_key(seed, id.as_str());
        Self {
            id,
            key,
            kind: Kind::Register,
            seq: 0,
            boot: 0,
            previous: ChainHash::FIRST,
            just_rebooted: false,
        }
    }

    /// The same meter measuring something else.
    #[must_use]
    pub fn with_kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// The same meter after it has sent `seq` reports, the last of them with the hash `previous`.
    #[must_use]
    pub fn after(self, seq: u64, previous: ChainHash) -> Self {
        Self { seq, previous, ..self }
    }

    /// The meter's id.
    pub const fn id(&self) -> &MeterId {
        &self.id
    }

    /// The key to enrol.
    pub fn public_key(&self) -> VerifyingKey {
        self.key.verifying_key()
    }

    /// The sequence number of the last report, 0 before the first.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Signs the next report. After a reboot it says so by itself.
    ///
    /// A refusal leaves the counters and the chain as they were.
    pub fn report(
        &mut self,
        readings: Vec<Reading>,
        flags: Flags,
    ) -> Result<Outgoing, EncodeError> {
        let rebooted = if self.just_rebooted { Flags::REBOOTED } else { Flags::NONE };
        let seq = self.seq.saturating_add(1);
        let report = Report {
            meter: self.id.clone(),
            seq,
            boot: self.boot,
            previous: self.previous,
            kind: self.kind,
            readings,
            flags: flags.union(rebooted),
        };
        let bytes = telemetry::sign(&report, &self.key)?;
        self.seq = seq;
        self.previous = ChainHash::of(&bytes);
        self.just_rebooted = false;
        Ok(Outgoing { meter: self.id.clone(), seq, bytes: bytes.into() })
    }

    /// Counts the next report without making it. The chain ends here: a device that rehearsed only rehearses on.
    pub(crate) fn rehearse(&mut self) -> Outgoing {
        self.seq = self.seq.saturating_add(1);
        Outgoing { meter: self.id.clone(), seq: self.seq, bytes: Bytes::new() }
    }

    /// Signs with the key of this generation from the next report on; the first key is generation 1.
    pub fn rotate_key(&mut self, seed: u64, generation: usize) {
        // No meter's id has a '#'.
        self.key = device_key(seed, &format!("{}#{generation}", self.id));
    }

    /// Restarts the meter: the boot counter rises, sequence number and chain persist.
    pub fn reboot(&mut self) {
        self.boot = self.boot.saturating_add(1);
        self.just_rebooted = true;
    }
}

/// A simulated meter's signing key: SHA-256 over a label, the seed and the meter's id.
///
/// For simulation only: whoever knows the seed has every key. A real meter makes its own and never shows it.
pub fn device_key(seed: u64, meter: &str) -> SigningKey {
    let secret = Sha256::new()
        .chain_update(b"mingqu firmware-sim device key v1\0")
        .chain_update(seed.to_be_bytes())
        .chain_update(meter.as_bytes())
        .finalize();
    SigningKey::from_bytes(&secret.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device() -> Device {
        Device::new(1, MeterId::new("well-07").unwrap())
    }

    fn readings(at_s: i64) -> Vec<Reading> {
        vec![Reading { at_ms: at_s * 1000, value: at_s }]
    }

    #[test]
    fn the_same_seed_and_readings_give_the_same_bytes() {
        let (mut one, mut two) = (device(), device());
        for at_s in 0..5 {
            assert_eq!(
                one.report(readings(at_s), Flags::NONE),
                two.report(readings(at_s), Flags::NONE)
            );
        }
        assert_ne!(device_key(1, "well-07").to_bytes(), device_key(2, "well-07").to_bytes());
        assert_ne!(device_key(1, "well-07").to_bytes(), device_key(1, "well-08").to_bytes());
    }

    #[test]
    fn reports_are_chained_and_survive_a_reboot() {
        let mut device = device();
        let mut previous = ChainHash::FIRST;
        for seq in 1..=4 {
            if seq == 3 {
                device.reboot();
            }
            let out = device.report(readings(60), Flags::LOW_BATTERY).unwrap();
            let signed = telemetry::decode(&out.bytes).unwrap();
            let report = signed.verify(&device.public_key()).unwrap();
            assert_eq!((report.seq, out.seq), (seq, seq));
            assert_eq!(report.previous, previous);
            assert_eq!(report.boot, u32::from(seq >= 3));
            assert_eq!(report.flags.contains(Flags::REBOOTED), seq == 3);
            assert!(report.flags.contains(Flags::LOW_BATTERY));
            previous = signed.chain_hash();
        }
    }

    #[test]
    fn a_new_key_signs_the_next_report_and_continues_the_chain() {
        let mut device = device();
        let first = device.report(readings(1), Flags::NONE).unwrap();
        let old_key = device.public_key();
        device.rotate_key(1, 2);
        let second = device.report(readings(2), Flags::NONE).unwrap();
        let second = telemetry::decode(&second.bytes).unwrap();
        assert!(second.verify(&old_key).is_err());
        let report = second.verify(&device.public_key()).unwrap();
        assert_eq!((report.seq, report.previous), (2, ChainHash::of(&first.bytes)));
    }

    #[test]
    fn a_refused_report_changes_nothing() {
        let mut device = device();
        assert_eq!(device.report(vec![], Flags::NONE), Err(EncodeError::NoReadings));
        assert_eq!(device.seq(), 0);
        assert_eq!(device.report(readings(1), Flags::NONE).unwrap().seq, 1);
    }
}
