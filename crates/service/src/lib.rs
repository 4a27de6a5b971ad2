//! The verbs: take a batch of reports, open and close a turn, draft, sign, refuse, post, settle.

pub mod arrival;

pub use arrival::{Arrival, Receipt};
