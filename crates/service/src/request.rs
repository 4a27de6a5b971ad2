//! Requests: what a person asks the service to do, signed with their key (DSSE), so that who did it is on record.
//!
//! A request is not a statement: it is not posted. It opens and closes rounds and turns, settles and
//! refuses. It is kept, and the same request handed in twice is done once.

use disclosure::key::{Fingerprint, PublicKey};
use disclosure::statement::{Enrolment, Role};
use domain::holder::MaskedName;
pub use domain::payment::Payment;
use domain::payment::ReceiptNo;
use domain::refusal::RefusalReason;
use domain::round::{Round, Turn};
use domain::{HouseholdNo, PersonId, RoundId, Timestamp, TurnId, VillageId};
use serde::{Deserialize, Serialize};

use crate::past_turns::PastTurn;

/// The DSSE payload type of a request.
pub const REQUEST_PAYLOAD_TYPE: &str = "application/vnd.mingqu.request.v1+json";

/// The longest envelope of a request: [`MAX_PAYMENTS`] payments with the longest references and notes fit.
pub const MAX_REQUEST_BYTES: usize = 1024 * 1024;
/// The most payments of one request.
pub const MAX_PAYMENTS: usize = store::MAX_PAYMENTS_PER_CALL;

/// What is asked, for which district, and a mark that makes each request its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The district it is for.
    pub district: domain::DistrictId,
    /// When it was asked, as the asker's clock says; tells two equal requests apart.
    pub asked_at: Timestamp,
    /// What is asked.
    pub ask: Ask,
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ask {
    /// Schedule a round.
    OpenRound(Round),
    /// Open a turn.
    OpenTurn(Turn),
    /// Close a turn; its watering is drafted as soon as the meter's readings allow it.
    CloseTurn {
        /// The turn.
        turn: TurnId,
        /// When the gate was closed.
        closed_at: Timestamp,
    },
    /// Enter a turn that is over: opened and closed in one request, as by somebody who had no
    /// reception at the gate, or who accepts a proposal.
    LogTurn {
        /// The turn.
        turn: Turn,
        /// When the gate was closed.
        closed_at: Timestamp,
        /// The proposal that it came of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        proposal: Option<i64>,
    },
    /// Write a turn anew that was entered wrongly, as long as its watering is not signed by all.
    AmendTurn(PastTurn),
    /// Draw up a correction of a posted watering, which is measured anew.
    Correct {
        /// The posting's index.
        posting: u64,
        /// The turn as it should have been entered; without it, as it was posted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instead: Option<PastTurn>,
        /// Why.
        reason: String,
    },
    /// Say of a proposal that it is no turn.
    DismissProposal {
        /// The proposal.
        proposal: i64,
        /// Why.
        reason: String,
    },
    /// Take note of an alarm, with what is done about it.
    AcknowledgeAlarm {
        /// The alarm.
        alarm: i64,
        /// What is done about it.
        note: String,
    },
    /// Draw up the bills of a village and round.
    Settle {
        /// The village.
        village: VillageId,
        /// The round.
        round: RoundId,
    },
    /// Draw up the closing of a village's year: what is due still, rewards, and what is short of a minimum.
    CloseYear {
        /// The village.
        village: VillageId,
        /// The year.
        year: i32,
    },
    /// Keep masked names of households' holders beside the log, in the place of earlier ones.
    Holders(Vec<Holder>),
    /// Record payments, all or none; those that are recorded already keep their receipts.
    RecordPayments {
        /// 1 to [`MAX_PAYMENTS`] payments.
        payments: Vec<Payment>,
    },
    /// Say of a payment that it does not count; it stays, and so does this.
    ReversePayment {
        /// The payment's receipt number.
        receipt: ReceiptNo,
        /// Why.
        reason: String,
    },
    /// Let somebody enrol a key, with a one-time code.
    Invite(Invitation),
    /// Refuse to sign a statement (拒签).
    Refuse {
        /// The statement.
        statement: i64,
        /// Why.
        reason: RefusalReason,
        /// What the signer adds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
}

/// The most masked names of one request.
pub const MAX_HOLDERS: usize = 300;

/// A household's holder, masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// The household.
    pub household: HouseholdNo,
    /// Its holder's masked name.
    pub name: MaskedName,
}

/// Whose key may be enrolled with a code, and as what; see [`Enrolment`] for the fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invitation {
    /// The person.
    pub person: PersonId,
    /// The role.
    pub role: Role,
    /// The village.
    #[serde(default)]
    pub village: Option<VillageId>,
    /// The household.
    #[serde(default)]
    pub household: Option<HouseholdNo>,
    /// The key that the new one replaces.
    #[serde(default)]
    pub replaces: Option<Fingerprint>,
}

impl Invitation {
    /// The enrolment of a key by it.
    pub fn enrolment(&self, key: PublicKey) -> Enrolment {
        Enrolment {
            village: self.village.clone(),
            household: self.household.clone(),
            replaces: self.replaces,
            ..Enrolment::new(self.person.clone(), self.role, key)
        }
    }
}

impl Ask {
    /// Whether somebody in `role` may ask this.
    pub const fn allowed(&self, role: Role) -> bool {
        match self {
            Self::Refuse { .. } => !matches!(role, Role::Household | Role::Log),
            // Whether they decide on that person's key is the policy's to say.
            Self::Invite(_) => matches!(role, Role::Root | Role::Station | Role::Supervisor),
            _ => matches!(role, Role::Station),
        }
    }

    /// The word that stands on record.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::OpenRound(_) => "open-round",
            Self::OpenTurn(_) => "open-turn",
            Self::CloseTurn { .. } => "close-turn",
            Self::LogTurn { .. } => "log-turn",
            Self::AmendTurn(_) => "amend-turn",
            Self::Correct { .. } => "correct",
            Self::DismissProposal { .. } => "dismiss-proposal",
            Self::AcknowledgeAlarm { .. } => "acknowledge-alarm",
            Self::Settle { .. } => "settle",
            Self::CloseYear { .. } => "close-year",
            Self::Holders(_) => "holders",
            Self::RecordPayments { .. } => "record-payments",
            Self::ReversePayment { .. } => "reverse-payment",
            Self::Invite(_) => "invite",
            Self::Refuse { .. } => "refuse",
        }
    }
}
