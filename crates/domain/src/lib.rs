//! The rules of irrigation water: units, registry, measurement, waterings, shares, tariffs and bills.
//!
//! Everything here is a pure function of its arguments. There is no I/O, no clock, no randomness
//! and no floating point: volumes are integer litres, money is integer fen, areas are integer
//! hundredths of a mu, instants are integer Unix milliseconds. Figures that belong to a place (a
//! price, a scale, a tolerance) are data, never constants of this crate.

pub mod bill;
pub mod id;
pub mod measurement;
pub mod progress;
pub mod registry;
pub mod round;
pub mod share;
pub mod tariff;
pub mod time;
pub mod units;

pub use id::{
    DistrictId, GroupId, HouseholdNo, IdError, MeterCode, OutletId, PersonId, RoundId, TariffId,
    TurnId, VillageId,
};
pub use time::{TimeError, Timestamp};
pub use units::{Area, Fen, Litres, UnitError};
