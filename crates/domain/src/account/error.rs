//! Why a year cannot be reckoned.

use thiserror::Error;

use crate::plot::{Crop, Source};
use crate::{HouseholdNo, TariffId, TimeError, Timestamp};

/// Why a year cannot be reckoned.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AccountError {
    /// A year outside those reckoned with.
    #[error(transparent)]
    Year(#[from] TimeError),
    /// No tariff holds at that time.
    #[error("no tariff is in force at {0}: post one that is valid from then or earlier")]
    NoTariff(Timestamp),
    /// No roster holds at that time.
    #[error("no roster is in force at {0}: post one that is valid from then or earlier")]
    NoRoster(Timestamp),
    /// A household stands twice in a roster.
    #[error("household {household} stands twice in the roster posted at {roster}")]
    HoldingTwice {
        /// The roster's posting index.
        roster: u64,
        /// The household.
        household: HouseholdNo,
    },
    /// A watering of another year.
    #[error("the watering posted at {watering} began in another year than {year}: leave it out")]
    OtherYear {
        /// The posting index of its first version.
        watering: u64,
        /// The year reckoned.
        year: i32,
    },
    /// A watering is given twice.
    #[error(
        "the watering first posted at {0} is given twice: give the version that holds now, once"
    )]
    WateringTwice(u64),
    /// A household has two shares of a watering.
    #[error("household {household} has two shares of the watering posted at {watering}")]
    ShareTwice {
        /// The posting index of its first version.
        watering: u64,
        /// The household.
        household: HouseholdNo,
    },
    /// A negative volume.
    #[error("household {household} has a share of {litres} litres: a share is not negative")]
    Negative {
        /// The household.
        household: HouseholdNo,
        /// The share.
        litres: i64,
    },
    /// A share of a household that the roster does not have.
    #[error(
        "household {household} has a share of the watering posted at {watering} and is not in the roster in force when \
         it began: post a roster that has it"
    )]
    NotInRoster {
        /// The posting index of its first version.
        watering: u64,
        /// The household.
        household: HouseholdNo,
    },
    /// Water for a household without land that takes it.
    #[error(
        "household {household} has no plot with {} water, which it got: correct the roster's plots or the outlet's \
         source",
        water
    )]
    NoPlot {
        /// The household.
        household: HouseholdNo,
        /// Where the water came from.
        water: Source,
    },
    /// A crop that the tariff does not know.
    #[error(
        "household {household} grows {crop}, which no class of tariff {tariff} has: add the crop to a class, or give \
         the tariff a class for all other crops"
    )]
    NoClass {
        /// The household.
        household: HouseholdNo,
        /// The crop.
        crop: Crop,
        /// The tariff's code.
        tariff: TariffId,
    },
    /// Water from a source that the tariff says nothing about.
    #[error("tariff {tariff} has no price for {} water: add a metered price for it", water)]
    NoPrice {
        /// The tariff's code.
        tariff: TariffId,
        /// Where the water came from.
        water: Source,
    },
    /// An amount beyond the range of money.
    #[error(
        "an amount for household {0} is out of range: check its areas and volumes, and the prices"
    )]
    Overflow(HouseholdNo),
}
