//! A district with a witness, whose log grows by waterings that say nothing else than any other.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use audit::testing::{ORIGIN, ROUND, TestLog, id};
use disclosure::attachment::AttachmentRef;
use disclosure::dsse::Envelope;
use disclosure::key::PublicKey;
use disclosure::merkle::{Hash, leaf_hash};
use disclosure::note::KeyName;
use disclosure::statement::{
    EVIDENCE_MEDIA_TYPE, Evidence, Origin, RegistryMeter, Role, Statement, WateringFacts,
};
use disclosure::tile::RightEdge;
use disclosure::witness_policy::WitnessPolicy;
use domain::progress::Progress;
use domain::registry::{Meter, Outlet};
use domain::round::Turn;
use domain::scale::Scale;
use domain::share::{ShareMethod, divide};
use domain::{Litres, MeterCode, OutletId, PersonId, Timestamp, TurnId, VillageId};
use ed25519_dalek::SigningKey;
use service::{LogKey, NewAttachment, Service, Witnesses};
use store::{
    CoSignature, Head, NewEntry, NewShare, NewStatement, Posting, Projection, Store, Tile,
};
use tempfile::TempDir;

use super::super::process::{Process, Says};
use crate::clock::SystemClock;
use crate::transport::Trust;
use crate::witness_client::HttpWitnessClient;

/// Outlets that take turns, as many as a township has.
const OUTLETS: usize = 400;
/// So many fit one statement.
const OUTLETS_PER_REGISTRY: usize = 50;
/// Entries of one direct posting.
const FILL: u64 = 4_000;
/// How long one watering lasts.
const TURN_MILLIS: i64 = 3_600_000;
/// What each watering comes to.
const VOLUME: i64 = 400_000;
/// How long the witness may take to start.
const PATIENCE: Duration = Duration::from_mins(1);
/// What the witness says of itself for a policy.
const WITNESS_MARK: &str = "witness NAME ";

/// The district.
pub struct Ground {
    pub service: Service,
    store: Store,
    log: TestLog,
    waterings: usize,
    _witness: Process,
    _folder: TempDir,
}

/// The last signature that a statement needs.
pub struct Last {
    pub statement: i64,
    pub keyid: String,
    pub signature: [u8; 64],
}

impl Ground {
    /// Founds the district; without a database in a file of its own.
    pub async fn found(database: Option<&str>) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("mingqu-bench-").tempdir()?;
        let own = format!("sqlite:{}", folder.path().join("bench.db").display());
        let store = Store::open(database.unwrap_or(&own), &id("sample")).await?;
        let log = TestLog::founded();
        let (witness, line) = start_witness(&folder, &log)?;
        let policy = format!("log {}\nwitness w {line}\nquorum w\n", log.verifier_key());
        let policy = WitnessPolicy::parse(policy.as_bytes())?;
        let witnesses =
            Witnesses::new(policy, Arc::new(HttpWitnessClient::new(&Trust::of_browsers())))?;
        let key = LogKey::new(KeyName::new(ORIGIN)?, log.key.clone());
        let clock = Arc::new(SystemClock);
        let service = Service::open_witnessed(store.clone(), key, clock, Some(witnesses)).await?;
        let mut ground =
            Self { service, store, log, waterings: 0, _witness: witness, _folder: folder };
        ground.propose_all().await?;
        Ok(ground)
    }

    /// Hands in what founds the sample district, and registries of more outlets.
    async fn propose_all(&mut self) -> anyhow::Result<()> {
        let people = self.log.people.clone();
        let [root, _] = &people.roots;
        for first in (0..OUTLETS).step_by(OUTLETS_PER_REGISTRY) {
            let registry = self.registry(first)?;
            self.log.post(&TestLog::seal(&registry, &[root, &people.station]));
        }
        for entry in &self.log.entries {
            let envelope = Envelope::parse(entry)?;
            let statement = Statement::parse(&envelope.payload_type, &envelope.payload)?;
            let attachment = |named: &AttachmentRef| {
                let bytes = self.log.attachments.get(&named.sha256).cloned();
                let media_type = named.media_type.clone();
                bytes.map(|bytes| NewAttachment { media_type, bytes })
            };
            let attachments = statement.attachments().into_iter().filter_map(attachment);
            self.service.propose(entry, attachments.collect()).await?;
        }
        Ok(())
    }

    fn registry(&self, first: usize) -> anyhow::Result<Statement> {
        let mut registry = self.log.registry();
        registry.villages.clear();
        let model = registry.outlets.first().context("the sample has outlets")?.clone();
        registry.outlets.clear();
        registry.meters.clear();
        for number in first..OUTLETS.min(first + OUTLETS_PER_REGISTRY) {
            let (outlet, code) = names(number)?;
            registry.outlets.push(Outlet {
                id: outlet.clone(),
                village: id("east"),
                ..model.clone()
            });
            let scale = Scale::register(1_000_000_000);
            let meter = Meter::new(code, outlet, id("2016-04-01T00:00:00Z"), scale);
            let mut seed = [77; 32];
            for (byte, of_number) in seed.iter_mut().zip(u32::try_from(number)?.to_le_bytes()) {
                *byte = of_number;
            }
            let key = PublicKey::of(&SigningKey::from_bytes(&seed));
            registry.meters.push(RegistryMeter::signing(meter, key));
        }
        Ok(Statement::Registry(registry))
    }

    /// The next watering, signed by the station and the cadre.
    fn next(&mut self) -> anyhow::Result<(WateringFacts, Envelope)> {
        let number = self.waterings;
        self.waterings += 1;
        let (outlet, meter) = names(number % OUTLETS)?;
        let before = i64::try_from(number / OUTLETS)?;
        let begin: Timestamp = id("2016-05-01T00:00:00Z");
        let start = begin.plus_millis(before * TURN_MILLIS);
        let at_start_litres = Litres(before * VOLUME);
        let volume_litres = Litres(VOLUME);
        let village: VillageId = id("east");
        let turn = Turn {
            id: TurnId::new(format!("t{number}"))?,
            round: id(ROUND),
            outlet: outlet.clone(),
            village: village.clone(),
            group: id("g1"),
            method: ShareMethod::Area,
            members: Vec::new(),
            opened_at: start,
        };
        let parts = self.log.record.sharing(&turn)?;
        let facts = WateringFacts {
            outlet,
            origin: Origin::MeterSigned,
            village,
            group: turn.group,
            round: turn.round,
            turn: turn.id,
            start,
            end: start.plus_millis(TURN_MILLIS),
            at_start_litres,
            at_end_litres: at_start_litres + volume_litres,
            volume_litres,
            doubts: BTreeSet::new(),
            method: ShareMethod::Area,
            shares: divide(volume_litres, ShareMethod::Area, &parts)?,
            evidence: vec![Evidence {
                meter,
                origin: Origin::MeterSigned,
                first_report: 1,
                last_report: 4,
                root: Hash::of(b"reports"),
                reports: AttachmentRef::of(EVIDENCE_MEDIA_TYPE, b"reports"),
            }],
        };
        let envelope = self.log.seal_watering(facts.clone());
        Ok((facts, envelope))
    }

    /// Fills the log up to so many entries, and lets the server read them.
    pub async fn grow_to(&mut self, entries: u64) -> anyhow::Result<()> {
        let mut edge = self.edge().await?;
        while edge.size() < entries {
            let head = self.store.head().await?;
            let mut new = Vec::new();
            for _ in 0..FILL.min(entries - edge.size()) {
                let (facts, envelope) = self.next()?;
                let bytes = envelope.to_json();
                new.push(entry(edge.size(), &facts, bytes.clone()));
                edge.append(leaf_hash(&bytes));
            }
            let changed = edge.changed_tiles().into_iter();
            let tiles = changed.map(|(level, index, hashes)| Tile { level, index, hashes });
            let posting = Posting {
                expected: head,
                new: Head { size: edge.size(), root: edge.root().0 },
                posted_at: self.service.now(),
                entries: new,
                tiles: tiles.collect(),
            };
            self.store.post(&posting).await?;
            edge.mark_stored();
        }
        self.service.draft_due().await?;
        Ok(self.service.post_ready().await?)
    }

    async fn edge(&self) -> anyhow::Result<RightEdge> {
        let head = self.store.head().await?;
        let tiles = self.store.right_edge(head.size).await?;
        let tiles: BTreeMap<(u8, u64), Vec<u8>> =
            tiles.into_iter().map(|tile| ((tile.level, tile.index), tile.hashes)).collect();
        Ok(RightEdge::load(head.size, &tiles)?)
    }

    /// Enters statements that have all their signatures.
    pub async fn co_sign(&mut self, statements: usize) -> anyhow::Result<()> {
        for _ in 0..statements {
            let (_, envelope) = self.next()?;
            self.enter(&envelope, Progress::CoSigned, 2).await?;
        }
        Ok(())
    }

    /// Enters a statement that lacks the cadre's signature alone.
    pub async fn all_but_signed(&mut self) -> anyhow::Result<Last> {
        let (_, envelope) = self.next()?;
        let statement = self.enter(&envelope, Progress::Awaiting, 1).await?;
        let last = envelope.signatures.last().context("two have signed")?;
        Ok(Last { statement, keyid: last.keyid.clone(), signature: last.sig })
    }

    async fn enter(
        &self,
        envelope: &Envelope,
        state: Progress,
        signatures: usize,
    ) -> anyhow::Result<i64> {
        let people = &self.log.people;
        let signers =
            [(&people.station, Role::Station), (people.cadre_of(&id("east")), Role::Cadre)];
        let signed = |((person, role), made): (&(&audit::testing::Person, Role), _)| {
            let made: &disclosure::dsse::EnvelopeSignature = made;
            Ok(CoSignature {
                public_key: *PublicKey::of(&person.key).as_bytes(),
                role: role.code().into(),
                person: PersonId::new(person.person.as_str())?,
                signature: made.sig,
                received_at: self.service.now(),
            })
        };
        let given: anyhow::Result<Vec<CoSignature>> =
            signers.iter().zip(&envelope.signatures).take(signatures).map(signed).collect();
        let new = NewStatement {
            kind: "watering".into(),
            village: Some(id("east")),
            state,
            payload_type: envelope.payload_type.clone(),
            payload_sha256: Hash::of(&envelope.payload).0,
            payload: envelope.payload.clone(),
            created_at: self.service.now(),
        };
        Ok(self.store.insert_signed_statement(&new, &[], &given?).await?)
    }
}

fn names(number: usize) -> anyhow::Result<(OutletId, MeterCode)> {
    Ok((
        OutletId::new(format!("outlet-{number:03}"))?,
        MeterCode::new(format!("meter-{number:03}"))?,
    ))
}

fn entry(index: u64, facts: &WateringFacts, envelope: Vec<u8>) -> NewEntry {
    let share = |share: &domain::share::Share| NewShare {
        household: share.household.clone(),
        area: share.area,
        litres: share.litres,
    };
    NewEntry {
        index,
        kind: "watering".into(),
        village: Some(facts.village.clone()),
        round: Some(facts.round.clone()),
        outlet: Some(facts.outlet.clone()),
        statement: None,
        envelope,
        projection: Projection::Watering {
            outlet: facts.outlet.clone(),
            start_at: facts.start,
            end_at: facts.end,
            volume: facts.volume_litres,
            estimated: false,
            shares: facts.shares.iter().map(share).collect(),
            supersedes: None,
        },
    }
}

/// A witness of the log, and the policy's words for it.
fn start_witness(folder: &TempDir, log: &TestLog) -> anyhow::Result<(Process, String)> {
    let own = std::env::current_exe().context("this program's own file is gone")?;
    let mut command = Command::new(own);
    command
        .args(["witness", "--name", "witness.example/bench", "--listen", "127.0.0.1:0"])
        .arg("--data")
        .arg(folder.path().join("witness"))
        .args(["--log", &log.verifier_key().to_string()]);
    let process = Process::start(&mut command, Says::Stderr)?;
    let line = process.told(WITNESS_MARK, PATIENCE)?;
    Ok((process, line))
}
