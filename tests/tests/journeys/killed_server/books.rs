//! The fleet's own books, held against what the database has.

use std::collections::BTreeMap;
use std::path::Path;

use domain::{DistrictId, MeterCode};
use firmware_sim::{Ledger, synthetic_meter};
use sha2::{Digest, Sha256};
use store::Store;
use telemetry::ChainHash;
use tokio::runtime::Runtime;

use crate::township::DISTRICT;

/// Which word given to a meter is meant.
#[derive(Debug, Clone, Copy)]
pub enum Acknowledgement {
    /// MQTT's own.
    Puback,
    /// The server's receipt.
    Receipt,
}

/// The fleet's ledger at one moment.
pub struct Books(Ledger);

impl Books {
    pub fn open(ledger: &Path) -> Self {
        Self(Ledger::load(ledger).unwrap())
    }

    /// How many reports somebody gave their word for.
    pub fn promised(&self, by: Acknowledgement) -> usize {
        let sums = self.0.summary();
        match by {
            Acknowledgement::Puback => sums.acknowledged,
            Acknowledgement::Receipt => sums.receipted,
        }
    }

    /// Fails unless every promised report is stored with the very bytes that were sent, and none twice.
    pub fn compare(&self, by: Acknowledgement, database: &str, meters: u32) {
        let stored = stored_reports(database, meters);
        for (meter, seq, record) in self.0.records() {
            let promised = match by {
                Acknowledgement::Puback => record.acknowledged,
                Acknowledgement::Receipt => record.receipted,
            };
            if !promised {
                continue;
            }
            let digest = stored.get(&(meter.to_string(), seq));
            assert_eq!(digest, Some(&record.sha256), "{by:?} for report {seq} of {meter}");
        }
    }
}

/// SHA-256 of every stored report in hex. Fails when the database has one twice, or the chain of a meter's reports is
/// broken between two that follow each other.
fn stored_reports(database: &str, meters: u32) -> BTreeMap<(String, u64), String> {
    let runtime = Runtime::new().unwrap();
    let district = DistrictId::new(DISTRICT).unwrap();
    runtime.block_on(async {
        let store = Store::open(database, &district).await.unwrap();
        let mut found = BTreeMap::new();
        for number in 1..=meters {
            let code = MeterCode::new(synthetic_meter(number).unwrap().as_str()).unwrap();
            let mut before: Option<(u64, ChainHash)> = None;
            for report in store.reports(&code, 1, u64::MAX).await.unwrap() {
                let signed = telemetry::decode(&report.bytes).unwrap();
                assert_eq!(signed.report().seq, report.seq);
                if let Some((seq, hash)) = before
                    && seq + 1 == report.seq
                {
                    assert_eq!(signed.report().previous, hash, "{code} {seq}");
                }
                before = Some((report.seq, ChainHash::of(&report.bytes)));
                let digest = hex::encode(Sha256::digest(&report.bytes));
                let twice = found.insert((code.to_string(), report.seq), digest);
                assert_eq!(twice, None, "report {} of {code} is stored twice", report.seq);
            }
        }
        let counted = store.report_count().await.unwrap();
        assert_eq!(counted, u64::try_from(found.len()).unwrap());
        store.close().await;
        found
    })
}
