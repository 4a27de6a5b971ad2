use super::*;
use proptest::prelude::*;

fn no(text: &str) -> HouseholdNo {
    HouseholdNo::new(text).unwrap()
}

fn part(number: &str, area: i64) -> Part {
    Part::new(no(number), Area(area))
}

fn by_area(volume: Litres, parts: &[Part]) -> Result<Vec<Share>, ShareError> {
    divide(volume, ShareMethod::Area, parts)
}

fn field(part: &mut Part, figure: Figure) -> &mut Option<u32> {
    match figure {
        Figure::Minutes => &mut part.minutes,
        Figure::Flow => &mut part.flow_ml_per_s,
        Figure::Weight => &mut part.weight,
    }
}

/// A part with what the method needs, of minutes, flow and weight.
fn noted(method: ShareMethod, mut part: Part, [minutes, flow, weight]: [u32; 3]) -> Part {
    for &figure in method.figures() {
        *field(&mut part, figure) = Some(match figure {
            Figure::Minutes => minutes,
            Figure::Flow => flow,
            Figure::Weight => weight,
        });
    }
    part
}

#[test]
fn golden_split_by_area() {
    let households = [("101", 840), ("102", 1170), ("103", 990), ("104", 600)]
        .map(|(number, area)| part(number, area));
    let shares = by_area(Litres(6_480_000), &households).unwrap();
    assert_eq!(litres(&shares), [1_512_000, 2_106_000, 1_782_000, 1_080_000]);
}

#[test]
fn golden_missing_fen_goes_to_the_lower_number() {
    // 984.96 yuan: 229.8240, 320.1120, 270.8640, 164.1600; the first and the third tie.
    let parts = largest_remainder(98_496, &[1512, 2106, 1782, 1080]).unwrap();
    assert_eq!(parts, [22_983, 32_011, 27_086, 16_416]);
}

fn litres(shares: &[Share]) -> Vec<i64> {
    shares.iter().map(|share| share.litres.get()).collect()
}

#[test]
fn shares_by_the_minutes_noted() {
    let for_minutes = |number, minutes| Part { minutes, ..part(number, 500) };
    let parts = [for_minutes("1", Some(90)), for_minutes("2", Some(30))];
    let shares = divide(Litres(1_001), ShareMethod::Minutes, &parts).unwrap();
    assert_eq!(litres(&shares), [751, 250]);
}

#[test]
fn golden_minutes_and_flow() {
    // 90 min × 20 L/s = 108 m³, 30 min × 40 L/s = 72 m³: 3 to 2.
    let flowed = |number, minutes, flow| Part {
        minutes: Some(minutes),
        flow_ml_per_s: Some(flow),
        ..part(number, 500)
    };
    let parts = [flowed("1", 90, 20_000), flowed("2", 30, 40_000)];
    let shares = divide(Litres(175_001), ShareMethod::MinutesFlow, &parts).unwrap();
    assert_eq!(litres(&shares), [105_001, 70_000]);
    assert_eq!((shares[1].minutes, shares[1].flow_ml_per_s), (Some(30), Some(40_000)));
}

#[test]
fn golden_agreed_weights() {
    let agreed = |number, weight| Part { weight: Some(weight), ..part(number, 500) };
    let parts = [agreed("3", 1), agreed("1", 1), agreed("2", 1)];
    let shares = divide(Litres(1_000), ShareMethod::Fixed, &parts).unwrap();
    assert_eq!(litres(&shares), [334, 333, 333]);
    let parts = [agreed("1", 50), agreed("2", 30), agreed("3", 20)];
    let shares = divide(Litres(12_345), ShareMethod::Fixed, &parts).unwrap();
    assert_eq!(litres(&shares), [6_173, 3_703, 2_469]);
}

#[test]
fn one_household_gets_all_that_is_metered_to_it() {
    let shares = divide(Litres(777), ShareMethod::Household, &[part("5", 100)]).unwrap();
    assert_eq!((shares.len(), shares[0].litres), (1, Litres(777)));
}

#[test]
fn the_largest_figures_divide_the_largest_volume() {
    let most =
        Part { minutes: Some(MAX_MINUTES), flow_ml_per_s: Some(MAX_FLOW_ML_PER_S), ..part("1", 1) };
    let parts: Vec<Part> =
        (0..MAX_SHARES).map(|n| Part { household: no(&n.to_string()), ..most.clone() }).collect();
    let shares = divide(Litres(i64::MAX), ShareMethod::MinutesFlow, &parts).unwrap();
    assert_eq!(litres(&shares).iter().sum::<i64>(), i64::MAX);
}

#[test]
fn every_method_has_one_code_in_json() {
    for method in ShareMethod::ALL {
        let json = serde_json::to_string(&method).unwrap();
        assert_eq!(json, format!("\"{}\"", method.code()));
        assert_eq!(serde_json::from_str::<ShareMethod>(&json).unwrap(), method);
    }
}

#[test]
fn a_share_reads_back_from_its_json() {
    for method in ShareMethod::ALL {
        let part = noted(method, part("7", 840), [30, 20_000, 5]);
        let shares = divide(Litres(9), method, &[part]).unwrap();
        let json = serde_json::to_string(&shares[0]).unwrap();
        assert_eq!(serde_json::from_str::<Share>(&json).unwrap(), shares[0]);
        let names = [
            ("minutes", Figure::Minutes),
            ("flow_ml_per_s", Figure::Flow),
            ("weight", Figure::Weight),
        ];
        for (name, figure) in names {
            assert_eq!(json.contains(name), method.figures().contains(&figure), "{json}");
        }
    }
}

#[test]
fn rejects_unknown_fields_of_a_share() {
    let json = r#"{"household":"1","area":1,"litres":1,"flow":1}"#;
    assert!(serde_json::from_str::<Share>(json).is_err());
}

#[test]
fn rejects_a_figure_that_is_missing_or_out_of_range() {
    for method in ShareMethod::ALL {
        for &figure in method.figures() {
            for value in [None, Some(0), Some(figure.most() + 1)] {
                let mut bent = noted(method, part("1", 500), [30, 20_000, 5]);
                *field(&mut bent, figure) = value;
                let refused = divide(Litres(1), method, &[bent]);
                assert_eq!(refused, Err(ShareError::Missing { household: no("1"), figure }));
            }
        }
    }
    let error = ShareError::Missing { household: no("1"), figure: Figure::Flow };
    assert_eq!(
        error.to_string(),
        "household 1 has no flow to share by: note 1 to 100000000 millilitres per second for it"
    );
}

#[test]
fn rejects_a_figure_that_does_not_count() {
    for method in ShareMethod::ALL {
        let others = Figure::ALL.into_iter().filter(|figure| !method.figures().contains(figure));
        for figure in others {
            let mut bent = noted(method, part("1", 500), [30, 20_000, 5]);
            *field(&mut bent, figure) = Some(1);
            let refused = divide(Litres(1), method, &[bent]);
            assert_eq!(refused, Err(ShareError::Unused { household: no("1"), figure, method }));
        }
    }
}

#[test]
fn rejects_several_households_for_water_metered_to_one() {
    let refused = divide(Litres(1), ShareMethod::Household, &[part("1", 1), part("2", 1)]);
    assert_eq!(refused, Err(ShareError::NotOne(2)));
    assert!(ShareError::NotOne(2).to_string().contains("name that one alone"));
}

#[test]
fn ties_go_to_the_lower_household_number() {
    let households = [part("10", 100), part("9", 100)];
    let shares = by_area(Litres(3), &households).unwrap();
    assert_eq!((shares[0].household.as_str(), shares[0].litres), ("9", Litres(2)));
    assert_eq!((shares[1].household.as_str(), shares[1].litres), ("10", Litres(1)));
}

#[test]
fn rejects_what_cannot_be_divided() {
    assert_eq!(by_area(Litres(1), &[]), Err(ShareError::NoHouseholds));
    let twice = [part("1", 1), part("1", 1)];
    assert_eq!(by_area(Litres(1), &twice), Err(ShareError::Twice(no("1"))));
    assert_eq!(by_area(Litres(1), &[part("1", 0)]), Err(ShareError::NoArea(no("1"))));
    assert_eq!(by_area(Litres(-1), &[part("1", 1)]), Err(ShareError::Negative(-1)));
    let many: Vec<_> = (0..=MAX_SHARES).map(|n| part(&n.to_string(), 1)).collect();
    assert_eq!(by_area(Litres(1), &many), Err(ShareError::TooMany(MAX_SHARES + 1)));
}

proptest! {
    #[test]
    fn shares_add_up_and_are_within_one_of_exact(
        total in 0_i64..i64::MAX,
        weights in prop::collection::vec(0_i64..10_000_000, 1..60),
    ) {
        prop_assume!(weights.iter().any(|&w| w > 0));
        let parts = largest_remainder(total, &weights).unwrap();
        let sum: i128 = weights.iter().map(|&w| i128::from(w)).sum();
        prop_assert_eq!(parts.iter().map(|&p| i128::from(p)).sum::<i128>(), i128::from(total));
        for (part, weight) in parts.iter().zip(&weights) {
            let exact = i128::from(total) * i128::from(*weight);
            prop_assert!((i128::from(*part) * sum - exact).abs() < sum);
        }
    }

    #[test]
    fn every_methods_shares_add_up(
        volume in 0_i64..i64::MAX,
        figures in prop::collection::vec(
            (1_i64..10_000_000, 1..=MAX_MINUTES, 1..=MAX_FLOW_ML_PER_S, 1..=MAX_WEIGHT),
            1..60,
        ),
    ) {
        for method in ShareMethod::ALL {
            let some = if method == ShareMethod::Household { &figures[..1] } else { &figures[..] };
            let parts: Vec<Part> = some
                .iter()
                .enumerate()
                .map(|(place, &(area, minutes, flow, weight))| {
                    noted(method, part(&place.to_string(), area), [minutes, flow, weight])
                })
                .collect();
            let shares = divide(Litres(volume), method, &parts).unwrap();
            prop_assert_eq!(shares.iter().map(|share| i128::from(share.litres.get())).sum::<i128>(), i128::from(volume));
            let sum: i128 = parts.iter().map(|part| i128::from(method.weight(part))).sum();
            for share in &shares {
                let exact = i128::from(volume) * i128::from(method.weight(&share.part()));
                prop_assert!((i128::from(share.litres.get()) * sum - exact).abs() < sum);
            }
            let reversed: Vec<Part> = parts.into_iter().rev().collect();
            prop_assert_eq!(divide(Litres(volume), method, &reversed).unwrap(), shares);
        }
    }
}
