//! Why a verb was not done.

use disclosure::dsse::EnvelopeError;
use disclosure::hand_readings::HandReadingsError;
use disclosure::key::Fingerprint;
use disclosure::policy::SignatureProblem;
use disclosure::record::RecordError;
use disclosure::statement::{Role, StatementError};
use domain::measurement::MeasurementError;
use domain::progress::ProgressError;
use domain::round::RoundError;
use domain::{MeterCode, OutletId, PersonId, RoundId, Timestamp, TurnId};
use store::StoreError;
use thiserror::Error;

use crate::hand_readings::DraftError;
use crate::payments::{PaymentProblem, WhyRefused};
use crate::{EvidenceError, NoRandomness};

/// Why a verb was not done. Nothing was changed.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// A board with more lines than one answer has.
    #[error(
        "this board has more than {most} lines: take them from its postings and their attachments"
    )]
    NoticeTooLong {
        /// The most that one answer has.
        most: usize,
    },
    /// A code that nobody gave out, or that was used.
    #[error("this code is not known or was used before: ask the station for a new one")]
    UnknownCode,
    /// A code whose time is over.
    #[error("this code could be used until {0}: ask the station for a new one")]
    CodeExpired(Timestamp),
    /// A key that the log knows already.
    #[error("key {0} was enrolled before: make a new key")]
    KeyKnown(Fingerprint),
    /// The store failed; the text is for the log, not for the asker.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// Somebody else was quicker, with something that this contradicts.
    #[error("{0}: somebody else was quicker; read again what is entered")]
    Outrun(#[source] StoreError),
    /// What the store holds does not make a valid record: a damaged or forged database.
    #[error(
        "the log in the database is not valid at entry {index}: {source}; restore a backup or re-create it from an exported log"
    )]
    StoredLog {
        /// The entry.
        index: u64,
        /// What is wrong with it.
        source: RecordError,
    },
    /// The stored log, its head and its tiles do not belong together.
    #[error("the log in the database is damaged: {0}")]
    DamagedLog(String),
    /// A witness holds another history of the log.
    #[error(transparent)]
    Contradiction(#[from] crate::Contradiction),
    /// The log key is not the one that the genesis names.
    #[error(
        "the log key in the data folder is not the one that this log's genesis names: put the right log.key back"
    )]
    WrongLogKey,
    /// A district statement for another log.
    #[error("the district statement names another log key than this server's: write {0}")]
    OtherLogKey(String),
    /// Somebody else's genesis.
    #[error("this log can only be founded by the genesis in the server's data folder")]
    OtherGenesis,
    /// Not an envelope.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// Not a statement.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// Not a request.
    #[error("the request cannot be read: {0}")]
    RequestMalformed(String),
    /// Readings by hand that do not count.
    #[error(transparent)]
    HandReadings(#[from] HandReadingsError),
    /// Against the record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A signature does not count.
    #[error(transparent)]
    Signature(#[from] SignatureProblem),
    /// A step that does not follow.
    #[error(transparent)]
    Progress(#[from] ProgressError),
    /// A round or turn is refused.
    #[error(transparent)]
    Round(#[from] RoundError),
    /// The volume cannot be told.
    #[error(transparent)]
    Measurement(#[from] MeasurementError),
    /// Nothing to draw nonces and tokens from.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// A challenge that cannot be answered.
    #[error("this challenge was answered or has expired: ask for another")]
    ChallengeSpent,
    /// No session, or one that is over.
    #[error("there is no session, or it has ended: sign a new challenge")]
    NoSession,
    /// A request needs exactly one signature.
    #[error("a request carries exactly one signature; this one has {0}")]
    OneSignature(usize),
    /// The asker's role does not allow it.
    #[error("{person} ({}) may not ask this", role.code())]
    NotAllowed {
        /// Who asked.
        person: PersonId,
        /// As what.
        role: Role,
    },
    /// No such statement.
    #[error("there is no statement {0} waiting here")]
    UnknownStatement(i64),
    /// The same statement was refused.
    #[error("statement {statement} was refused by {by}: {reason}; draw up another")]
    RefusedBefore {
        /// The statement.
        statement: i64,
        /// Who refused it.
        by: PersonId,
        /// Why.
        reason: String,
    },
    /// The statement moved on meanwhile.
    #[error("statement {0} has changed meanwhile: read it again")]
    StatementChanged(i64),
    /// A bill run that no longer says what the postings give.
    #[error("what was posted since changes these bills: they are drawn up anew")]
    Overtaken,
    /// A kind that is only drawn up by the server.
    #[error("a {} statement is drawn up by the station's server from what was measured and posted, not handed in", .0.code())]
    DrawnUpHere(disclosure::statement::Kind),
    /// A proposal that nobody signed.
    #[error("a statement is handed in with at least one signature of an expected signer")]
    Unsigned,
    /// A signature ahead of its turn.
    #[error("a {} signs first", .0.code())]
    NotYet(Role),
    /// An attachment that the statement does not name.
    #[error("an attachment was handed in that the statement does not name")]
    StrayAttachment,
    /// No such round.
    #[error("there is no round {0}")]
    UnknownRound(RoundId),
    /// No such turn.
    #[error("there is no turn {0}")]
    UnknownTurn(TurnId),
    /// The turn is closed.
    #[error("turn {0} is closed already")]
    TurnClosed(TurnId),
    /// Old bytes of a request, after which something else was decided.
    #[error("this request was done before, and something else was decided since: sign a new one")]
    DoneBefore,
    /// A turn whose watering everybody signed.
    #[error("the watering of turn {0} is signed by all: correct its posting instead")]
    SignedByAll(TurnId),
    /// A correction that would say the same.
    #[error(
        "the meters and the roster say of posting {0} what it says: there is nothing to correct"
    )]
    NothingToCorrect(u64),
    /// Another correction of the same posting.
    #[error(
        "another correction of posting {posting} waits for signatures as statement {statement}: sign or refuse that first"
    )]
    CorrectionWaits {
        /// The posting's index.
        posting: u64,
        /// The correction's id.
        statement: i64,
    },
    /// A gate that is opened or closed later than now.
    #[error("the time {at} lies in the future, it is {now}: check day and hour")]
    InFuture {
        /// The time given.
        at: Timestamp,
        /// The server's clock.
        now: Timestamp,
    },
    /// The outlet's water already goes to somebody.
    #[error("outlet {outlet} has turn {turn} open: close it first")]
    OutletBusy {
        /// The outlet.
        outlet: OutletId,
        /// Its open turn.
        turn: TurnId,
    },
    /// The outlet's water went to somebody at that time.
    #[error("outlet {outlet} had turn {turn} at that time: check both gates' times")]
    OutletTaken {
        /// The outlet.
        outlet: OutletId,
        /// The other turn.
        turn: TurnId,
    },
    /// No such proposal.
    #[error("there is no proposal {0}")]
    UnknownProposal(i64),
    /// A proposal of other water.
    #[error(
        "proposal {proposal} is of outlet {outlet} from {from} to {to}: name the one that fits, or none"
    )]
    OtherProposal {
        /// The proposal.
        proposal: i64,
        /// Its outlet.
        outlet: OutletId,
        /// From when its water ran.
        from: Timestamp,
        /// To when.
        to: Timestamp,
    },
    /// Somebody decided about the proposal.
    #[error("proposal {0} was accepted or dismissed already: read the list again")]
    ProposalDecided(i64),
    /// No such alarm.
    #[error("there is no alarm {0}")]
    UnknownAlarm(i64),
    /// The alarm is over.
    #[error("alarm {0} is cleared already: read the list again")]
    AlarmCleared(i64),
    /// A reading by hand that cannot be.
    #[error(transparent)]
    HandReading(#[from] DraftError),
    /// A reading by hand that says otherwise than a stored one.
    #[error(
        "meter {meter} showed {stored} at {at}, as is stored, and not {value}: check the time and the value"
    )]
    ReadingContradicts {
        /// The meter.
        meter: MeterCode,
        /// When.
        at: Timestamp,
        /// The new value.
        value: i64,
        /// The stored one.
        stored: i64,
    },
    /// A code that stands for something else already.
    #[error("{what} {code} exists already with other content: choose another code")]
    Exists {
        /// What kind of thing.
        what: &'static str,
        /// Its code.
        code: String,
    },
    /// A payment or a reversal is refused.
    #[error(transparent)]
    Payment(#[from] PaymentProblem),
    /// The evidence is not whole yet.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// Somebody else posted at the same time, again and again.
    #[error("the log is busy: try again")]
    LogBusy,
    /// A bound that protects everyone.
    #[error("{what} is too large: at most {limit} are allowed")]
    TooLarge {
        /// What.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
}

/// What an asker can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// What was handed in is wrong.
    Invalid,
    /// The asker must begin a session first.
    NoSession,
    /// The asker may not.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// There was such a thing, and its time is over.
    Gone,
    /// It does not fit the present state; reading again may help.
    Conflict,
    /// Not the asker's fault; the cause stands in the log only.
    Unavailable,
}

impl ServiceError {
    /// What a store says to something that was checked before and does not fit any more.
    pub(crate) fn of_race(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { .. } => Self::Outrun(error),
            other => Self::Store(other),
        }
    }

    /// What an asker can do about it. The text of all but [`ErrorClass::Unavailable`] may be shown.
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Store(_)
            | Self::StoredLog { .. }
            | Self::DamagedLog(_)
            | Self::Contradiction(_)
            | Self::WrongLogKey
            | Self::LogBusy
            | Self::Randomness(_) => ErrorClass::Unavailable,
            Self::NoSession => ErrorClass::NoSession,
            Self::NotAllowed { .. }
            | Self::Signature(_)
            | Self::HandReadings(HandReadingsError::Signature(_) | HandReadingsError::Role)
            | Self::Record(RecordError::Signature(_)) => ErrorClass::Forbidden,
            Self::Payment(PaymentProblem::UnknownReceipt(_))
            | Self::UnknownStatement(_)
            | Self::UnknownRound(_)
            | Self::UnknownTurn(_)
            | Self::UnknownProposal(_)
            | Self::UnknownAlarm(_)
            | Self::UnknownCode => ErrorClass::NotFound,
            Self::CodeExpired(_) => ErrorClass::Gone,
            Self::Progress(_)
            | Self::NotYet(_)
            | Self::ChallengeSpent
            | Self::StatementChanged(_)
            | Self::RefusedBefore { .. }
            | Self::Overtaken
            | Self::Outrun(_)
            | Self::TurnClosed(_)
            | Self::DoneBefore
            | Self::SignedByAll(_)
            | Self::NothingToCorrect(_)
            | Self::CorrectionWaits { .. }
            | Self::OutletBusy { .. }
            | Self::OutletTaken { .. }
            | Self::ProposalDecided(_)
            | Self::AlarmCleared(_)
            | Self::ReadingContradicts { .. }
            | Self::Exists { .. }
            | Self::KeyKnown(_)
            | Self::Payment(
                PaymentProblem::Reversed(_)
                | PaymentProblem::Refused { why: WhyRefused::Taken { .. }, .. },
            )
            | Self::Evidence(_) => ErrorClass::Conflict,
            _ => ErrorClass::Invalid,
        }
    }
}
