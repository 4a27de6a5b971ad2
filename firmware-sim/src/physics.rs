//! The water itself: what truly flows at an outlet, and what sensors make of it.
//!
//! All sums are integers, in microlitres (a millilitre per second for a millisecond) and millijoules, so that the true
//! volume between any two instants is known exactly and the same on every machine.

mod flume;
mod outflow;
mod sensor;
mod source;

pub(crate) use flume::Flume;
pub(crate) use outflow::{Outflow, Truth};
pub(crate) use sensor::Sensor;
pub(crate) use source::{Opening, Source, Way};

/// What shares and chances are out of.
pub(crate) const PERMILLE: i64 = 1000;
