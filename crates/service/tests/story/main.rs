//! The verbs as stories: a small district on a mock clock over SQLite, from a meter's report to a bill.
//!
//! Every story may end with [`Town::audit`]: what the service posted is then judged by the auditor.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod by_the_log;
mod correcting;
mod drafting;
mod enrolling;
mod foreign;
mod founding;
mod holders;
mod ingest;
mod paying;
mod posting;
mod previewing;
mod proposing;
mod refusing;
mod requests;
mod retention;
mod rotating;
mod servers;
mod sessions;
mod settling;
mod sharing;
mod signing;
mod submitting;
mod town;
mod watching;
mod witnessing;

use town::{Town, asks, at, id, key_of, log_key, round, turn};
