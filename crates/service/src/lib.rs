//! The verbs: take a batch of reports, open and close a turn, draft, sign, refuse, post, settle.
//!
//! A [`Service`] is one district: its store, its public record and its log key. It holds no
//! person's private key: people sign requests and statements elsewhere and hand the signatures in,
//! and what the service does is what those signatures and the record allow.

pub mod arrival;
pub mod board;
pub mod clock;
pub mod device;
pub mod error;
pub mod hand_readings;
mod holders;
pub mod past_turns;
pub mod payments;
pub mod randomness;
pub mod request;
pub mod session;
pub mod to_sign;

mod asking;
mod by_the_log;
mod correcting;
mod door;
mod drafting;
mod enrolling;
mod entering;
mod evidence;
mod foreign;
mod ingest;
mod lanes;
mod log;
mod outlet;
mod pending;
mod posting;
mod publishing;
mod retention;
mod service;
mod settling;
mod signing;
mod submission;
mod watch;
mod witnesses;

pub use arrival::{Arrival, Receipt, Refused};
pub use asking::Answer;
pub use clock::Clock;
pub use device::{DeviceState, DeviceStatus, MAX_STATUSES, Statuses, TooManyStatuses};
pub use domain::refusal::RefusalReason;
pub use drafting::{Obstacle, Undrafted};
pub use enrolling::{INVITATION_SECONDS, enrolment_text};
pub use entering::Entered;
pub use error::{ErrorClass, ServiceError};
pub use evidence::EvidenceError;
pub use foreign::{ForeignCounts, ForeignReading, ForeignReason};
pub use ingest::{Checked, MAX_CLOCK_AHEAD_MILLIS, QuarantineReason};
pub use log::{LogKey, LogReader};
pub use pending::{NewAttachment, PendingSignature, PendingStatement};
pub use publishing::Reached;
pub use randomness::{NoRandomness, Randomness};
pub use retention::{Need, Needs};
pub use service::Service;
pub use session::{Begun, Challenge, NotASecret, Secret, Session};
pub use store::{Grounds, Receipted, Refusal};
pub use to_sign::ToSign;
pub use witnesses::{
    Contradiction, WitnessClient, WitnessReply, WitnessStatus, Witnesses, WitnessesError,
};
