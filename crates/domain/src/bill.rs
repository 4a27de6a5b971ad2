//! From posted waterings to bills: a pure function, so that anyone recomputes the same fen.
//!
//! A watering is priced as a whole, rounded once, and the amount is apportioned over its shares by
//! largest remainder, so the lines of a watering add up to its price. The basic charge is a line
//! of its own, once for each household and year.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::share::{Share, largest_remainder};
use crate::tariff::{Price, TariffError, Tariffs};
use crate::{Area, Fen, HouseholdNo, Litres, Timestamp};

/// A watering as the public log states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostedWatering {
    /// Its index in the public log.
    pub index: u64,
    /// When it began: the tariff in force then prices it.
    pub start: Timestamp,
    /// Its volume; the shares add up to it.
    pub volume: Litres,
    /// Its shares, by household number.
    pub shares: Vec<Share>,
}

/// A household's charges of one billing run (水费单).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bill {
    /// Whose bill it is.
    pub household: HouseholdNo,
    /// Every step of the sum.
    pub lines: Vec<BillLine>,
    /// The sum of the lines.
    pub total_fen: Fen,
}

/// One line of a bill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BillLine {
    /// The rule it follows, with the figures that go in.
    pub charge: Charge,
    /// The posting index of the tariff it is priced by.
    pub tariff: u64,
    /// The tariff's price, in yuan for one m³ or one mu and year.
    pub price: Price,
    /// What it comes to.
    pub amount_fen: Fen,
}

/// What a line charges for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Charge {
    /// The basic charge (基本水费) for a year: area × price.
    Basic {
        /// The year.
        year: i32,
        /// The household's area in the roster, in hundredths of a mu.
        area: Area,
    },
    /// A share of a watering (计量水费): the watering's price × share ÷ volume.
    Metered {
        /// The watering's posting index.
        watering: u64,
        /// The watering's whole volume.
        watering_litres: Litres,
        /// The watering's whole price: volume × price, rounded half up to the fen.
        watering_fen: Fen,
        /// The household's share.
        litres: Litres,
    },
}

/// Why a run cannot be billed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BillError {
    /// Pricing failed.
    #[error(transparent)]
    Tariff(#[from] TariffError),
    /// There is nothing to bill.
    #[error("there is no posted watering to bill: post the round's waterings first")]
    NothingToBill,
    /// The shares cannot carry the price.
    #[error("the shares of posting {0} cannot carry its price")]
    Shares(u64),
}

/// Bills one village and one round.
///
/// `waterings` are the run's posted waterings by index; `households` the village's roster with
/// areas in hundredths of a mu. With `basic_charge`, every household of the roster is also charged
/// the basic price of the tariff in force when the earliest watering began, for that year. Bills
/// come in the order of household numbers; a household with nothing to pay for has none.
pub fn bill_run(
    tariffs: &Tariffs,
    households: &[(HouseholdNo, Area)],
    waterings: &[PostedWatering],
    basic_charge: bool,
) -> Result<Vec<Bill>, BillError> {
    let earliest = waterings.iter().map(|w| w.start).min().ok_or(BillError::NothingToBill)?;
    let mut lines: BTreeMap<&HouseholdNo, Vec<BillLine>> = BTreeMap::new();
    if basic_charge {
        let (index, tariff) = tariffs.in_force(earliest)?;
        let price = tariff.basic_yuan_per_mu_year;
        for (household, area) in households {
            lines.entry(household).or_default().push(BillLine {
                charge: Charge::Basic { year: earliest.year(), area: *area },
                tariff: index,
                price,
                amount_fen: price.for_area(*area)?,
            });
        }
    }
    for watering in waterings {
        for (household, line) in metered_lines(tariffs, watering)? {
            lines.entry(household).or_default().push(line);
        }
    }
    let mut bills: Vec<Bill> = lines
        .into_iter()
        .map(|(household, lines)| Bill {
            household: household.clone(),
            total_fen: lines.iter().map(|line| line.amount_fen).sum(),
            lines,
        })
        .collect();
    bills.sort_by(|a, b| a.household.number_order().cmp(&b.household.number_order()));
    Ok(bills)
}

fn metered_lines<'a>(
    tariffs: &Tariffs,
    watering: &'a PostedWatering,
) -> Result<Vec<(&'a HouseholdNo, BillLine)>, BillError> {
    let (index, tariff) = tariffs.in_force(watering.start)?;
    let price = tariff.metered_yuan_per_m3;
    let whole = price.for_volume(watering.volume)?;
    let weights = share_weights(watering);
    let amounts =
        largest_remainder(whole.get(), &weights).ok_or(BillError::Shares(watering.index))?;
    Ok(watering
        .shares
        .iter()
        .zip(amounts)
        .map(|(share, amount)| {
            let charge = Charge::Metered {
                watering: watering.index,
                watering_litres: watering.volume,
                watering_fen: whole,
                litres: share.litres,
            };
            (&share.household, BillLine { charge, tariff: index, price, amount_fen: Fen(amount) })
        })
        .collect())
}

/// Money follows litres; a watering without water costs nothing, however it is divided.
fn share_weights(watering: &PostedWatering) -> Vec<i64> {
    if watering.volume == Litres::ZERO {
        return vec![1; watering.shares.len()];
    }
    watering.shares.iter().map(|share| share.litres.get()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::share::{Part, ShareMethod, divide};
    use crate::tariff::Tariff;
    use crate::{HouseholdNo, TariffId};
    use proptest::prelude::*;

    fn tariffs(metered: &str, basic: &str) -> Tariffs {
        let mut tariffs = Tariffs::default();
        tariffs.post(
            5,
            Tariff {
                id: TariffId::new("t1").unwrap(),
                valid_from: "2016-01-01T00:00:00Z".parse().unwrap(),
                metered_yuan_per_m3: Price::new(metered).unwrap(),
                basic_yuan_per_mu_year: Price::new(basic).unwrap(),
            },
        );
        tariffs
    }

    fn households() -> Vec<(HouseholdNo, Area)> {
        [("101", 840), ("102", 1170), ("103", 990), ("104", 600)]
            .map(|(no, area)| (HouseholdNo::new(no).unwrap(), Area(area)))
            .to_vec()
    }

    fn watering(index: u64, litres: i64) -> PostedWatering {
        PostedWatering {
            index,
            start: "2016-04-02T00:00:00Z".parse().unwrap(),
            volume: Litres(litres),
            shares: {
                let part = |(household, area)| Part { household, area, minutes: None };
                let parts: Vec<Part> = households().into_iter().map(part).collect();
                divide(Litres(litres), ShareMethod::Area, &parts).unwrap()
            },
        }
    }

    #[test]
    fn golden_split_by_area_adds_up_to_the_fen() {
        let bills =
            bill_run(&tariffs("0.152", "0"), &households(), &[watering(7, 6_480_000)], false)
                .unwrap();
        let totals: Vec<i64> = bills.iter().map(|bill| bill.total_fen.get()).collect();
        assert_eq!(totals, [22_983, 32_011, 27_086, 16_416]);
        assert_eq!(totals.iter().sum::<i64>(), 98_496);
    }

    #[test]
    fn the_basic_charge_stands_on_its_own_line() {
        let bills =
            bill_run(&tariffs("0.152", "4"), &households(), &[watering(7, 6_480_000)], true)
                .unwrap();
        let first = &bills[0];
        assert_eq!(first.lines[0].amount_fen, Fen(3360));
        assert_eq!(first.lines[0].charge, Charge::Basic { year: 2016, area: Area(840) });
        assert_eq!(first.total_fen, Fen(22_983 + 3360));
        assert_eq!(first.lines[1].tariff, 5);
    }

    #[test]
    fn a_watering_without_water_costs_nothing() {
        let bills =
            bill_run(&tariffs("0.152", "4"), &households(), &[watering(7, 0)], false).unwrap();
        assert!(bills.iter().all(|bill| bill.total_fen == Fen::ZERO));
    }

    #[test]
    fn rejects_a_run_without_waterings_or_tariff() {
        assert_eq!(
            bill_run(&tariffs("1", "1"), &households(), &[], true),
            Err(BillError::NothingToBill)
        );
        assert!(matches!(
            bill_run(&Tariffs::default(), &households(), &[watering(7, 1)], true),
            Err(BillError::Tariff(TariffError::NoneInForce(_)))
        ));
    }

    #[test]
    fn a_bill_reads_back_from_its_json() {
        let bills =
            bill_run(&tariffs("0.0305", "4"), &households(), &[watering(7, 1001)], true).unwrap();
        let json = serde_json::to_string(&bills).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Bill>>(&json).unwrap(), bills);
    }

    proptest! {
        #[test]
        fn lines_add_up_to_the_waterings_prices(
            volumes in prop::collection::vec(0_i64..5_000_000_000, 1..6),
            price in 0_u32..99_999,
        ) {
            let price = format!("0.{price:05}");
            let tariffs = tariffs(&price, "4");
            let waterings: Vec<_> =
                (0..).zip(&volumes).map(|(index, &litres)| watering(index, litres)).collect();
            let bills = bill_run(&tariffs, &households(), &waterings, false).unwrap();
            let billed: i64 = bills.iter().map(|bill| bill.total_fen.get()).sum();
            let due: i64 = volumes
                .iter()
                .map(|&litres| Price::new(&price).unwrap().for_volume(Litres(litres)).unwrap().get())
                .sum();
            prop_assert_eq!(billed, due);
            for bill in &bills {
                prop_assert_eq!(bill.lines.iter().map(|line| line.amount_fen).sum::<Fen>(), bill.total_fen);
            }
        }
    }
}
