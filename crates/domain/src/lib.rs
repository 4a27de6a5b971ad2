//! The rules of irrigation water: units, registry, measurement, waterings, shares, tariffs and bills.
//!
//! Everything here is a pure function of its arguments. There is no I/O, no clock, no randomness
//! and no floating point between a reading and a bill: volumes are integer litres, money is integer fen, areas are
//! integer hundredths of a mu, instants are integer Unix milliseconds. (Drawing up a rating table from a formula
//! reckons with real numbers; what is posted and used is the table's integers.) Figures that belong to a place (a
//! price, a scale, a tolerance) are data, never constants of this crate.

pub mod account;
pub mod balance;
pub mod bill;
pub mod holder;
pub mod id;
pub mod measurement;
pub mod payment;
pub mod plot;
pub mod progress;
pub mod rating;
pub mod refusal;
pub mod registry;
pub mod round;
pub mod scale;
pub mod share;
pub mod tariff;
pub mod text;
pub mod time;
pub mod units;
pub mod watch;

pub use id::{
    ClassId, DistrictId, GroupId, HouseholdNo, IdError, MeterCode, OutletId, PersonId, RoundId,
    TableId, TariffId, TurnId, VillageId,
};
pub use time::{TimeError, Timestamp};
pub use units::{Area, Fen, Litres, UnitError};
