//! What befalls a device: its clock, its battery, its power, its case.

mod battery;
mod clock;
mod meter;

pub(crate) use battery::Battery;
pub(crate) use clock::Clock;
pub(crate) use meter::{Making, Meter};
