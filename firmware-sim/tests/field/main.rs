//! Scenarios lived through: what meters say against what truly came out of the outlets.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod faults;
mod laws;
mod life;
mod measured;
mod refusals;
mod told;
