//! Reading a tariff, and what each field refuses.

mod cover;

use super::*;

/// A tariff with everything in it; a test changes one line of it.
const WHOLE: &str = r#"
id = "t"
valid_from = "2024-01-01T00:00:00Z"
loss = { deduct_percent = "5" }
minimum = { yuan_per_household_year = "60" }
classes = [
    { class = "grain", crops = ["小麦", "玉米"], quota_m3_per_mu = { surface = "300", ground = "240" } },
    { class = "other", other = true, quota_m3_per_mu = { surface = "350" } },
]
basic = [
    { source = "surface", price = "2" },
    { source = "ground", class = "grain", price = "4" },
]
metered = [
    { source = "surface", class = "grain", price = "0.1", tiers = [{ up_to_percent = "30", times = "1.3" }, { up_to_percent = "50", plus = "0.05" }, { times = "2" }] },
    { source = "surface", class = "other", season = { from = "04-01", to = "09-30" }, price = "0.12", times = "1.5" },
    { source = "surface", class = "other", season = { from = "10-01", to = "03-31" }, price = "0" },
    { source = "ground", price = "18.3", per = "100-m3", whole = true },
]
fees = [
    { name = "末级渠系", source = "surface", price = "0.03", per = "m3" },
    { name = "管护费", price = "1", per = "mu-year" },
    { name = "水资源税", source = "ground", class = "grain", price = "0.1", per = "m3", on = { above_percent_of_quota = "120" } },
    { name = "超用", price = "0.1", per = "m3", on = { above_m3_per_mu = "400" } },
]
subsidies = [{ name = "补贴", source = "surface", price = "0.05", per = "m3" }]
rewards = [{ name = "节水", class = "grain", price = "0.2" }]
"#;

/// Why [`WHOLE`] is refused with `from` changed to `to`.
fn refused(from: &str, to: &str) -> (String, Fault) {
    assert_eq!(WHOLE.matches(from).count(), 1, "{from:?} should stand once");
    let terms: Terms = toml::from_str(&WHOLE.replace(from, to)).unwrap();
    let error = Tariff::new(terms.clone()).unwrap_err();
    // The same at the edge, where the path stands in the message.
    let json = serde_json::to_string(&terms).unwrap();
    let message = serde_json::from_str::<Tariff>(&json).unwrap_err().to_string();
    assert!(message.starts_with(&format!("{}: ", error.path)), "{message}");
    (error.path, error.fault)
}

#[track_caller]
fn refuses(from: &str, to: &str, path: &str, fault: &Fault) {
    assert_eq!(refused(from, to), (path.to_owned(), fault.clone()));
}

fn class(code: &str) -> ClassId {
    ClassId::new(code).unwrap()
}

fn day(text: &str) -> MonthDay {
    text.parse().unwrap()
}

#[test]
fn a_tariff_with_everything_reads_back() {
    let tariff: Tariff = toml::from_str(WHOLE).unwrap();
    let json = serde_json::to_string(&tariff).unwrap();
    assert_eq!(serde_json::from_str::<Tariff>(&json).unwrap(), tariff);
    assert_eq!(toml::from_str::<Tariff>(&toml_of(&json)).unwrap(), tariff);
    assert_eq!(tariff.class_of(&Crop::new("玉米").unwrap()), Some(0));
    assert_eq!(tariff.class_of(&Crop::new("辣椒").unwrap()), Some(1));
}

/// JSON as TOML has the same shape: here one inline table for each top-level field.
fn toml_of(json: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    let fields = value.as_object().unwrap().iter();
    fields.map(|(name, value)| format!("{name} = {}", inline(value))).collect::<Vec<_>>().join("\n")
}

fn inline(value: &serde_json::Value) -> String {
    use serde_json::Value::{Array, Object};
    match value {
        Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Object(fields) => {
            let pairs: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name} = {}", inline(value))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        plain => plain.to_string(),
    }
}

#[test]
fn the_shortest_tariff_has_a_class_and_a_price() {
    let json = r#"{"id":"t","valid_from":"2024-01-01T00:00:00Z","classes":[{"class":"all","other":true}],"metered":[{"price":"0.152"}]}"#;
    let tariff: Tariff = serde_json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&tariff).unwrap(), json);
}

#[test]
fn the_latest_valid_tariff_is_in_force() {
    let tariff = |from: &str| -> Tariff {
        toml::from_str(&WHOLE.replace("2024-01-01T00:00:00Z", from)).unwrap()
    };
    let mut tariffs = Tariffs::default();
    tariffs.post(3, tariff("2016-01-01T00:00:00Z"));
    tariffs.post(9, tariff("2016-06-01T00:00:00Z"));
    tariffs.post(8, tariff("2016-06-01T00:00:00Z"));
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let index = |text: &str| tariffs.in_force(at(text)).map(|(index, _)| index);
    assert_eq!(index("2016-06-01T00:00:00Z"), Some(9));
    assert_eq!(index("2016-05-31T23:59:59Z"), Some(3));
    assert_eq!(index("2015-12-31T23:59:59Z"), None);
    let first = |until: &str| {
        let found = tariffs.in_force_or_first(at("2015-01-01T00:00:00Z"), at(until));
        found.map(|(index, _)| index)
    };
    assert_eq!(first("2016-01-01T00:00:00Z"), Some(3));
    assert_eq!(first("2015-12-31T23:59:59Z"), None);
}

#[test]
fn rejects_fields_that_no_tariff_has() {
    for (from, to) in [
        ("id = \"t\"", "id = \"t\"\nname = \"水价\""),
        ("other = true,", "other = true, note = 1,"),
        ("plus = \"0.05\"", "plus = \"0.05\", add = \"1\""),
        ("surface = \"350\"", "surface = \"350\", rain = \"1\""),
        ("to = \"09-30\"", "to = \"09-31\""),
        ("price = \"0.12\"", "price = \"1000.1\""),
        ("price = \"0.12\"", "price = 0.12"),
    ] {
        assert!(toml::from_str::<Tariff>(&WHOLE.replace(from, to)).is_err(), "{to}");
    }
}

#[test]
fn rejects_empty_lists() {
    let terms: Terms = toml::from_str(WHOLE).unwrap();
    let error = Tariff::new(Terms { classes: vec![], ..terms.clone() }).unwrap_err();
    assert_eq!(error, TariffError { path: "classes".into(), fault: Fault::Empty });
    let error = Tariff::new(Terms { metered: vec![], ..terms }).unwrap_err();
    assert_eq!(error, TariffError { path: "metered".into(), fault: Fault::Empty });
}

#[test]
fn rejects_lists_that_are_too_long() {
    let terms: Terms = toml::from_str(WHOLE).unwrap();
    let long = |change: &dyn Fn(&mut Terms)| {
        let mut terms = terms.clone();
        change(&mut terms);
        let error = Tariff::new(terms).unwrap_err();
        assert!(matches!(error.fault, Fault::TooMany(_)), "{error}");
        error.path
    };
    assert_eq!(long(&|t| t.classes = vec![t.classes[0].clone(); MAX_CLASSES + 1]), "classes");
    assert_eq!(long(&|t| t.basic = vec![t.basic[0].clone(); MAX_BASIC + 1]), "basic");
    assert_eq!(long(&|t| t.metered = vec![t.metered[0].clone(); MAX_METERED + 1]), "metered");
    assert_eq!(long(&|t| t.fees = vec![t.fees[0].clone(); MAX_FEES + 1]), "fees");
    assert_eq!(long(&|t| t.subsidies = vec![t.subsidies[0].clone(); MAX_FEES + 1]), "subsidies");
    assert_eq!(long(&|t| t.rewards = vec![t.rewards[0].clone(); MAX_FEES + 1]), "rewards");
    let crops = |t: &mut Terms| {
        let crop = |n| Crop::new(&format!("crop {n}")).unwrap();
        t.classes[0].crops = (0..=MAX_CROPS).map(crop).collect();
    };
    assert_eq!(long(&crops), "classes[0].crops");
    let tiers = |t: &mut Terms| {
        t.metered[0].tiers = vec![t.metered[0].tiers[0].clone(); MAX_TIERS + 1];
    };
    assert_eq!(long(&tiers), "metered[0].tiers");
}

#[test]
fn takes_lists_that_are_just_short_enough() {
    let mut terms: Terms = toml::from_str(WHOLE).unwrap();
    let crop = |n| Crop::new(&format!("crop {n}")).unwrap();
    terms.classes[0].crops = (0..MAX_CROPS).map(crop).collect();
    let last = terms.metered[0].tiers.pop().unwrap();
    let bound = |n| Decimal::new(&format!("{n}")).unwrap();
    let tier = |n| Tier { up_to_percent: Some(bound(n)), ..last.clone() };
    terms.metered[0].tiers = (1..MAX_TIERS).map(tier).chain([last.clone()]).collect();
    let fee = |n| Fee { name: format!("fee {n}"), ..terms.fees[0].clone() };
    terms.fees = (0..MAX_FEES).map(fee).collect();
    assert!(Tariff::new(terms).is_ok());
}

#[test]
fn rejects_classes_that_are_not_distinct() {
    refuses(
        "class = \"other\", other",
        "class = \"grain\", other",
        "classes[1].class",
        &Fault::ClassTwice(class("grain")),
    );
    let crop = Crop::new("小麦").unwrap();
    let twice = Fault::CropTwice { crop, earlier: "classes[0].crops[0]".into() };
    refuses("\"小麦\", \"玉米\"", "\"小麦\", \"小麦\"", "classes[0].crops[1]", &twice);
    refuses("other = true", "crops = [\"大麦\", \"小麦\"]", "classes[1].crops[1]", &twice);
    refuses(
        "crops = [\"小麦\", \"玉米\"]",
        "other = true",
        "classes[1].other",
        &Fault::OtherTwice(class("grain")),
    );
}

#[test]
fn rejects_a_class_without_crops_or_with_all_and_some() {
    refuses("crops = [\"小麦\", \"玉米\"]", "crops = []", "classes[0].crops", &Fault::Crops);
    let both = "other = true, crops = [\"辣椒\"]";
    refuses("other = true", both, "classes[1].crops", &Fault::Crops);
}

#[test]
fn rejects_a_class_that_is_not_there() {
    let unknown = Fault::NoSuchClass(class("maize"));
    for (from, to, path) in [
        ("class = \"grain\", price = \"4\"", "class = \"maize\", price = \"4\"", "basic[1].class"),
        (
            "class = \"grain\", price = \"0.1\", tiers",
            "class = \"maize\", price = \"0.1\", tiers",
            "metered[0].class",
        ),
        (
            "class = \"grain\", price = \"0.1\", per",
            "class = \"maize\", price = \"0.1\", per",
            "fees[2].class",
        ),
        ("\"补贴\", source", "\"补贴\", class = \"maize\", source", "subsidies[0].class"),
        ("\"节水\", class = \"grain\"", "\"节水\", class = \"maize\"", "rewards[0].class"),
    ] {
        refuses(from, to, path, &unknown);
    }
}

#[test]
fn rejects_names_that_cannot_be_printed() {
    for (name, path) in
        [("末级渠系", "fees[0].name"), ("补贴", "subsidies[0].name"), ("节水", "rewards[0].name")]
    {
        for bad in ["", " 水费", "水\u{200b}费", &"水".repeat(MAX_RULE_NAME_CHARS + 1)] {
            refuses(name, bad, path, &Fault::Name(bad.into()));
        }
    }
}

#[test]
fn rejects_nought_where_a_number_counts() {
    for (from, to, path) in [
        ("price = \"2\"", "price = \"0\"", "basic[0].price"),
        ("price = \"0.03\"", "price = \"0.00\"", "fees[0].price"),
        ("price = \"0.05\"", "price = \"0\"", "subsidies[0].price"),
        ("price = \"0.2\"", "price = \"0\"", "rewards[0].price"),
        ("times = \"1.5\"", "times = \"0\"", "metered[1].times"),
        ("times = \"1.3\"", "times = \"0\"", "metered[0].tiers[0].times"),
        ("plus = \"0.05\"", "plus = \"0\"", "metered[0].tiers[1].plus"),
        ("up_to_percent = \"30\"", "up_to_percent = \"0\"", "metered[0].tiers[0].up_to_percent"),
        ("surface = \"350\"", "surface = \"0\"", "classes[1].quota_m3_per_mu.surface"),
        ("ground = \"240\"", "ground = \"0\"", "classes[0].quota_m3_per_mu.ground"),
        ("deduct_percent = \"5\"", "deduct_percent = \"0\"", "loss.deduct_percent"),
        ("deduct_percent = \"5\"", "add_percent = \"0\"", "loss.add_percent"),
        (
            "yuan_per_household_year = \"60\"",
            "yuan_per_household_year = \"0\"",
            "minimum.yuan_per_household_year",
        ),
        (
            "yuan_per_household_year = \"60\"",
            "yuan_per_mu_year = \"0\"",
            "minimum.yuan_per_mu_year",
        ),
        ("above_m3_per_mu = \"400\"", "above_m3_per_mu = \"0\"", "fees[3].on.above_m3_per_mu"),
    ] {
        refuses(from, to, path, &Fault::Zero);
    }
}

#[test]
fn rejects_prices_for_what_they_cannot_be_for() {
    refuses("per = \"100-m3\"", "per = \"mu-year\"", "metered[3].per", &Fault::Unit);
    refuses("per = \"mu-year\"", "per = \"household-year\"", "fees[1].per", &Fault::Unit);
    let subsidy = "price = \"0.05\", per = \"m3\"";
    let yearly = "price = \"0.05\", per = \"mu-year\"";
    refuses(subsidy, yearly, "subsidies[0].per", &Fault::Unit);
}

#[test]
fn rejects_a_yearly_fee_that_depends_on_use() {
    let season = "per = \"mu-year\", season = { from = \"04-01\", to = \"09-30\" }";
    refuses("per = \"mu-year\"", season, "fees[1].season", &Fault::YearlySeason);
    let on = "per = \"mu-year\", on = \"within-quota\"";
    refuses("per = \"mu-year\"", on, "fees[1].on", &Fault::YearlyOn);
}

#[test]
fn rejects_multipliers_that_are_percentages() {
    for (text, to) in [("150", "times = \"150\""), ("10.000001", "times = \"10.000001\"")] {
        let fault = Fault::Times(text.into());
        refuses("times = \"1.5\"", to, "metered[1].times", &fault);
        refuses("times = \"1.3\"", to, "metered[0].tiers[0].times", &fault);
    }
    let (_, fault) = refused("times = \"1.3\"", "times = \"150\"");
    assert!(fault.to_string().contains("1.5 means ×1.5: 150 would be ×150"), "{fault}");
    let below = Fault::TierBelowPrice("0.999999".into());
    refuses("times = \"1.3\"", "times = \"0.999999\"", "metered[0].tiers[0].times", &below);
    for edge in ["times = \"10\"", "times = \"1\""] {
        let text = WHOLE.replace("times = \"1.3\"", edge);
        assert!(toml::from_str::<Tariff>(&text).is_ok(), "{edge}");
    }
}

#[test]
fn rejects_a_tier_with_two_prices_or_none() {
    let both = "times = \"1.3\", plus = \"0.02\"";
    refuses("times = \"1.3\"", both, "metered[0].tiers[0]", &Fault::TierPrice);
    refuses(", times = \"1.3\"", "", "metered[0].tiers[0]", &Fault::TierPrice);
}

#[test]
fn rejects_bounds_that_do_not_ascend_to_an_open_end() {
    let path = "metered[0].tiers[1].up_to_percent";
    let bound = "up_to_percent = \"50\", ";
    for to in ["up_to_percent = \"30\", ", "up_to_percent = \"29.5\", "] {
        refuses(bound, to, path, &Fault::NotAscending);
    }
    refuses(bound, "", path, &Fault::TierUnbounded);
    let last = "metered[0].tiers[2].up_to_percent";
    let bounded = "{ up_to_percent = \"80\", times = \"2\" }";
    refuses("{ times = \"2\" }", bounded, last, &Fault::LastTierBounded);
    let above = "up_to_percent = \"1000.1\", ";
    refuses(bound, above, path, &Fault::Percent("1000.1".into()));
    let text = WHOLE.replace(bound, "up_to_percent = \"1000\", ");
    assert!(toml::from_str::<Tariff>(&text).is_ok());
}

#[test]
fn rejects_tiers_of_a_price_for_the_whole_watering() {
    let tiers = "whole = true, tiers = [{ times = \"2\" }]";
    refuses("whole = true", tiers, "metered[3].tiers", &Fault::WholeWithTiers);
}

#[test]
fn rejects_implausible_losses_quotas_and_limits() {
    for loss in ["deduct_percent", "add_percent"] {
        let to = format!("{loss} = \"100\"");
        let fault = Fault::Loss("100".into());
        refuses("deduct_percent = \"5\"", &to, &format!("loss.{loss}"), &fault);
    }
    let fault = Fault::Quota("5000.1".into());
    let quota = "surface = \"5000.1\"";
    refuses("surface = \"350\"", quota, "classes[1].quota_m3_per_mu.surface", &fault);
    let limit = "above_m3_per_mu = \"5000.1\"";
    refuses("above_m3_per_mu = \"400\"", limit, "fees[3].on.above_m3_per_mu", &fault);
    let path = "fees[2].on.above_percent_of_quota";
    let on = "above_percent_of_quota = \"120\"";
    let below = "above_percent_of_quota = \"20\"";
    refuses(on, below, path, &Fault::BelowQuota("20".into()));
    let above = "above_percent_of_quota = \"1001\"";
    refuses(on, above, path, &Fault::Percent("1001".into()));
    for edge in ["surface = \"350\"", "surface = \"5000\"", "surface = \"0.000001\""] {
        let text = WHOLE.replace("surface = \"350\"", edge);
        assert!(toml::from_str::<Tariff>(&text).is_ok(), "{edge}");
    }
}
