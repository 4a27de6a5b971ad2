//! Why an entry may not stand at the record's next index.

use domain::account::AccountError;
use domain::plot::Source;
use domain::rating::RatingError;
use domain::registry::RegistryError;
use domain::share::ShareError;
use domain::{GroupId, HouseholdNo, MeterCode, OutletId, TableId, Timestamp, VillageId};
use thiserror::Error;

use crate::attachment::AttachmentError;
use crate::directory::DirectoryError;
use crate::merkle::Hash;
use crate::policy::SignatureProblem;
use crate::statement::{
    BalanceError, Kind, MAX_EVIDENCE_PIECES, MeterKeyError, Need, PolicyError, RosterError,
    StatementError,
};

/// Why an entry may not stand at the record's next index.
#[derive(Debug, Error)]
pub enum RecordError {
    /// Not a statement.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// A signature does not count.
    #[error(transparent)]
    Signature(#[from] SignatureProblem),
    /// The policy is not met.
    #[error("signatures are missing: {}", missing_text(.0))]
    SignaturesMissing(Vec<Need>),
    /// The same statement again.
    #[error("the same statement stands at posting {0} already: draw up a new one")]
    PostedBefore(u64),
    /// The first entry must be the genesis.
    #[error("the log has no genesis yet: its first entry must be a district statement")]
    NoGenesis,
    /// A statement for another log.
    #[error("the statement is for district {0}, not for this one")]
    OtherDistrict(domain::DistrictId),
    /// The log key cannot be read.
    #[error("the log key is not a signed-note verifier key")]
    LogKey,
    /// Two roots share a person or a key.
    #[error(
        "the root keys must belong to different people, and differ from each other and from the log key"
    )]
    RootsNotDistinct,
    /// A later district statement named other roots or another log key.
    #[error("root keys and log key are fixed by the genesis and cannot be changed")]
    RootsChanged,
    /// The policy is refused.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A change of the directory is refused.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// An entry of the registry is refused.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A rating table is refused.
    #[error(transparent)]
    Rating(#[from] RatingError),
    /// A posted rating table in another form.
    #[error("rating table {0} was posted with other rows: a new version needs a new code")]
    TableChanged(TableId),
    /// A rating table that was not posted.
    #[error("rating table {0} is not in the registry: post it with the meter or before")]
    UnknownTable(TableId),
    /// A meter that the registry does not know.
    #[error("the registry has no meter {0}: check its code, or post it first")]
    UnknownMeter(MeterCode),
    /// A meter's keys are refused.
    #[error(transparent)]
    MeterKey(#[from] MeterKeyError),
    /// Two meters at one outlet at a time.
    #[error(
        "meter {meter} still stands at outlet {outlet} when the next one is installed: give the date of its removal in the same statement"
    )]
    StillInstalled {
        /// The outlet.
        outlet: OutletId,
        /// The meter that stands there.
        meter: MeterCode,
    },
    /// Evidence that does not fit together.
    #[error(
        "the evidence must have 1 to {MAX_EVIDENCE_PIECES} pieces, one for each meter and origin, and the watering the weakest of their origins"
    )]
    EvidencePieces,
    /// A larger area than the household has.
    #[error("household {0} has less land than it is said to have irrigated")]
    AreaTooLarge(HouseholdNo),
    /// A share for a household without land that the outlet waters.
    #[error(
        "household {0} has no plot with {1} water: enter it in the roster, or leave the household out"
    )]
    NoPlot(HouseholdNo, Source),
    /// The roster's entries are refused.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// An attachment differs from what the statement names.
    #[error(transparent)]
    Attachment(#[from] AttachmentError),
    /// An attachment is not there.
    #[error("attachment {0} is missing: hand it in with the statement")]
    AttachmentMissing(Hash),
    /// A village the registry does not know.
    #[error("village {0} is not in the registry")]
    UnknownVillage(VillageId),
    /// A group its village does not have.
    #[error("group {0} is not a group of village {1}")]
    UnknownGroup(GroupId, VillageId),
    /// An outlet the registry does not know.
    #[error("outlet {0} is not in the registry")]
    UnknownOutlet(OutletId),
    /// A meter that does not stand at the outlet.
    #[error("meter {0} does not stand at outlet {1}")]
    NotTheOutletsMeter(MeterCode, OutletId),
    /// An outlet that delivers to another village.
    #[error("outlet {0} does not deliver to village {1}")]
    NotTheVillagesOutlet(OutletId, VillageId),
    /// Two meters with one device key.
    #[error("meter {0} has the device key of another meter: each needs its own")]
    DeviceKeyShared(MeterCode),
    /// A household in two villages' rosters.
    #[error(
        "household {0} stands in the roster of village {1} at the same time: take it out there first"
    )]
    InTwoVillages(HouseholdNo, VillageId),
    /// A village without a roster at a time.
    #[error(
        "village {0} has no roster in force at {1}: post one that is effective from then or earlier"
    )]
    NoRoster(VillageId, Timestamp),
    /// A share of somebody who is not in the group.
    #[error("household {0} is not in the roster of group {1}")]
    NotInGroup(HouseholdNo, GroupId),
    /// The sums of a watering do not hold.
    #[error("the volume {stated} litres is not V(t1) − V(t0) = {computed}")]
    Volume {
        /// The statement's.
        stated: i64,
        /// What it comes to.
        computed: i128,
    },
    /// A watering that ends before it begins.
    #[error("the watering ends before it begins")]
    Backwards,
    /// The shares are not what the method gives.
    #[error("the shares are not the volume divided by the areas of the roster in force")]
    SharesDiffer,
    /// The volume cannot be divided.
    #[error(transparent)]
    Shares(#[from] ShareError),
    /// The evidence's sequence runs backwards.
    #[error("the evidence's last report comes before its first")]
    EvidenceBackwards,
    /// Two waterings of one outlet overlap.
    #[error("the time overlaps with posting {0} of the same outlet")]
    Overlap(u64),
    /// A correction of something that is not there to correct.
    #[error("posting {0} is not a watering that holds")]
    NothingToSupersede(u64),
    /// A correction that moves to another outlet, village or turn.
    #[error("a correction must be for the outlet, village, round and turn of posting {0}")]
    CorrectsAnother(u64),
    /// A correction without a printable reason.
    #[error("a correction needs a reason of 1 to {max} printable characters", max = crate::statement::MAX_REASON_CHARS)]
    Reason,
    /// A watering, or its correction, in a year that was closed.
    #[error(
        "the year {year} of village {village} was closed by posting {run}: nothing in it changes any more"
    )]
    YearClosed {
        /// The village.
        village: VillageId,
        /// The year.
        year: i32,
        /// The run that closed it.
        run: u64,
    },
    /// A closing before the year's end.
    #[error("the year {0} is not over: close it when it is")]
    YearNotOver(i32),
    /// A run without anything to bill.
    #[error("there is no posted watering to bill: post the waterings first")]
    NothingToBill,
    /// A second run.
    #[error("everything posted for the village and round was billed before, last by posting {run}")]
    BilledBefore {
        /// The latest run.
        run: u64,
    },
    /// A run over other waterings than those that hold.
    #[error("the run must bill exactly the postings {expected:?}")]
    OtherWaterings {
        /// The postings of the village and round that hold.
        expected: Vec<u64>,
    },
    /// A run under the wrong year.
    #[error("the run belongs to year {0}: that is the first in which something is due")]
    Year(i32),
    /// The run cannot be computed.
    #[error(transparent)]
    Bill(#[from] AccountError),
    /// The run's bills are not what the postings give.
    #[error("the bills differ from what the posted waterings give{}", at_household(.0.as_ref()))]
    BillsDiffer(Option<HouseholdNo>),
    /// Bills, or what is overdue, cannot be written as JSON.
    #[error("it cannot be written as JSON: {0}")]
    Json(serde_json::Error),
    /// The policy gives the kind no deadline.
    #[error("the policy in force gives a {} statement no deadline", .0.code())]
    NoDeadline(Kind),
    /// Another deadline than the policy gives.
    #[error("the signatures were due at {0} by the policy in force")]
    OtherDeadline(Timestamp),
    /// The deadline is not over.
    #[error("the signatures are not due before {0}")]
    NotYetDue(Timestamp),
    /// It was posted as overdue before.
    #[error("posting {0} tells of it as overdue already")]
    OverdueBefore(u64),
    /// Nothing is overdue.
    #[error("all signatures are there: post it")]
    NothingMissing,
    /// Others are named as asked than those who can give a missing signature.
    #[error("it must name everybody who can give a signature that is missing, and nobody else")]
    OtherAsked,
    /// A day's balance is refused.
    #[error(transparent)]
    Balance(#[from] BalanceError),
}

fn missing_text(missing: &[Need]) -> String {
    let needs: Vec<String> =
        missing.iter().map(|need| format!("{} × {}", need.count, need.role.code())).collect();
    needs.join(", ")
}

fn at_household(household: Option<&HouseholdNo>) -> String {
    household.map_or_else(String::new, |household| format!(", first at household {household}"))
}
