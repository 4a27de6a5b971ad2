//! The public record: what the log says so far, and whether a next entry may follow.
//!
//! [`Record`] is a fold over the log's entries. The server folds the same record that an auditor
//! does, and asks it the same question before posting that the auditor asks after: may this
//! envelope stand at this index? Who may sign is judged by what the log said *before* that index,
//! never by a claimed time.

mod billing;
mod by_the_log;
mod candidate;
mod error;
mod meters;
mod registry;
mod rosters;
mod watering;

use std::collections::{BTreeMap, BTreeSet};

use domain::bill::Bill;
use domain::rating::RatingTable;
use domain::registry::{Outlet, Village};
use domain::tariff::Tariffs;
use domain::{HouseholdNo, MeterCode, OutletId, PersonId, RoundId, TableId, Timestamp, VillageId};

use crate::directory::Directory;
use crate::dsse::Envelope;
use crate::key::{Fingerprint, PublicKey};
use crate::merkle::Hash;
use crate::note::VerifierKey;
use crate::policy::{CheckedAhead, Standing, judge_checked, needs_of};
use crate::statement::{
    Act, District, Enrolment, KeyAct, Kind, Need, Policy, RegistryMeter, Role, RosterEntry,
    Statement, Subject, WateringFacts,
};

use billing::YearBook;
use meters::Meters;
use rosters::Rosters;

pub use billing::Settlement;
pub use candidate::Candidate;
pub use error::RecordError;
pub use rosters::{PostedRoster, RosterGround};
pub use watering::Held;

/// Where attachments are found; a folder, a database or a map.
pub trait Attachments {
    /// The bytes with this SHA-256, or `None`.
    fn attachment(&self, sha256: &Hash) -> Option<Vec<u8>>;
}

impl Attachments for BTreeMap<Hash, Vec<u8>> {
    fn attachment(&self, sha256: &Hash) -> Option<Vec<u8>> {
        self.get(sha256).cloned()
    }
}

/// What the log says so far.
#[derive(Debug, Clone, Default)]
pub struct Record {
    size: u64,
    district: Option<District>,
    directory: Directory,
    villages: BTreeMap<VillageId, Village>,
    outlets: BTreeMap<OutletId, Outlet>,
    tables: BTreeMap<TableId, RatingTable>,
    meters: Meters,
    /// By village.
    rosters: BTreeMap<VillageId, Rosters>,
    tariffs: Tariffs,
    waterings: BTreeMap<u64, PostedFacts>,
    /// The waterings that hold, by outlet, each outlet's by their start; at one outlet they never overlap.
    holding: BTreeMap<OutletId, Vec<Held>>,
    /// What bills are reckoned from, by village and year.
    books: BTreeMap<VillageId, BTreeMap<i32, YearBook>>,
    runs: Vec<PostedRun>,
    /// What was posted as overdue, and where.
    overdue: BTreeMap<Subject, u64>,
    /// The end of the last day that was balanced.
    balanced_until: Option<Timestamp>,
    /// Where each statement stands, by the digest of what was signed.
    posted: BTreeMap<ShortDigest, u64>,
    /// The size after the latest entry that changed keys, policy or registry.
    ground: u64,
    /// Whether a watering's facts go once no later entry is judged by them.
    forgets: bool,
}

/// The first half of a SHA-256: a log has to be kept in memory by these, and two statements with the same half would
/// only keep each other from being posted.
type ShortDigest = [u8; 16];

/// A posted watering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostedFacts {
    /// What it says.
    pub facts: WateringFacts,
    /// The posting that superseded it.
    pub superseded_by: Option<u64>,
    /// The run that billed it.
    pub billed_by: Option<u64>,
}

/// A posted billing run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostedRun {
    /// Its posting index.
    pub index: u64,
    /// Its village.
    pub village: VillageId,
    /// Its round; none where it closed the year.
    pub round: Option<RoundId>,
    /// The year it belongs to.
    pub year: i32,
    /// The waterings it billed first.
    pub waterings: Vec<u64>,
}

/// An envelope that may stand at the record's next index.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// What it says.
    pub statement: Statement,
    /// Who signed it.
    pub standing: Standing,
    loaded: Loaded,
    digest: ShortDigest,
}

/// What was read from attachments on the way.
#[derive(Debug, Clone)]
enum Loaded {
    Nothing,
    Roster(BTreeMap<HouseholdNo, RosterEntry>),
    Bills(Vec<Bill>),
}

impl Record {
    /// An empty record that keeps of a watering only what later entries are judged by, and nothing once it is superseded
    /// or its year closed: for whoever goes through a long log and shows none of it.
    pub fn forgetting() -> Self {
        Self { forgets: true, ..Self::default() }
    }

    /// How many entries it has read: the next entry's index.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The district's latest statement; `None` before the genesis.
    pub fn district(&self) -> Option<&District> {
        self.district.as_ref()
    }

    /// The signing policy in force.
    pub fn policy(&self) -> Option<&Policy> {
        self.district.as_ref().map(|district| &district.policy)
    }

    /// The key directory.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The villages.
    pub fn villages(&self) -> &BTreeMap<VillageId, Village> {
        &self.villages
    }

    /// The outlets.
    pub fn outlets(&self) -> &BTreeMap<OutletId, Outlet> {
        &self.outlets
    }

    /// The rating tables.
    pub fn tables(&self) -> &BTreeMap<TableId, RatingTable> {
        &self.tables
    }

    /// The meters with their keys.
    pub fn meters(&self) -> &BTreeMap<MeterCode, RegistryMeter> {
        self.meters.by_code()
    }

    /// The tariffs.
    pub fn tariffs(&self) -> &Tariffs {
        &self.tariffs
    }

    /// By which state of keys, policy and registry the next entry is judged: as long as this number stays, so does
    /// that state.
    pub fn ground(&self) -> u64 {
        self.ground
    }

    /// The watering posted at `index`, unless it was forgotten.
    pub fn watering(&self, index: u64) -> Option<&PostedFacts> {
        self.waterings.get(&index)
    }

    /// The billing runs, in order of posting.
    pub fn runs(&self) -> &[PostedRun] {
        &self.runs
    }

    /// Checks what a statement says against the record, without its signatures.
    pub fn check(
        &self,
        statement: &Statement,
        attachments: &impl Attachments,
    ) -> Result<(), RecordError> {
        self.check_content(statement, attachments).map(|_| ())
    }

    /// Checks an envelope whole: that its statement fits the record and its signatures meet the policy.
    pub fn admit(
        &self,
        envelope: &Envelope,
        attachments: &impl Attachments,
    ) -> Result<Admitted, RecordError> {
        self.admit_read(Candidate::read(envelope)?, attachments)
    }

    /// The same for an envelope that was read already.
    pub fn admit_read(
        &self,
        candidate: Candidate<'_>,
        attachments: &impl Attachments,
    ) -> Result<Admitted, RecordError> {
        let Candidate { envelope, statement, digest, ahead } = candidate;
        // Whoever keeps the log has the signatures under an old price, roster or key list: posted
        // again it would be in force again, and nobody would have signed that.
        if let Some(index) = self.posted.get(&digest) {
            return Err(RecordError::PostedBefore(*index));
        }
        let loaded = self.check_content(&statement, attachments)?;
        let standing = self.judge_checked(&envelope, &statement, &ahead)?;
        if !standing.complete() {
            return Err(RecordError::SignaturesMissing(standing.missing));
        }
        Ok(Admitted { statement, standing, loaded, digest })
    }

    /// Judges an envelope's signatures by the directory and policy in force before the next index.
    pub fn judge(
        &self,
        envelope: &Envelope,
        statement: &Statement,
    ) -> Result<Standing, RecordError> {
        self.judge_checked(envelope, statement, &CheckedAhead::default())
    }

    fn judge_checked(
        &self,
        envelope: &Envelope,
        statement: &Statement,
        ahead: &CheckedAhead,
    ) -> Result<Standing, RecordError> {
        match (&self.district, statement) {
            (Some(district), _) => {
                Ok(judge_checked(&self.directory, &district.policy, envelope, statement, ahead)?)
            }
            // The genesis is signed by the root keys it names, as its own policy demands.
            (None, Statement::District(genesis)) => {
                let roots = roots_of(genesis);
                Ok(judge_checked(&roots, &genesis.policy, envelope, statement, ahead)?)
            }
            (None, _) => Err(RecordError::NoGenesis),
        }
    }

    /// Checks an enrolment but for its key, as for somebody who has yet to make it.
    pub fn check_place(&self, enrolment: &Enrolment) -> Result<(), RecordError> {
        if let Some(village) = &enrolment.village {
            self.known_village(village)?;
        }
        Ok(self.directory.check_place(enrolment)?)
    }

    /// Who must sign a statement by the policy in force.
    pub fn needs(&self, statement: &Statement) -> &[Need] {
        self.policy().map_or(&[], |policy| needs_of(&self.directory, policy, statement))
    }

    /// The public key behind a key id under this statement: of somebody whom the log knows, or whom the statement itself
    /// names as a root or with a new key. Whether the signature counts is [`Record::judge`]'s to say.
    pub fn key_behind(&self, statement: &Statement, keyid: &str) -> Option<PublicKey> {
        let key = Fingerprint::from_hex(keyid).ok()?;
        let named = match statement {
            Statement::District(genesis) if self.district.is_none() => {
                genesis.roots.iter().map(|root| root.key).find(|root| root.fingerprint() == key)
            }
            Statement::Key(KeyAct { act: Act::Rotate { new, .. }, .. }) => {
                Some(*new).filter(|new| new.fingerprint() == key)
            }
            _ => None,
        };
        named.or_else(|| self.directory.get(&key).map(|enrolled| enrolled.enrolment.key))
    }

    /// Takes an admitted entry in, at the record's next index, which it returns.
    pub fn apply(&mut self, admitted: Admitted) -> u64 {
        let index = self.size;
        self.size += 1;
        self.posted.insert(admitted.digest, index);
        if let Kind::District | Kind::Key | Kind::Registry = admitted.statement.kind() {
            self.ground = self.size;
        }
        match admitted.statement {
            Statement::District(district) => {
                if self.district.is_none() {
                    self.directory = roots_of(&district);
                }
                self.district = Some(district);
            }
            Statement::Key(body) => self.directory.apply(index, &body.act),
            Statement::Registry(body) => self.apply_registry(body),
            Statement::Roster(body) => {
                if let Loaded::Roster(entries) = admitted.loaded {
                    self.apply_roster(index, &body, entries);
                }
            }
            Statement::Tariff(body) => self.tariffs.post(index, body.tariff),
            Statement::Watering(body) => self.apply_watering(index, body.watering, None),
            Statement::Correction(body) => {
                self.apply_watering(index, body.watering, Some(body.supersedes));
            }
            Statement::BillRun(body) => {
                if let Loaded::Bills(bills) = admitted.loaded {
                    self.apply_run(index, body, bills);
                }
            }
            Statement::Overdue(body) => {
                self.overdue.insert(body.waiting.subject(), index);
            }
            Statement::Balance(body) => self.balanced_until = Some(body.until),
        }
        index
    }

    /// Checks the content; returns what is read of attachments on the way and will be kept.
    fn check_content(
        &self,
        statement: &Statement,
        attachments: &impl Attachments,
    ) -> Result<Loaded, RecordError> {
        if self.district.is_none() && statement.kind() != Kind::District {
            return Err(RecordError::NoGenesis);
        }
        if let Some(district) = &self.district
            && district.head.district != statement.head().district
        {
            return Err(RecordError::OtherDistrict(statement.head().district.clone()));
        }
        match statement {
            Statement::District(body) => self.check_district(body)?,
            Statement::Key(body) => {
                if let Act::Enrol(Enrolment { village: Some(village), .. }) = &body.act {
                    self.known_village(village)?;
                }
                self.directory.check(&body.act)?;
            }
            Statement::Registry(body) => self.check_registry(body)?,
            Statement::Roster(body) => {
                let bytes = load(&body.entries, attachments)?;
                return self.check_roster(body, &bytes).map(Loaded::Roster);
            }
            Statement::Tariff(_) => {}
            Statement::Watering(body) => self.check_watering(&body.watering, None)?,
            Statement::Correction(body) => self.check_correction(body)?,
            Statement::BillRun(body) => {
                return self.check_run(body, attachments).map(Loaded::Bills);
            }
            Statement::Overdue(body) => self.check_overdue(body, attachments)?,
            Statement::Balance(body) => self.check_balance(body, attachments)?,
        }
        Ok(Loaded::Nothing)
    }

    fn check_district(&self, body: &District) -> Result<(), RecordError> {
        domain::registry::check_name(&body.name)?;
        let log_key = VerifierKey::parse(&body.log_key).map_err(|_| RecordError::LogKey)?;
        body.policy.check(body.roots.len())?;
        let people: BTreeSet<_> = body.roots.iter().map(|root| &root.person).collect();
        let roots = body.roots.iter().map(|root| root.key);
        let keys: BTreeSet<_> = roots.chain([*log_key.key()]).collect();
        if people.len() != body.roots.len() || keys.len() != body.roots.len() + 1 {
            return Err(RecordError::RootsNotDistinct);
        }
        match &self.district {
            Some(before) if before.roots != body.roots || before.log_key != body.log_key => {
                Err(RecordError::RootsChanged)
            }
            _ => Ok(()),
        }
    }

    fn known_village(&self, village: &VillageId) -> Result<&Village, RecordError> {
        self.villages.get(village).ok_or_else(|| RecordError::UnknownVillage(village.clone()))
    }
}

/// Who may sign before anybody is enrolled: the roots, and the log for what it says by itself.
fn roots_of(genesis: &District) -> Directory {
    let mut directory = Directory::default();
    let mut enrol = |person, role, key| directory.enrol(0, Enrolment::new(person, role, key));
    for root in &genesis.roots {
        enrol(root.person.clone(), Role::Root, root.key);
    }
    if let (Ok(key), Ok(person)) =
        (VerifierKey::parse(&genesis.log_key), PersonId::new(Role::Log.code()))
    {
        enrol(person, Role::Log, *key.key());
    }
    directory
}

fn load(
    named: &crate::attachment::AttachmentRef,
    attachments: &impl Attachments,
) -> Result<Vec<u8>, RecordError> {
    let bytes = attachments
        .attachment(&named.sha256)
        .ok_or(RecordError::AttachmentMissing(named.sha256))?;
    named.matches(&bytes)?;
    Ok(bytes)
}
