//! How rules fit together: two for the same water, none for some, and quotas that are wanting.

use super::*;

fn overlap(earlier: &str, water: Source, of: &str, on: &str) -> (String, Source, String, MonthDay) {
    (earlier.into(), water, of.into(), day(on))
}

#[track_caller]
fn overlaps(from: &str, to: &str, path: &str, expected: &(String, Source, String, MonthDay)) {
    let (found, fault) = refused(from, to);
    let Fault::Overlap { earlier, water, class, day, .. } = fault else { panic!("{fault}") };
    assert_eq!(found, path);
    assert_eq!((earlier, water, class.to_string(), day), *expected);
}

#[test]
fn rejects_two_prices_for_the_same_water_or_land() {
    use Source::{Ground, Surface};
    let season = "from = \"04-01\"";
    let expected = overlap("metered[1]", Surface, "other", "04-01");
    overlaps("to = \"03-31\"", "to = \"04-01\"", "metered[2]", &expected);
    let expected = overlap("metered[1]", Surface, "other", "02-29");
    overlaps(season, "from = \"02-29\"", "metered[2]", &expected);
    let expected = overlap("metered[0]", Surface, "grain", "01-01");
    overlaps("source = \"ground\", price = \"18.3\"", "price = \"18.3\"", "metered[3]", &expected);
    let expected = overlap("basic[0]", Ground, "grain", "01-01");
    overlaps("{ source = \"surface\", price = \"2\"", "{ price = \"2\"", "basic[1]", &expected);
    let expected = overlap("fees[2]", Ground, "grain", "01-01");
    overlaps("\"超用\"", "\"水资源税\"", "fees[3]", &expected);
    let twice = "{ name = \"补贴\", source = \"surface\", price = \"0.05\", per = \"m3\" }";
    let expected = overlap("subsidies[0]", Surface, "grain", "01-01");
    overlaps(twice, &format!("{twice}, {twice}"), "subsidies[1]", &expected);
    let twice = "{ name = \"节水\", class = \"grain\", price = \"0.2\" }";
    let expected = overlap("rewards[0]", Surface, "grain", "01-01");
    overlaps(twice, &format!("{twice}, {twice}"), "rewards[1]", &expected);
}

#[test]
fn takes_a_yearly_fee_of_the_same_name_as_one_on_use() {
    let text = WHOLE.replace("管护费", "末级渠系");
    assert!(toml::from_str::<Tariff>(&text).is_ok());
}

#[test]
fn rejects_water_without_a_price() {
    let gap = |water, of: &str, on: &str| Fault::Gap { water, class: class(of), day: day(on) };
    let (surface, ground) = (Source::Surface, Source::Ground);
    let from = "from = \"04-01\"";
    refuses(from, "from = \"04-02\"", "metered", &gap(surface, "other", "04-01"));
    refuses("to = \"03-31\"", "to = \"02-28\"", "metered", &gap(surface, "other", "02-29"));
    let only = "source = \"ground\", class = \"grain\", price = \"18.3\"";
    let all = "source = \"ground\", price = \"18.3\"";
    refuses(all, only, "metered", &gap(ground, "other", "01-01"));
}

#[test]
fn every_mention_of_a_source_asks_for_its_price() {
    let surface = r#"
        id = "t"
        valid_from = "2024-01-01T00:00:00Z"
        metered = [{ source = "surface", price = "0.1" }]
    "#;
    let plain = "classes = [{ class = \"all\", other = true }]\n";
    assert!(toml::from_str::<Tariff>(&format!("{surface}{plain}")).is_ok());
    for mention in [
        "classes = [{ class = \"all\", other = true, quota_m3_per_mu = { ground = \"240\" } }]",
        "basic = [{ source = \"ground\", price = \"4\" }]",
        "fees = [{ name = \"费\", source = \"ground\", price = \"4\", per = \"m3\" }]",
        "subsidies = [{ name = \"补\", source = \"ground\", price = \"4\", per = \"m3\" }]",
        "rewards = [{ name = \"奖\", source = \"ground\", price = \"4\" }]",
    ] {
        let classes = if mention.starts_with("classes") { "" } else { plain };
        let terms: Terms = toml::from_str(&format!("{surface}{classes}{mention}")).unwrap();
        let error = Tariff::new(terms).unwrap_err();
        let fault = Fault::Gap { water: Source::Ground, class: class("all"), day: day("01-01") };
        assert_eq!(error, TariffError { path: "metered".into(), fault }, "{mention}");
    }
}

#[test]
fn rejects_rules_about_a_quota_where_there_is_none() {
    let missing = |water, of| Fault::NoQuota { water, class: class(of) };
    let (surface, ground) = (Source::Surface, Source::Ground);
    let quota = "surface = \"300\", ground = \"240\"";
    let tiers = &missing(surface, "grain");
    refuses(quota, "ground = \"240\"", "metered[0].tiers", tiers);
    refuses(quota, "surface = \"300\"", "fees[2].on", &missing(ground, "grain"));
    let other = &missing(surface, "other");
    refuses(", quota_m3_per_mu = { surface = \"350\" }", "", "subsidies[0]", other);
    refuses("\"节水\", class = \"grain\"", "\"节水\"", "rewards[0]", &missing(ground, "other"));
    for on in ["within-quota", "above-quota"] {
        let to = format!("on = \"{on}\"");
        let path = "fees[3].on";
        refuses("on = { above_m3_per_mu = \"400\" }", &to, path, &missing(ground, "other"));
    }
}
