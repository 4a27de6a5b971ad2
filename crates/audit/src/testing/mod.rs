//! A small log with real keys and real reports, in memory, for tests.
//!
//! District `sample` has two villages, `east` and `west`, each with one group `g1` and one outlet
//! (`e1`, `w1`) with a meter of 100 litres a unit (`me1`, `mw1`). East's households are 101, 102 and
//! 103, west's 201 and 202. [`TestLog::founded`] has posted all that; waterings and bill runs are
//! drafted honestly, can then be bent, and are posted with or without a check:
//!
//! ```ignore
//! let mut log = TestLog::founded();
//! let mut meter = TestMeter::east();
//! meter.run_for(12);
//! let facts = log.draft(&meter, "t1", "2016-05-01T01:00:00Z", "2016-05-01T03:30:00Z");
//! log.post_watering(facts);
//! assert!(audit(&log.export(), None).holds());
//! ```
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test's log is made of constants: what fails here is the test"
)]

mod by_the_log;
mod meter;
mod people;
mod town;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::str::FromStr;

use disclosure::attachment::AttachmentRef;
use disclosure::bundle::{self, MAX_BUNDLE_ENTRIES, bundles_at};
use disclosure::checkpoint::Checkpoint;
use disclosure::dsse::Envelope;
use disclosure::key::{PublicKey, SigningKey};
use disclosure::merkle::{Hash, leaf_hash, root_of};
use disclosure::note::{KeyName, SignatureType, VerifierKey};
use disclosure::record::Record;
use disclosure::statement::{
    BILLS_MEDIA_TYPE, BillRun, EVIDENCE_MEDIA_TYPE, Evidence, Head, Origin, Statement, Watering,
    WateringFacts, bills_to_lines,
};
use disclosure::tile::{RightEdge, TileId};
use domain::measurement::{CumulativeVolume, MeterReadings};
use domain::round::Turn;
use domain::share::{ShareMethod, divide};
use domain::{MeterCode, RoundId, Timestamp, VillageId};

pub use meter::TestMeter;
pub use people::{People, Person};

/// The log's name.
pub const ORIGIN: &str = "sample.example/log";
/// The round of all drafts.
pub const ROUND: &str = "2016-1";

/// An identifier, an instant: whatever is read from text; panics where the text is refused.
pub fn id<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// A log that grows in memory.
#[derive(Debug, Clone)]
pub struct TestLog {
    /// The record of what was posted; it stops at the first entry that was forced in.
    pub record: Record,
    /// The entries' exact bytes.
    pub entries: Vec<Vec<u8>>,
    /// The attachments.
    pub attachments: BTreeMap<Hash, Vec<u8>>,
    /// The people who sign.
    pub people: People,
    /// The key that signs checkpoints.
    pub key: SigningKey,
}

impl TestLog {
    /// The log's verifier key.
    pub fn verifier_key(&self) -> VerifierKey {
        let name = KeyName::new(ORIGIN).unwrap();
        VerifierKey::new(name, SignatureType::Ed25519, PublicKey::of(&self.key))
    }

    /// A statement's head that names these signers, in their order.
    pub fn head(signers: &[&Person]) -> Head {
        let mut signers: Vec<_> = signers.iter().map(|person| person.expected()).collect();
        signers.sort();
        Head { district: id("sample"), drafted_at: id("2016-05-01T00:00:00Z"), signers }
    }

    /// An envelope signed by these people, in this order.
    pub fn seal(statement: &Statement, signers: &[&Person]) -> Envelope {
        let payload_type = statement.kind().payload_type();
        let mut envelope = Envelope::unsigned(payload_type, statement.to_payload().unwrap());
        for person in signers {
            envelope.sign_with(&person.key).unwrap();
        }
        envelope
    }

    /// Posts an envelope as a server does: if the record admits it, else it panics. Returns
    /// its index.
    pub fn post(&mut self, envelope: &Envelope) -> u64 {
        let admitted = self.record.admit(envelope, &self.attachments).unwrap();
        self.record.apply(admitted);
        self.force(envelope.to_json())
    }

    /// Posts bytes that nobody checked. Returns their index.
    pub fn force(&mut self, entry: Vec<u8>) -> u64 {
        self.entries.push(entry);
        self.entries.len() as u64 - 1
    }

    /// Keeps an attachment and refers to it.
    pub fn attach(&mut self, media_type: &str, bytes: Vec<u8>) -> AttachmentRef {
        let named = AttachmentRef::of(media_type, &bytes);
        self.attachments.insert(named.sha256, bytes);
        named
    }

    /// What an honest station would draft for a turn at the meter's outlet, and its evidence.
    pub fn draft(
        &mut self,
        meter: &TestMeter,
        turn: &str,
        start: &str,
        end: &str,
    ) -> WateringFacts {
        let (start, end): (Timestamp, Timestamp) = (id(start), id(end));
        let entry = self.record.meters()[&meter.code].meter.clone();
        let outlet = self.record.outlets()[&entry.outlet].clone();
        let (first, reports) = meter.reports_over(start, end);
        let readings = reports.iter().flat_map(|bytes| {
            let signed = telemetry::decode(bytes).unwrap();
            evidence::readings(signed.report()).unwrap()
        });
        let readings = readings.collect();
        let readings = MeterReadings { meter: &entry, tables: self.record.tables(), readings };
        let measured = CumulativeVolume::new([readings])
            .between(start, end, outlet.gap_tolerance_seconds)
            .unwrap();
        let turn = Turn {
            id: id(turn),
            round: id(ROUND),
            outlet: outlet.id.clone(),
            village: outlet.village.clone(),
            group: id("g1"),
            method: ShareMethod::Area,
            members: Vec::new(),
            opened_at: start,
        };
        let parts = self.record.sharing(&turn).unwrap();
        WateringFacts {
            outlet: outlet.id,
            origin: Origin::MeterSigned,
            village: outlet.village,
            group: id("g1"),
            round: id(ROUND),
            turn: turn.id,
            start,
            end,
            at_start_litres: measured.at_start,
            at_end_litres: measured.at_end,
            volume_litres: measured.volume,
            doubts: measured.doubts,
            method: ShareMethod::Area,
            shares: divide(measured.volume, ShareMethod::Area, &parts).unwrap(),
            evidence: vec![self.evidence(&meter.code, first, &reports)],
        }
    }

    /// Keeps these reports as evidence and refers to them.
    pub fn evidence<R: AsRef<[u8]>>(
        &mut self,
        meter: &MeterCode,
        first_report: u64,
        reports: &[R],
    ) -> Evidence {
        let leaves: Vec<Hash> = reports.iter().map(|report| leaf_hash(report.as_ref())).collect();
        let bytes = reports.iter().flat_map(|report| report.as_ref().to_vec()).collect();
        Evidence {
            meter: meter.clone(),
            origin: Origin::MeterSigned,
            first_report,
            last_report: first_report + reports.len() as u64 - 1,
            root: root_of(&leaves),
            reports: self.attach(EVIDENCE_MEDIA_TYPE, bytes),
        }
    }

    /// The envelope of a watering, signed by the station and the village's cadre.
    pub fn seal_watering(&self, facts: WateringFacts) -> Envelope {
        let signers = [&self.people.station, self.people.cadre_of(&facts.village)];
        let head = Self::head(&signers);
        Self::seal(&Statement::Watering(Watering { head, watering: facts }), &signers)
    }

    /// Posts a watering, signed by the station and the village's cadre.
    pub fn post_watering(&mut self, facts: WateringFacts) -> u64 {
        let envelope = self.seal_watering(facts);
        self.post(&envelope)
    }

    /// The bill run that the record gives for a village, and its bills.
    pub fn draft_bill_run(&mut self, village: &str) -> BillRun {
        let (village, round): (VillageId, RoundId) = (id(village), id(ROUND));
        let due = self.record.settle(&village, &round).unwrap();
        let signers = [&self.people.station, self.people.cadre_of(&village)];
        BillRun {
            head: Self::head(&signers),
            village,
            round: Some(round),
            year: due.year,
            waterings: due.waterings,
            households: due.bills.len().try_into().unwrap(),
            total_fen: due.total_fen,
            bills: self.attach(BILLS_MEDIA_TYPE, bills_to_lines(&due.bills).unwrap()),
        }
    }

    /// The envelope of a bill run, signed by the station and the village's cadre.
    pub fn seal_bill_run(&self, run: BillRun) -> Envelope {
        let signers = [&self.people.station, self.people.cadre_of(&run.village)];
        Self::seal(&Statement::BillRun(run), &signers)
    }

    /// The log as an exported folder holds it.
    pub fn export(&self) -> BTreeMap<String, Vec<u8>> {
        self.export_at(self.entries.len())
    }

    /// The log's first `size` entries, and all attachments, as an exported folder holds them.
    pub fn export_at(&self, size: usize) -> BTreeMap<String, Vec<u8>> {
        let entries = &self.entries[..size];
        let mut edge = RightEdge::new();
        for entry in entries {
            edge.append(leaf_hash(entry));
        }
        let key = format!("{}\n", self.verifier_key()).into_bytes();
        let checkpoint = Checkpoint::new(ORIGIN, edge.size(), edge.root());
        let mut files = BTreeMap::from([
            ("log.vkey".to_owned(), key),
            ("checkpoint".to_owned(), checkpoint.sign(&self.key).unwrap()),
        ]);
        for (level, index, bytes) in edge.changed_tiles() {
            files.insert(TileId::in_tree(level, index, edge.size()).unwrap().path(), bytes);
        }
        for (id, entries) in bundles_at(edge.size()).zip(entries.chunks(MAX_BUNDLE_ENTRIES)) {
            files.insert(id.path(), bundle::encode(entries).unwrap());
        }
        for (sha256, bytes) in &self.attachments {
            files.insert(format!("attachments/{sha256}"), bytes.clone());
        }
        files
    }
}
