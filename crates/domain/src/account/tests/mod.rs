//! What an account refuses, and cases that no worked file shows.

mod laws;

use super::*;
use crate::bill::{BillLine, Charge};
use crate::plot::{Crop, Plot};
use crate::tariff::Tariff;
use crate::{Area, Fen, TariffId};

pub(super) fn no(text: &str) -> HouseholdNo {
    HouseholdNo::new(text).unwrap()
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn holding(household: &str, plots: &[(&str, Source, i64)]) -> Holding {
    let plot = |&(crop, source, area): &(&str, Source, i64)| Plot {
        crop: Crop::new(crop).unwrap(),
        source,
        area: Area(area),
    };
    Holding { household: no(household), plots: plots.iter().map(plot).collect(), water_right: None }
}

pub(super) fn rosters(holdings: &[Holding]) -> Rosters {
    let mut rosters = Rosters::default();
    rosters.post(3, at("2023-12-31T16:00:00Z"), holdings.to_vec()).unwrap();
    rosters
}

pub(super) fn tariffs(rules: &str) -> Tariffs {
    let mut tariffs = Tariffs::default();
    tariffs.post(4, tariff(rules));
    tariffs
}

pub(super) fn tariff(rules: &str) -> Tariff {
    toml::from_str(&format!("id = \"t\"\nvalid_from = \"2023-12-31T16:00:00Z\"\n{rules}")).unwrap()
}

pub(super) fn watering(origin: u64, start: &str, shares: &[(&str, i64)]) -> YearWatering {
    let share = |&(household, litres): &(&str, i64)| (no(household), Litres(litres));
    YearWatering {
        origin,
        index: origin + 100,
        start: at(start),
        source: Source::Surface,
        shares: shares.iter().map(share).collect(),
    }
}

const FLAT: &str = r#"
    classes = [{ class = "grain", crops = ["小麦"] }]
    metered = [{ source = "surface", price = "0.1" }]
"#;
const MAY: &str = "2024-05-01T00:00:00Z";

fn wheat() -> Rosters {
    rosters(&[holding("1", &[("小麦", Source::Surface, 100)])])
}

fn refused(rosters: &Rosters, tariffs: &Tariffs, waterings: &[YearWatering]) -> AccountError {
    account(2024, rosters, tariffs, waterings, true).unwrap_err()
}

#[test]
fn rejects_a_watering_of_another_year() {
    let late = watering(7, "2024-12-31T16:00:00Z", &[("1", 1)]);
    let error = refused(&wheat(), &tariffs(FLAT), &[late]);
    assert_eq!(error, AccountError::OtherYear { watering: 107, year: 2024 });
    let last = watering(7, "2024-12-31T15:59:59.999Z", &[("1", 1)]);
    assert!(account(2024, &wheat(), &tariffs(FLAT), &[last], true).is_ok());
}

#[test]
fn rejects_a_year_that_is_not_reckoned_with() {
    let error = account(1999, &wheat(), &tariffs(FLAT), &[], false).unwrap_err();
    assert_eq!(error, AccountError::Year(crate::TimeError::Range));
}

#[test]
fn rejects_a_watering_or_share_given_twice() {
    let twice = [watering(7, MAY, &[("1", 1)]), watering(7, "2024-06-01T00:00:00Z", &[("1", 1)])];
    assert_eq!(refused(&wheat(), &tariffs(FLAT), &twice), AccountError::WateringTwice(7));
    let shares = [watering(7, MAY, &[("1", 1), ("1", 1)])];
    let error = AccountError::ShareTwice { watering: 107, household: no("1") };
    assert_eq!(refused(&wheat(), &tariffs(FLAT), &shares), error);
}

#[test]
fn rejects_a_roster_with_a_household_twice() {
    let same = vec![holding("1", &[]), holding("1", &[])];
    let error = AccountError::HoldingTwice { roster: 9, household: no("1") };
    assert_eq!(Rosters::default().post(9, at(MAY), same), Err(error));
}

#[test]
fn rejects_water_before_any_tariff_or_roster() {
    let one = [watering(7, MAY, &[("1", 1)])];
    let error = refused(&wheat(), &Tariffs::default(), &one);
    assert_eq!(error, AccountError::NoTariff(at(MAY)));
    let error = refused(&Rosters::default(), &tariffs(FLAT), &one);
    assert_eq!(error, AccountError::NoRoster(at(MAY)));
}

#[test]
fn rejects_a_share_of_a_household_without_land_for_it() {
    let error = refused(&wheat(), &tariffs(FLAT), &[watering(7, MAY, &[("2", 1)])]);
    assert_eq!(error, AccountError::NotInRoster { watering: 107, household: no("2") });
    for plots in [&[("小麦", Source::Ground, 100)][..], &[("小麦", Source::Surface, 0)]] {
        let rosters = rosters(&[holding("1", plots)]);
        let error = refused(&rosters, &tariffs(FLAT), &[watering(7, MAY, &[("1", 1)])]);
        assert_eq!(error, AccountError::NoPlot { household: no("1"), water: Source::Surface });
    }
}

#[test]
fn rejects_a_crop_of_no_class() {
    let rosters = rosters(&[holding("1", &[("辣椒", Source::Surface, 100)])]);
    let error = refused(&rosters, &tariffs(FLAT), &[]);
    let crop = Crop::new("辣椒").unwrap();
    let tariff = TariffId::new("t").unwrap();
    assert_eq!(error, AccountError::NoClass { household: no("1"), crop, tariff });
}

#[test]
fn rejects_water_that_the_tariff_does_not_speak_of() {
    let rosters = rosters(&[holding("1", &[("小麦", Source::Ground, 100)])]);
    let well = YearWatering { source: Source::Ground, ..watering(7, MAY, &[("1", 1)]) };
    let error = refused(&rosters, &tariffs(FLAT), &[well]);
    let tariff = TariffId::new("t").unwrap();
    assert_eq!(error, AccountError::NoPrice { tariff, water: Source::Ground });
    assert!(error.to_string().contains("no price for ground water"), "{error}");
}

#[test]
fn rejects_negative_shares_and_amounts_out_of_range() {
    let error = refused(&wheat(), &tariffs(FLAT), &[watering(7, MAY, &[("1", -1)])]);
    assert_eq!(error, AccountError::Negative { household: no("1"), litres: -1 });
    let dear = tariffs(&FLAT.replace("0.1", "1000"));
    let error = refused(&wheat(), &dear, &[watering(7, MAY, &[("1", i64::MAX)])]);
    assert_eq!(error, AccountError::Overflow(no("1")));
    let whole = tariffs(&FLAT.replace("price =", "whole = true, price ="));
    let huge = [watering(7, MAY, &[("1", i64::MAX), ("2", i64::MAX)])];
    let two = [("1", 100), ("2", 100)]
        .map(|(household, area)| holding(household, &[("小麦", Source::Surface, area)]));
    assert_eq!(refused(&rosters(&two), &whole, &huge), AccountError::Overflow(no("1")));
}

#[test]
fn nothing_posted_is_nothing_owed() {
    let empty = account(2024, &Rosters::default(), &Tariffs::default(), &[], true);
    assert_eq!(empty, Ok(vec![]));
    let dry = [watering(7, MAY, &[("1", 0)])];
    assert_eq!(account(2024, &wheat(), &tariffs(FLAT), &dry, true), Ok(vec![]));
}

#[test]
fn what_came_into_force_later_in_the_year_is_owed_for_it() {
    let mut late = Rosters::default();
    late.post(9, at("2024-03-01T00:00:00Z"), vec![holding("1", &[("小麦", Source::Surface, 250)])])
        .unwrap();
    let rules = format!("{FLAT}basic = [{{ price = \"4\" }}]");
    let lines = account(2024, &late, &tariffs(&rules), &[], false).unwrap();
    assert_eq!(lines[0].1[0].amount_fen, Fen(1000));
    let before = account(2023, &late, &tariffs(&rules), &[], false).unwrap();
    assert_eq!(before, []);
}

#[test]
fn what_is_in_force_on_the_first_day_is_owed_for_the_year() {
    let ground = |area| vec![holding("1", &[("小麦", Source::Surface, area)])];
    let mut rosters = Rosters::default();
    rosters.post(9, at("2023-06-01T00:00:00Z"), ground(100)).unwrap();
    // The last instant of 1 January in Beijing, and the first of the day after.
    rosters.post(10, at("2024-01-01T15:59:59.999Z"), ground(200)).unwrap();
    rosters.post(11, at("2024-01-01T16:00:00Z"), ground(300)).unwrap();
    let rules = format!("{FLAT}basic = [{{ price = \"4\" }}]");
    let lines = account(2024, &rosters, &tariffs(&rules), &[], false).unwrap();
    assert_eq!(lines[0].1[0].amount_fen, Fen(800));
    let later = account(2025, &rosters, &tariffs(&rules), &[], false).unwrap();
    assert_eq!(later[0].1[0].amount_fen, Fen(1200));
}

#[test]
fn households_come_by_number_and_lines_by_time() {
    let grounds = ["10", "9"].map(|household| holding(household, &[("小麦", Source::Surface, 9)]));
    let waterings = [
        watering(8, MAY, &[("10", 100), ("9", 100)]),
        watering(9, "2024-04-01T00:00:00Z", &[("9", 100)]),
        watering(7, MAY, &[("9", 100)]),
    ];
    let accounts = account(2024, &rosters(&grounds), &tariffs(FLAT), &waterings, false).unwrap();
    let order: Vec<&str> = accounts.iter().map(|(household, _)| household.as_str()).collect();
    assert_eq!(order, ["9", "10"]);
    let origin = |line: &BillLine| match line.charge {
        Charge::Metered { watering, .. } => watering,
        _ => 0,
    };
    assert_eq!(accounts[0].1.iter().map(origin).collect::<Vec<_>>(), [9, 7, 8]);
}

#[test]
fn a_whole_price_is_rounded_for_each_price_by_itself() {
    // Two classes, two whole prices: 10 L × 0.1 yuan/m³ = 0.1 fen each share; 3 shares of 20 L at 0.1 are 0.6 → 1 fen,
    // which the lowest number gets; 3 shares of 20 L at 0.05 are 0.3 → 0 fen.
    let rules = r#"
        classes = [{ class = "grain", crops = ["小麦"] }, { class = "other", other = true }]
        metered = [
            { source = "surface", class = "grain", price = "0.1", whole = true },
            { source = "surface", class = "other", price = "0.05", whole = true },
        ]
    "#;
    let grounds = ["1", "2", "3"].map(|household| {
        holding(household, &[("小麦", Source::Surface, 100), ("辣椒", Source::Surface, 100)])
    });
    let shares = [watering(7, MAY, &[("3", 40), ("2", 40), ("1", 40)])];
    let accounts = account(2024, &rosters(&grounds), &tariffs(rules), &shares, false).unwrap();
    let fen = |(_, lines): &(HouseholdNo, Vec<BillLine>)| {
        lines.iter().map(|line| line.amount_fen.get()).collect::<Vec<_>>()
    };
    assert_eq!(accounts.iter().map(fen).collect::<Vec<_>>(), [[1, 0], [0, 0], [0, 0]]);
}

#[test]
fn use_of_a_class_without_quota_counts_against_none() {
    let rules = r#"
        classes = [
            { class = "grain", crops = ["小麦"], quota_m3_per_mu = { surface = "100" } },
            { class = "other", other = true },
        ]
        metered = [
            { source = "surface", class = "grain", price = "0.1", tiers = [{ times = "2" }] },
            { source = "surface", class = "other", price = "0.1" },
        ]
        rewards = [{ name = "节水", class = "grain", price = "1" }]
    "#;
    let ground = [holding("1", &[("辣椒", Source::Surface, 900), ("小麦", Source::Surface, 100)])];
    // 1 mu × 100 m³; of 1,000 m³ a tenth goes to grain: just its quota; nothing is saved.
    let full = [watering(7, MAY, &[("1", 1_000_000)])];
    let lines = account(2024, &rosters(&ground), &tariffs(rules), &full, true).unwrap();
    assert_eq!(lines[0].1.len(), 2);
    assert_eq!(lines[0].1.iter().map(|line| line.amount_fen).sum::<Fen>(), Fen(10_000));
    // One litre less for grain is one litre saved.
    let less = [watering(7, MAY, &[("1", 999_990)])];
    let lines = account(2024, &rosters(&ground), &tariffs(rules), &less, true).unwrap();
    assert_eq!(lines[0].1.len(), 3);
    assert_eq!(lines[0].1[2].amount_fen, Fen(0));
}

#[test]
fn a_water_right_that_is_saved_is_divided_over_both_sources() {
    let rules = r#"
        classes = [{ class = "all", other = true, quota_m3_per_mu = { surface = "300", ground = "100" } }]
        metered = [{ price = "0.1" }]
        rewards = [{ name = "节水", source = "ground", price = "1" }, { name = "节水", source = "surface", price = "2" }]
    "#;
    let plots = [("小麦", Source::Surface, 100), ("小麦", Source::Ground, 100)];
    let ground = Holding { water_right: Some(Litres(800_000)), ..holding("1", &plots) };
    // The right is 600 m³ of surface water and 200 m³ from wells; 100 m³ of the first are used.
    let used = [watering(7, MAY, &[("1", 100_000)])];
    let lines = account(2024, &rosters(&[ground]), &tariffs(rules), &used, true).unwrap();
    let fen: Vec<i64> = lines[0].1.iter().map(|line| line.amount_fen.get()).collect();
    assert_eq!(fen, [1000, -100_000, -20_000]);
}

#[test]
fn explaining_a_year_is_its_account_without_waterings() {
    let rules = r#"
        classes = [{ class = "grain", crops = ["小麦"] }]
        metered = [{ source = "surface", price = "0.1" }]
        basic = [{ price = "4" }]
        fees = [{ name = "管护费", per = "mu-year", price = "1.5" }]
    "#;
    let ground = holding("1", &[("小麦", Source::Surface, 840)]);
    let year = account(2024, &rosters(core::slice::from_ref(&ground)), &tariffs(rules), &[], false);
    let explained = explain_year(&tariffs(rules), &ground, 2024).unwrap();
    assert_eq!(explained, year.unwrap()[0].1);
    assert_eq!(explain_year(&tariffs(rules), &ground, 2023), Ok(vec![]));
    assert_eq!(
        explained.iter().map(|line| line.amount_fen).collect::<Vec<_>>(),
        [Fen(3360), Fen(1260)]
    );
}

#[test]
fn explaining_is_reckoning_one_share() {
    let rules = r#"
        classes = [{ class = "grain", crops = ["小麦"], quota_m3_per_mu = { surface = "100" } }]
        metered = [{ source = "surface", price = "0.1", tiers = [{ times = "2" }] }]
    "#;
    let (tariff, ground) = (tariff(rules), holding("1", &[("小麦", Source::Surface, 100)]));
    let asked = |before, litres| {
        let (before, litres) = (Litres(before), Litres(litres));
        explain((7, &tariff), &ground, Source::Surface, at(MAY), before, litres)
    };
    let fen = |lines: Vec<BillLine>| lines.iter().map(|line| line.amount_fen).collect::<Vec<_>>();
    assert_eq!(asked(90_000, 20_000).map(fen), Ok(vec![Fen(100), Fen(200)]));
    assert_eq!(asked(0, 0).map(fen), Ok(vec![]));
    let line = asked(0, 1_000).unwrap().remove(0);
    assert_eq!(line.basis.map(|basis| basis.tariff), Some(7));
    assert!(matches!(line.charge, Charge::Metered { watering: NOT_POSTED, .. }));
    let well = explain((7, &tariff), &ground, Source::Ground, at(MAY), Litres(0), Litres(1));
    assert_eq!(well, Err(AccountError::NoPlot { household: no("1"), water: Source::Ground }));
}

#[test]
fn quotas_are_used_up_over_the_year_and_told_for_each_share() {
    let rules = r#"
        classes = [
            { class = "grain", crops = ["小麦"], quota_m3_per_mu = { surface = "100" } },
            { class = "other", other = true },
        ]
        metered = [{ price = "0.1" }]
    "#;
    let mut righted = holding("2", &[("小麦", Source::Surface, 100)]);
    righted.water_right = Some(Litres(70_000));
    let own = [
        holding("1", &[("小麦", Source::Surface, 100)]),
        righted,
        holding("3", &[("果树", Source::Surface, 100)]),
    ];
    let shares = [("1", 60_000), ("2", 60_000), ("3", 60_000)];
    let waterings = [watering(8, "2024-06-01T00:00:00Z", &shares), watering(7, MAY, &shares)];
    let uses = quota_uses(2024, &rosters(&own), &tariffs(rules), &waterings).unwrap();
    let told: Vec<(u64, &str, Option<i64>, i64)> = uses
        .iter()
        .map(|one| {
            let quota = one.quota.map(Litres::get);
            (one.watering, one.household.as_str(), quota, one.over.get())
        })
        .collect();
    let expected = [
        (7, "1", Some(100_000), 0),
        (7, "2", Some(70_000), 0),
        (7, "3", None, 0),
        (8, "1", Some(100_000), 20_000),
        (8, "2", Some(70_000), 50_000),
        (8, "3", None, 0),
    ];
    assert_eq!(told, expected);
}
