//! Accounts worked by hand: each file in `goldens/` says where its figures come from and how the sum goes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use domain::account::{Holding, Rosters, YearWatering, account};
use domain::bill::{Basis, Bill, BillLine, Charge, Quantity};
use domain::plot::{Crop, Plot, Source};
use domain::tariff::{Tariff, Tariffs};
use domain::units::parse_decimal;
use domain::{Area, HouseholdNo, Litres, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Golden {
    year: i32,
    #[serde(default)]
    closing: bool,
    /// One line of a bill in each line, and each household's total.
    expected: String,
    tariffs: Vec<Tariff>,
    rosters: Vec<GoldenRoster>,
    waterings: Vec<GoldenWatering>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GoldenRoster {
    valid_from: Timestamp,
    holdings: Vec<GoldenHolding>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GoldenHolding {
    household: HouseholdNo,
    plots: Vec<GoldenPlot>,
    water_right_m3: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GoldenPlot {
    crop: Crop,
    source: Source,
    mu: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GoldenWatering {
    origin: u64,
    start: Timestamp,
    source: Source,
    m3: Vec<(HouseholdNo, String)>,
}

#[test]
fn every_account_is_as_worked_by_hand() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# "), "{} does not say where it comes from", path.display());
        let golden: Golden = toml::from_str(&text)
            .unwrap_or_else(|error| panic!("{} does not read: {error}", path.display()));
        let expected = golden.expected.trim().to_owned();
        assert_eq!(reckon(golden), expected, "{}", path.display());
        read += 1;
    }
    assert!(read >= 13, "only {read} files were read");
}

#[test]
fn every_tariff_reads_back_from_its_json() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens");
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let golden: Golden = toml::from_str(&text).unwrap();
        for tariff in golden.tariffs {
            let json = serde_json::to_string(&tariff).unwrap();
            assert_eq!(serde_json::from_str::<Tariff>(&json).unwrap(), tariff, "{json}");
            assert!(!json.contains("null") && !json.contains("[]"), "{json}");
        }
    }
}

#[test]
fn the_documented_tariff_reads() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/formats/tariff.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, example) = page.split_once("```toml\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let tariff: Tariff = toml::from_str(example).unwrap();
    assert_eq!(tariff.terms().metered.len(), 2);
}

fn reckon(golden: Golden) -> String {
    let mut tariffs = Tariffs::default();
    for (index, tariff) in (1..).zip(golden.tariffs) {
        tariffs.post(index, tariff);
    }
    let mut rosters = Rosters::default();
    for (index, roster) in (3..).zip(golden.rosters) {
        let holdings = roster.holdings.into_iter().map(holding).collect();
        rosters.post(index, roster.valid_from, holdings).unwrap();
    }
    let waterings: Vec<YearWatering> = golden.waterings.into_iter().map(watering).collect();
    let lines = account(golden.year, &rosters, &tariffs, &waterings, golden.closing).unwrap();
    let mut text = String::new();
    for (household, lines) in lines {
        let charges: BTreeSet<&Charge> = lines.iter().map(|line| &line.charge).collect();
        assert_eq!(charges.len(), lines.len(), "two lines of {household} charge for the same");
        for line in &lines {
            writeln!(text, "{household} | {}", line_text(line)).unwrap();
        }
        let bill = Bill::new(household, lines);
        writeln!(text, "{} | total {}", bill.household, bill.total_fen.yuan()).unwrap();
    }
    text.trim().to_owned()
}

fn litres(m3: &str) -> Litres {
    Litres(parse_decimal("volume", m3, 3).unwrap())
}

fn holding(golden: GoldenHolding) -> Holding {
    let plot = |plot: GoldenPlot| Plot {
        crop: plot.crop,
        source: plot.source,
        area: Area::from_mu(&plot.mu).unwrap(),
    };
    Holding {
        household: golden.household,
        plots: golden.plots.into_iter().map(plot).collect(),
        water_right: golden.water_right_m3.as_deref().map(litres),
    }
}

fn watering(golden: GoldenWatering) -> YearWatering {
    YearWatering {
        origin: golden.origin,
        index: golden.origin,
        start: golden.start,
        source: golden.source,
        shares: golden.m3.into_iter().map(|(household, m3)| (household, litres(&m3))).collect(),
    }
}

fn line_text(line: &BillLine) -> String {
    let Basis { price, per, quantity, .. } = line.basis.as_ref().unwrap();
    let (charge, per) = (charge_text(&line.charge), word(per));
    format!(
        "{charge} | {price} per {per} | {} | {}",
        quantity_text(quantity),
        line.amount_fen.yuan()
    )
}

fn charge_text(charge: &Charge) -> String {
    let limits = |source: &Option<Source>, class: &Option<domain::ClassId>| {
        let source = source.map(|source| format!(" {}", word(&source))).unwrap_or_default();
        let class = class.as_ref().map(|class| format!(" {class}")).unwrap_or_default();
        format!("{source}{class}")
    };
    match charge {
        Charge::Basic { year, source, class } => format!("basic {year}{}", limits(source, class)),
        Charge::YearlyFee { name, year, source, class } => {
            format!("yearly-fee {name} {year}{}", limits(source, class))
        }
        Charge::Metered { watering, class, tier } => format!("metered {watering} {class} {tier}"),
        Charge::Fee { name, watering, class } => format!("fee {name} {watering} {class}"),
        Charge::Subsidy { name, watering, class } => format!("subsidy {name} {watering} {class}"),
        Charge::Reward { name, year, source, class } => {
            format!("reward {name} {year} {} {class}", word(source))
        }
        Charge::Minimum { year } => format!("minimum {year}"),
    }
}

fn quantity_text(quantity: &Quantity) -> String {
    match quantity {
        Quantity::Water { litres, share, whole } => {
            let mut text = format!("{} m3", litres.cubic_metres());
            if let Some(share) = share {
                let (measured, priced) =
                    (share.measured.cubic_metres(), share.priced.cubic_metres());
                write!(text, " (share {measured} becomes {priced})").unwrap();
            }
            if let Some(whole) = whole {
                let (litres, yuan) = (whole.litres.cubic_metres(), whole.fen.yuan());
                write!(text, " (watering {litres} costs {yuan})").unwrap();
            }
            text
        }
        Quantity::Area(area) => format!("{} mu", area.mu()),
        Quantity::ShortOf { area, charged_fen } => {
            let area = area.map(|area| format!(" for {} mu", area.mu())).unwrap_or_default();
            format!("short of it{area} with {}", charged_fen.yuan())
        }
    }
}

fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}
