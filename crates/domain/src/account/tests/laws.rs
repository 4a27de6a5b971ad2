//! Laws that hold for every tariff, roster and order.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::bill::{Quantity, settle};

/// Prices and bounds of a tariff, in thousandths, percent and litres a mu.
#[derive(Debug, Clone)]
struct Figures {
    price: u32,
    quota: u32,
    bounds: [u32; 2],
    times: [u32; 3],
    loss: u32,
}

impl Figures {
    fn rules(&self) -> String {
        let Self { price, quota, bounds: [low, high], times: [one, two, three], loss } = self;
        let decimal =
            |thousandths: &u32| format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
        let (price, quota, loss) = (decimal(price), decimal(quota), decimal(loss));
        let (one, two, three) = (decimal(one), decimal(two), decimal(three));
        let high = low + high;
        format!(
            r#"
loss = {{ add_percent = "{loss}" }}
minimum = {{ yuan_per_household_year = "5" }}
classes = [
    {{ class = "grain", crops = ["小麦"], quota_m3_per_mu = {{ surface = "{quota}", ground = "{quota}" }} }},
    {{ class = "other", other = true, quota_m3_per_mu = {{ surface = "{quota}", ground = "7.5" }} }},
]
basic = [{{ price = "1.5" }}]
fees = [
    {{ name = "末级渠系", price = "0.03", per = "m3" }},
    {{ name = "水资源税", price = "0.1", per = "m3", on = {{ above_percent_of_quota = "120" }} }},
]
subsidies = [{{ name = "补贴", price = "0.01", per = "m3" }}]
rewards = [{{ name = "节水", price = "0.2" }}]
metered = [
    {{ class = "grain", price = "{price}", tiers = [{{ up_to_percent = "{low}", times = "{one}" }}, {{ up_to_percent = "{high}", times = "{two}" }}, {{ times = "{three}" }}] }},
    {{ class = "other", price = "0.1", times = "1.5", tiers = [{{ plus = "0.02" }}] }},
]
"#
        )
    }
}

prop_compose! {
    fn figures()(
        price in 1_u32..900,
        quota in 1_u32..60_000,
        bounds in prop::array::uniform2(1_u32..60),
        mut times in prop::array::uniform3(1000_u32..3000),
        loss in 1_u32..20_000,
    ) -> Figures {
        times.sort_unstable();
        Figures { price, quota, bounds, times, loss }
    }
}

/// Four households: two with one class, one with two, one with two sources.
fn grounds() -> [Holding; 4] {
    let (surface, ground) = (Source::Surface, Source::Ground);
    [
        holding("1", &[("小麦", surface, 840)]),
        holding("2", &[("辣椒", surface, 1170)]),
        holding("10", &[("辣椒", surface, 333), ("小麦", surface, 777)]),
        holding("11", &[("小麦", surface, 500), ("小麦", ground, 250), ("辣椒", ground, 10)]),
    ]
}

prop_compose! {
    fn one_watering(origin: u64)(
        day in 0_i64..366,
        litres in prop::collection::vec(0_i64..900_000, 4),
        well in any::<bool>(),
    ) -> YearWatering {
        let start = at("2023-12-31T16:00:00Z").plus_millis(day * 86_400_000);
        let shares = ["1", "2", "10", "11"].iter().zip(litres);
        let mut shares: Vec<_> = shares.map(|(no_, litres)| (no(no_), Litres(litres))).collect();
        let source = if well { Source::Ground } else { Source::Surface };
        if well {
            // Only this household has land with a well.
            shares.drain(..3);
        }
        YearWatering { origin, index: origin, start, source, shares }
    }
}

fn waterings() -> impl Strategy<Value = Vec<YearWatering>> {
    (0..6_u64).map(one_watering).collect::<Vec<_>>()
}

type Accounts = Vec<(HouseholdNo, Vec<BillLine>)>;

fn reckon(figures: &Figures, waterings: &[YearWatering], closing: bool) -> Accounts {
    account(2024, &rosters(&grounds()), &tariffs(&figures.rules()), waterings, closing).unwrap()
}

fn total(lines: &[BillLine]) -> i64 {
    lines.iter().map(|line| line.amount_fen.get()).sum()
}

proptest! {
    #[test]
    fn the_order_of_what_is_handed_in_does_not_matter(
        figures in figures(),
        waterings in waterings(),
        shuffled in Just((0..6).collect::<Vec<usize>>()).prop_shuffle(),
        turn in 0_usize..4,
    ) {
        let mut others: Vec<YearWatering> = shuffled.iter().map(|&n| waterings[n].clone()).collect();
        for watering in &mut others {
            let places = watering.shares.len();
            watering.shares.rotate_left(turn % places);
        }
        let (one, other) = (reckon(&figures, &waterings, true), reckon(&figures, &others, true));
        prop_assert_eq!(
            serde_json::to_string(&one).unwrap(),
            serde_json::to_string(&other).unwrap()
        );
    }

    #[test]
    fn no_two_lines_of_a_household_charge_for_the_same(
        figures in figures(),
        waterings in waterings(),
    ) {
        for (_, lines) in reckon(&figures, &waterings, true) {
            let charges: BTreeMap<_, _> = lines.iter().map(|line| (&line.charge, line)).collect();
            prop_assert_eq!(charges.len(), lines.len());
        }
    }

    #[test]
    fn every_litre_of_a_share_has_one_price(figures in figures(), waterings in waterings()) {
        let accounts: BTreeMap<_, _> = reckon(&figures, &waterings, false).into_iter().collect();
        for watering in &waterings {
            for (household, measured) in &watering.shares {
                let mut litres = 0;
                let mut priced = 0;
                for line in &accounts[household] {
                    let Charge::Metered { watering: origin, .. } = line.charge else { continue };
                    let quantity = line.basis.as_ref().map(|basis| &basis.quantity);
                    let Some(Quantity::Water { litres: own, share: Some(share), .. }) = quantity else { continue };
                    if origin == watering.origin {
                        prop_assert_eq!(share.measured, *measured);
                        litres += own.get();
                        priced = share.priced.get();
                    }
                }
                prop_assert_eq!(litres, priced);
                prop_assert!(priced >= measured.get());
            }
        }
    }

    #[test]
    fn tiers_fill_up_in_order_wherever_rounds_begin(
        figures in figures(),
        waterings in waterings(),
    ) {
        // Household 1 has one plot of one class: its tiers are those of the year's use.
        let accounts = reckon(&figures, &waterings, false);
        let percent = i128::from(100_000 + figures.loss);
        let used: i64 = waterings
            .iter()
            .filter(|watering| watering.source == Source::Surface)
            .map(|watering| i128::from(watering.shares[0].1.get()) * percent)
            .map(|exact| i64::try_from((exact * 2 + 100_000) / 200_000).unwrap())
            .sum();
        let mut tiers = [0_i64; 4];
        for line in &accounts[0].1 {
            let (Charge::Metered { tier, .. }, Some(basis)) = (&line.charge, &line.basis) else { continue };
            if let Quantity::Water { litres, .. } = basis.quantity {
                tiers[usize::from(*tier)] += litres.get();
            }
        }
        // 8.4 mu × thousandths of a m³ per mu are litres.
        let quota = i64::from(figures.quota) * 84 / 10;
        let low = quota * i64::from(100 + figures.bounds[0]) / 100;
        let high = quota * i64::from(100 + figures.bounds[0] + figures.bounds[1]) / 100;
        let expected = [
            used.min(quota),
            used.min(low) - used.min(quota),
            used.min(high) - used.min(low),
            used - used.min(high),
        ];
        prop_assert_eq!(tiers, expected);
    }

    #[test]
    fn one_more_litre_costs_more_and_never_jumps(
        figures in figures(),
        before in 0_i64..2_000_000,
        litres in 0_i64..2_000_000,
        at_bound in any::<bool>(),
    ) {
        let tariff = tariff(&figures.rules());
        let ground = &grounds()[0];
        let quota = i64::from(figures.quota) * 84 / 10;
        // Jumps, if any, would be at the bounds.
        let litres = if at_bound { (quota - before).max(0) } else { litres };
        let lines = |litres| {
            let (before, litres) = (Litres(before), Litres(litres));
            explain((0, &tariff), ground, Source::Surface, at(MAY), before, litres).unwrap()
        };
        let owed = |lines: &[BillLine]| {
            let owed = lines.iter().filter(|line| !matches!(line.charge, Charge::Subsidy { .. }));
            owed.map(|line| line.amount_fen.get()).sum::<i64>()
        };
        let (one, more) = (lines(litres), lines(litres + 1));
        let step = owed(&more) - owed(&one);
        // A litre costs less than 0.9 × 3 yuan/m³ = 0.27 fen and is priced as at most two: the rest is rounding, less
        // than a fen a line.
        prop_assert!(step >= 0, "{step}");
        prop_assert!(step <= i64::try_from(more.len()).unwrap(), "{step}");
    }

    #[test]
    fn a_share_in_two_rounds_costs_as_explained_one_after_the_other(
        figures in figures(),
        first in 1_i64..900_000,
        second in 1_i64..900_000,
    ) {
        let figures = Figures { loss: 1, ..figures };
        let rules = figures.rules().replace("{ add_percent = \"0.001\" }", "\"priced-in\"");
        let ground = &grounds()[0];
        let rounds = [
            watering(1, "2024-04-01T00:00:00Z", &[("1", first)]),
            watering(2, "2024-05-01T00:00:00Z", &[("1", second)]),
        ];
        let year = account(2024, &rosters(core::slice::from_ref(ground)), &tariffs(&rules), &rounds, false).unwrap();
        let tariff = tariff(&rules);
        let share = |time: &str, before, litres| {
            let (before, litres) = (Litres(before), Litres(litres));
            explain((0, &tariff), ground, Source::Surface, at(time), before, litres).unwrap()
        };
        let mut amounts = vec![Fen(1260)];
        for lines in [share("2024-04-01T00:00:00Z", 0, first), share("2024-05-01T00:00:00Z", first, second)] {
            amounts.extend(lines.iter().map(|line| line.amount_fen));
        }
        let reckoned: Vec<Fen> = year[0].1.iter().map(|line| line.amount_fen).collect();
        prop_assert_eq!(reckoned, amounts);
    }

    #[test]
    fn whole_prices_add_up_to_the_watering(
        litres in prop::collection::vec(0_i64..9_000_000, 4),
        price in 1_u32..99_999,
    ) {
        let rules = format!(
            "classes = [{{ class = \"all\", other = true }}]\nmetered = [{{ price = \"0.{price:05}\", whole = true }}]"
        );
        let shares: Vec<(&str, i64)> =
            ["1", "2", "10", "11"].into_iter().zip(litres.iter().copied()).collect();
        let accounts = account(
            2024,
            &rosters(&grounds()),
            &tariffs(&rules),
            &[watering(7, MAY, &shares)],
            false,
        )
        .unwrap();
        let billed: i64 = accounts.iter().map(|(_, lines)| total(lines)).sum();
        let exact = i128::from(litres.iter().sum::<i64>()) * i128::from(price);
        prop_assert_eq!(i128::from(billed), (exact * 2 + 1_000_000) / 2_000_000);
    }

    #[test]
    fn corrections_are_billed_as_differences_and_only_once(
        figures in figures(),
        before in waterings(),
        after in waterings(),
        gone in 0_usize..6,
    ) {
        // A year as settled first, then with two corrected waterings and one withdrawn.
        let mut corrected = before.clone();
        corrected[0] = YearWatering { origin: 0, ..after[0].clone() };
        corrected[1] = YearWatering { origin: 1, ..after[1].clone() };
        corrected.remove(gone);
        let mut billed: BTreeMap<HouseholdNo, BTreeMap<Charge, Fen>> = BTreeMap::new();
        let mut paid: BTreeMap<HouseholdNo, i64> = BTreeMap::new();
        for (waterings, closing) in [(&before, false), (&corrected, false), (&corrected, true)] {
            let now: BTreeMap<HouseholdNo, Vec<BillLine>> =
                reckon(&figures, waterings, closing).into_iter().collect();
            for ground in grounds() {
                let household = ground.household;
                let lines = now.get(&household).cloned().unwrap_or_default();
                let earlier = billed.entry(household.clone()).or_default();
                let due = settle(&lines, earlier);
                earlier.extend(due.iter().map(|line| (line.charge.clone(), line.amount_fen)));
                prop_assert_eq!(settle(&lines, earlier), vec![]);
                let sum = paid.entry(household).or_default();
                *sum += due.iter().map(|line| line.due().get()).sum::<i64>();
                prop_assert_eq!(*sum, total(&lines));
            }
        }
    }
}

proptest! {
    #[test]
    fn use_over_quota_is_what_the_tiers_charge(figures in figures(), waterings in waterings()) {
        let uses = quota_uses(2024, &rosters(&grounds()), &tariffs(&figures.rules()), &waterings).unwrap();
        let mut over: BTreeMap<(u64, HouseholdNo), i64> = BTreeMap::new();
        for (household, lines) in reckon(&figures, &waterings, false) {
            for line in &lines {
                if let (Charge::Metered { watering, tier: 1.., .. }, Some(basis)) = (&line.charge, &line.basis)
                    && let Quantity::Water { litres, .. } = basis.quantity
                {
                    *over.entry((*watering, household.clone())).or_default() += litres.get();
                }
            }
        }
        for used in uses {
            let charged = over.remove(&(used.watering, used.household)).unwrap_or_default();
            prop_assert!(used.quota.is_some());
            prop_assert_eq!(used.over.get(), charged);
        }
        prop_assert!(over.is_empty());
    }
}
