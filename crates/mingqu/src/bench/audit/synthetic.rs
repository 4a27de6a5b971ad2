//! A log to be audited: a founded district, then co-signed waterings with their meters' reports, and bill runs.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, ensure};
use audit::testing::{ORIGIN, ROUND, TestLog, id};
use disclosure::bundle::{self, BundleId, MAX_BUNDLE_ENTRIES};
use disclosure::checkpoint::Checkpoint;
use disclosure::dsse::Envelope;
use disclosure::key::{PublicKey, SigningKey};
use disclosure::merkle::leaf_hash;
use disclosure::statement::{Origin, Registry, RegistryMeter, Statement, WateringFacts};
use disclosure::tile::{RightEdge, TileId};
use domain::measurement::{CumulativeVolume, MeterReadings, Reading};
use domain::registry::{Meter, Outlet};
use domain::round::Turn;
use domain::scale::Scale;
use domain::share::{ShareMethod, divide};
use domain::{MeterCode, OutletId, Timestamp, TurnId, VillageId};
use telemetry::{ChainHash, Flags, Kind, MeterId, Report, Signature, VerifyingKey};

use crate::command::log_folder::write;

/// Wells that take turns; one village has them all.
pub const WELLS: usize = 40;
/// A bill run comes after so many waterings.
const WATERINGS_OF_RUN: usize = 150;
/// Readings of a report, one every five minutes.
const READINGS: usize = 12;
const PACE_MILLIS: i64 = 300_000;
/// Reports from a watering's start to its end; it rests on one more.
const REPORTS_OF_WATERING: usize = 3;
/// From one watering of a well to the next.
const PAUSE_MILLIS: i64 = 2 * 24 * 3_600_000;
/// How far within a report a watering begins and ends.
const WITHIN_MILLIS: i64 = 20 * 60_000;
/// Units that a register rises by between two readings.
const RISE: i64 = 31;
/// Waterings whose signatures the ceiling is measured with.
const SAMPLED_WATERINGS: usize = 2_000;
/// Where the synthetic registry's wells begin to report.
const BEGIN: &str = "2016-05-01T00:00:00Z";

/// A signature with what it is over, ready to be verified.
pub struct Signed {
    key: VerifyingKey,
    message: Vec<u8>,
    signature: Signature,
}

impl Signed {
    /// Whether it holds, strictly.
    pub fn holds(&self) -> bool {
        self.key.verify_strict(&self.message, &self.signature).is_ok()
    }
}

/// A log that was written.
pub struct Synthetic {
    /// Its verifier key.
    pub key: String,
    /// How many entries it has.
    pub entries: usize,
    /// How many signatures an audit verifies: of people, and of each report of each watering.
    pub signatures: usize,
    /// Some of them.
    pub samples: Vec<Signed>,
}

impl Synthetic {
    /// Writes a log of so many entries to a folder.
    pub fn write(folder: &Path, entries: usize) -> anyhow::Result<Self> {
        let mut maker = Maker::found(folder)?;
        ensure!(
            entries > maker.posted + 2,
            "a log has to have more than {} entries: that many found the district",
            maker.posted + 2
        );
        let mut wells: Vec<Well> = (0..WELLS).map(Well::new).collect::<anyhow::Result<_>>()?;
        let mut waterings = 0;
        while maker.posted < entries {
            if waterings > 0 && waterings % WATERINGS_OF_RUN == 0 && maker.bill()? {
                continue;
            }
            let well = wells.get_mut(waterings % WELLS).context("there are wells")?;
            let envelope = maker.watering(well, waterings)?;
            maker.post(&envelope)?;
            waterings += 1;
        }
        maker.finish()
    }
}

/// The log as it is written.
struct Maker<'a> {
    folder: &'a Path,
    log: TestLog,
    edge: RightEdge,
    /// Tiles that are not full yet: their narrower states are not written.
    partial: BTreeMap<(u8, u64), Vec<u8>>,
    posted: usize,
    signatures: usize,
    samples: Vec<Signed>,
    billed_at: usize,
    village: VillageId,
}

impl<'a> Maker<'a> {
    fn found(folder: &'a Path) -> anyhow::Result<Self> {
        let log = TestLog::founded();
        let mut maker = Self {
            folder,
            edge: RightEdge::new(),
            partial: BTreeMap::new(),
            posted: 0,
            signatures: 0,
            samples: Vec::new(),
            billed_at: 0,
            village: id("east"),
            log,
        };
        for entry in maker.log.entries.clone() {
            maker.edge.append(leaf_hash(&entry));
            maker.signatures += Envelope::parse(&entry)?.signatures.len();
            maker.posted += 1;
        }
        let registry = maker.registry()?;
        let people = maker.log.people.clone();
        let [root, _] = &people.roots;
        maker.post(&TestLog::seal(&Statement::Registry(registry), &[root, &people.station]))?;
        Ok(maker)
    }

    fn registry(&self) -> anyhow::Result<Registry> {
        let mut registry = self.log.registry();
        registry.villages.clear();
        let model = registry.outlets.first().context("the sample has outlets")?.clone();
        registry.outlets.clear();
        registry.meters.clear();
        for number in 0..WELLS {
            let well = Well::new(number)?;
            let outlet = Outlet {
                id: well.outlet.clone(),
                village: self.village.clone(),
                gap_tolerance_seconds: 3600,
                ..model.clone()
            };
            registry.outlets.push(outlet);
            let installed = Meter::new(
                well.code.clone(),
                well.outlet.clone(),
                id("2016-04-01T00:00:00Z"),
                Scale::register(100_000),
            );
            registry.meters.push(RegistryMeter::signing(installed, PublicKey::of(&well.key)));
        }
        Ok(registry)
    }

    /// Posts what the village owes for what is not billed yet; not twice in a row.
    fn bill(&mut self) -> anyhow::Result<bool> {
        if self.billed_at == self.posted {
            return Ok(false);
        }
        let run = self.log.draft_bill_run(self.village.as_str());
        let envelope = self.log.seal_bill_run(run);
        self.post(&envelope)?;
        self.billed_at = self.posted;
        Ok(true)
    }

    fn watering(&mut self, well: &mut Well, number: usize) -> anyhow::Result<Envelope> {
        well.rest()?;
        let start = well.begin.plus_millis(WITHIN_MILLIS);
        let (first, reports) = well.run()?;
        let end = well.begin.plus_millis(WITHIN_MILLIS);
        let mut readings: Vec<Reading> = Vec::new();
        for bytes in &reports {
            let signed = telemetry::decode(bytes)?;
            readings.extend(evidence_of(signed.report())?);
            self.signatures += 1;
            if number < SAMPLED_WATERINGS {
                self.samples.push(Signed {
                    key: well.key.verifying_key(),
                    message: signed.signature_input(),
                    signature: *signed.signature(),
                });
            }
        }
        let meter = &self.log.record.meters().get(&well.code).context("the well's meter")?.meter;
        let readings = MeterReadings { meter, tables: self.log.record.tables(), readings };
        let measured = CumulativeVolume::new([readings]).between(start, end, 3600)?;
        let turn = Turn {
            id: TurnId::new(format!("t{number}"))?,
            round: id(ROUND),
            outlet: well.outlet.clone(),
            village: self.village.clone(),
            group: id("g1"),
            method: ShareMethod::Area,
            members: Vec::new(),
            opened_at: start,
        };
        let parts = self.log.record.sharing(&turn)?;
        let evidence = vec![self.log.evidence(&well.code, first, &reports)];
        let facts = WateringFacts {
            outlet: turn.outlet,
            origin: Origin::MeterSigned,
            village: turn.village,
            group: turn.group,
            round: turn.round,
            turn: turn.id,
            start,
            end,
            at_start_litres: measured.at_start,
            at_end_litres: measured.at_end,
            volume_litres: measured.volume,
            doubts: measured.doubts,
            method: ShareMethod::Area,
            shares: divide(measured.volume, ShareMethod::Area, &parts)?,
            evidence,
        };
        let envelope = self.log.seal_watering(facts);
        if number < SAMPLED_WATERINGS {
            let people = &self.log.people;
            let signers = [&people.station, people.cadre_of(&self.village)];
            for (person, made) in signers.into_iter().zip(&envelope.signatures) {
                self.samples.push(Signed {
                    key: person.key.verifying_key(),
                    message: envelope.signed_bytes(),
                    signature: Signature::from_bytes(&made.sig),
                });
            }
        }
        Ok(envelope)
    }

    fn post(&mut self, envelope: &Envelope) -> anyhow::Result<()> {
        self.log.post(envelope);
        self.signatures += envelope.signatures.len();
        self.posted += 1;
        self.edge.append(leaf_hash(&envelope.to_json()));
        if self.posted.is_multiple_of(MAX_BUNDLE_ENTRIES) {
            self.write_bundle()?;
        }
        Ok(())
    }

    /// Writes the entries since the last bundle with their attachments, and forgets them.
    fn write_bundle(&mut self) -> anyhow::Result<()> {
        let size = self.edge.size();
        if let Some(last) = size.checked_sub(1)
            && !self.log.entries.is_empty()
        {
            let bundle = last / u64::try_from(MAX_BUNDLE_ENTRIES)?;
            let id = BundleId::in_log(bundle, size).context("the bundle is in the log")?;
            write(self.folder, &id.path(), &bundle::encode(&self.log.entries)?)?;
        }
        for (level, index, bytes) in self.edge.changed_tiles() {
            let id = TileId::in_tree(level, index, size).context("the tile is in the tree")?;
            self.partial.remove(&(level, index));
            if id.is_full() {
                write(self.folder, &id.path(), &bytes)?;
            } else {
                self.partial.insert((level, index), bytes);
            }
        }
        self.edge.mark_stored();
        self.log.entries.clear();
        for (sha256, bytes) in std::mem::take(&mut self.log.attachments) {
            write(self.folder, &format!("attachments/{sha256}"), &bytes)?;
        }
        Ok(())
    }

    fn finish(mut self) -> anyhow::Result<Synthetic> {
        self.write_bundle()?;
        let size = self.edge.size();
        for ((level, index), bytes) in &self.partial {
            let id = TileId::in_tree(*level, *index, size).context("the tile is in the tree")?;
            write(self.folder, &id.path(), bytes)?;
        }
        let key = self.log.verifier_key().to_string();
        write(self.folder, "log.vkey", format!("{key}\n").as_bytes())?;
        let checkpoint = Checkpoint::new(ORIGIN, size, self.edge.root()).sign(&self.log.key)?;
        write(self.folder, "checkpoint", &checkpoint)?;
        let Self { posted, signatures, samples, .. } = self;
        Ok(Synthetic { key, entries: posted, signatures, samples })
    }
}

/// A well's register, read every five minutes while water runs.
struct Well {
    code: MeterCode,
    outlet: OutletId,
    key: SigningKey,
    /// The latest report and its number; the next watering begins in it.
    last: Option<(u64, Vec<u8>)>,
    /// When that report begins.
    begin: Timestamp,
    next_at: Timestamp,
    value: i64,
}

impl Well {
    fn new(number: usize) -> anyhow::Result<Self> {
        let mut seed = [200; 32];
        if let Some(first) = seed.first_mut() {
            *first = u8::try_from(number)?;
        }
        Ok(Self {
            code: MeterCode::new(format!("bench-{number}"))?,
            outlet: OutletId::new(format!("well-{number}"))?,
            key: SigningKey::from_bytes(&seed),
            last: None,
            begin: id(BEGIN),
            next_at: id(BEGIN),
            value: 1_000,
        })
    }

    /// Some days without a report, then one: the next watering begins in it.
    fn rest(&mut self) -> anyhow::Result<()> {
        self.next_at = self.next_at.plus_millis(PAUSE_MILLIS);
        self.report()?;
        Ok(())
    }

    /// The reports of the next watering, from the latest on.
    fn run(&mut self) -> anyhow::Result<(u64, Vec<Vec<u8>>)> {
        let (first, bytes) = self.last.clone().context("there is a report")?;
        let mut reports = vec![bytes];
        for _ in 0..REPORTS_OF_WATERING {
            reports.push(self.report()?);
        }
        Ok((first, reports))
    }

    fn report(&mut self) -> anyhow::Result<Vec<u8>> {
        self.begin = self.next_at;
        let mut readings = Vec::with_capacity(READINGS);
        for _ in 0..READINGS {
            readings.push(telemetry::Reading { at_ms: self.next_at.millis(), value: self.value });
            self.next_at = self.next_at.plus_millis(PACE_MILLIS);
            self.value += RISE;
        }
        let previous = self.last.as_ref().map_or(ChainHash::FIRST, |(_, last)| ChainHash::of(last));
        let seq = self.last.as_ref().map_or(1, |(seq, _)| seq + 1);
        let report = Report {
            meter: MeterId::new(self.code.as_str())?,
            seq,
            boot: 1,
            previous,
            kind: Kind::Register,
            readings,
            flags: Flags::NONE,
        };
        let bytes = telemetry::sign(&report, &self.key)?;
        self.last = Some((seq, bytes.clone()));
        Ok(bytes)
    }
}

fn evidence_of(report: &Report) -> anyhow::Result<Vec<Reading>> {
    let one = |reading: &telemetry::Reading| {
        let at = Timestamp::from_millis(reading.at_ms)?;
        Ok(Reading { at, value: reading.value, doubts: domain::measurement::Doubts::NONE })
    };
    report.readings.iter().map(one).collect()
}
