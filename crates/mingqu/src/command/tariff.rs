//! `mingqu tariff`: check a tariff that is being drawn up, and see what it comes to.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use domain::account::{Holding, NOT_POSTED, explain};
use domain::bill::{BillLine, Charge, Quantity};
use domain::plot::{Crop, Plot, Source};
use domain::tariff::{Per, Tariff, TariffError, Terms};
use domain::{Area, Fen, HouseholdNo, Litres, Timestamp};
use toml::de::{DeTable, DeValue};

use super::print;
use crate::Verdict;

/// What to do with a tariff.
#[derive(Debug, Subcommand)]
pub enum TariffCommand {
    /// Check a tariff's file, and say line by line what a household would pay for so much water.
    Explain(ExplainArgs),
}

/// The tariff, the household's land and its use.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The tariff in TOML, as docs/formats/tariff.md describes it.
    file: PathBuf,
    /// What grows on the land.
    #[arg(long, value_parser = Crop::new)]
    crop: Crop,
    /// The land, in mu.
    #[arg(long, value_parser = Area::from_mu)]
    mu: Area,
    /// Where the water comes from: surface or ground.
    #[arg(long, value_parser = source)]
    source: Source,
    /// The day in Beijing, like 2026-05-01.
    #[arg(long, value_parser = Timestamp::noon)]
    date: Timestamp,
    /// The water, in litres as measured.
    #[arg(long, value_parser = clap::value_parser!(i64).range(0..))]
    litres: i64,
    /// What was used from that source earlier in the year, in litres as priced.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    used_litres: i64,
    /// The household's water right in litres a year, if it has one.
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
    water_right_litres: Option<i64>,
    /// Print the lines as JSON.
    #[arg(long)]
    json: bool,
}

/// Does it.
pub fn run(command: TariffCommand) -> anyhow::Result<Verdict> {
    let TariffCommand::Explain(args) = command;
    let text = std::fs::read_to_string(&args.file)
        .with_context(|| format!("cannot read {} as UTF-8 text", args.file.display()))?;
    let tariff = read(&args.file, &text)?;
    print(&explained(&tariff, args)?)?;
    Ok(Verdict::Good)
}

/// Reads a tariff; what is wrong is told by its line.
fn read(file: &Path, text: &str) -> anyhow::Result<Tariff> {
    let terms: Terms =
        toml::from_str(text).with_context(|| format!("{} is no tariff", file.display()))?;
    Tariff::new(terms).map_err(|error| {
        let line = line_of(text, &error);
        anyhow::Error::from(error).context(format!("{} line {line}", file.display()))
    })
}

/// The line of the field that an error names, or of what should have it.
fn line_of(text: &str, error: &TariffError) -> usize {
    let start = DeTable::parse(text).map_or(0, |table| {
        let mut start = table.span().start;
        let mut names = error.path.split('.').flat_map(|part| part.split(['[', ']']));
        let mut value = &DeValue::Table(table.into_inner());
        while let Some(found) = names.by_ref().find(|name| !name.is_empty()).and_then(|name| {
            let place = || name.parse::<usize>().ok();
            match value {
                DeValue::Table(fields) => fields.get(name),
                DeValue::Array(items) => items.get(place()?),
                _ => None,
            }
        }) {
            start = found.span().start;
            value = found.get_ref();
        }
        start
    });
    text.bytes().take(start).filter(|&byte| byte == b'\n').count() + 1
}

fn explained(tariff: &Tariff, args: ExplainArgs) -> anyhow::Result<String> {
    if args.date < tariff.valid_from() {
        bail!("the tariff holds from {}: ask about a later day", tariff.valid_from());
    }
    let plot = Plot { crop: args.crop, source: args.source, area: args.mu };
    let holding = Holding {
        // Nothing of it is posted; an error would name it.
        household: HouseholdNo::new("0")?,
        plots: vec![plot],
        water_right: args.water_right_litres.map(Litres),
    };
    let (before, litres) = (Litres(args.used_litres), Litres(args.litres));
    let lines = explain((NOT_POSTED, tariff), &holding, args.source, args.date, before, litres)?;
    if args.json {
        return Ok(serde_json::to_string(&lines)?);
    }
    let total: Fen = lines.iter().map(|line| line.amount_fen).sum();
    let mut text: Vec<String> = lines.iter().map(line_text).collect();
    text.push(format!("{:>12} yuan  total", total.yuan()));
    Ok(text.join("\n"))
}

fn line_text(line: &BillLine) -> String {
    let what = match &line.charge {
        Charge::Metered { tier: 0, class, .. } => format!("metered, {class}"),
        Charge::Metered { tier, class, .. } => format!("metered, {class}, tier {tier} over quota"),
        Charge::Fee { name, .. } | Charge::Subsidy { name, .. } => name.clone(),
        // Nothing that is owed once a year is explained.
        other => format!("{other:?}"),
    };
    let yuan = line.amount_fen.yuan();
    let Some(basis) = &line.basis else { return format!("{yuan:>12} yuan  {what}") };
    let litres = match &basis.quantity {
        Quantity::Water { litres, .. } => litres.cubic_metres(),
        other => format!("{other:?}"),
    };
    let per = if basis.per == Per::HundredCubicMetres { "100 m³" } else { "m³" };
    format!("{yuan:>12} yuan  {what}: {litres} m³ × {} yuan/{per}", basis.price)
}

fn source(text: &str) -> Result<Source, String> {
    match text {
        "surface" => Ok(Source::Surface),
        "ground" => Ok(Source::Ground),
        _ => Err("use surface or ground".into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    const WELLS: &str = r#"
id = "wells"
valid_from = "2022-12-31T16:00:00Z"
classes = [{ class = "maize", crops = ["制种玉米"], quota_m3_per_mu = { ground = "240" } }]

[[metered]]
source = "ground"
price = "0.183"
tiers = [
    { up_to_percent = "30", times = "1.5" },
    { up_to_percent = "50", times = "2" },
    { times = "3" },
]
"#;

    fn args(date: &str) -> ExplainArgs {
        ExplainArgs {
            file: PathBuf::new(),
            crop: Crop::new("制种玉米").unwrap(),
            mu: Area(1250),
            source: source("ground").unwrap(),
            date: Timestamp::noon(date).unwrap(),
            litres: 4_720_600,
            used_litres: 0,
            water_right_litres: None,
            json: false,
        }
    }

    #[test]
    fn golden_well() {
        let tariff = read(Path::new("t.toml"), WELLS).unwrap();
        assert_eq!(
            explained(&tariff, args("2023-05-01")).unwrap(),
            "      549.00 yuan  metered, maize: 3000.000 m³ × 0.183 yuan/m³\n      \
             247.05 yuan  metered, maize, tier 1 over quota: 900.000 m³ × 0.2745 yuan/m³\n      \
             219.60 yuan  metered, maize, tier 2 over quota: 600.000 m³ × 0.366 yuan/m³\n      \
             121.11 yuan  metered, maize, tier 3 over quota: 220.600 m³ × 0.549 yuan/m³\n     \
             1136.76 yuan  total"
        );
        let json = explained(&tariff, ExplainArgs { json: true, ..args("2023-05-01") }).unwrap();
        let lines: Vec<BillLine> = serde_json::from_str(&json).unwrap();
        assert_eq!(lines.len(), 4);
    }

    #[test]
    fn rejects_a_day_before_the_tariff() {
        let tariff = read(Path::new("t.toml"), WELLS).unwrap();
        let error = explained(&tariff, args("2022-12-31")).unwrap_err().to_string();
        assert!(error.contains("holds from 2022-12-31T16:00:00Z"), "{error}");
        assert!(explained(&tariff, args("2023-01-01")).is_ok());
    }

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: ExplainArgs,
    }

    /// Reads a command line with one argument bent.
    fn parsed(bent: &str, value: &str) -> Result<Line, clap::Error> {
        let good = [
            ("--crop", "玉米"),
            ("--mu", "12.5"),
            ("--source", "ground"),
            ("--date", "2026-05-01"),
            ("--litres", "1000"),
            ("--used-litres", "0"),
        ];
        let pairs =
            good.into_iter().flat_map(|(name, own)| [name, if name == bent { value } else { own }]);
        Line::try_parse_from(["explain", "t.toml"].into_iter().chain(pairs))
    }

    #[test]
    fn rejects_arguments_that_are_no_values_of_theirs() {
        let line = parsed("", "").unwrap();
        assert_eq!((line.args.mu, line.args.source), (Area(1250), Source::Ground));
        for (name, value) in [
            ("--crop", ""),
            ("--mu", "0"),
            ("--source", "rain"),
            ("--date", "2026-5-1"),
            ("--date", "2026-02-30"),
            ("--litres", "1.5"),
            ("--used-litres", "x"),
        ] {
            assert!(parsed(name, value).is_err(), "{name} {value}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_by_its_line() {
        for (from, to, line) in [
            ("\"50\"", "\"20\"", "line 11: metered[0].tiers[1].up_to_percent: "),
            ("up_to_percent = \"50\", ", "", "line 11: metered[0].tiers[1].up_to_percent: "),
            ("times = \"3\"", "times = \"150\"", "line 12: metered[0].tiers[2].times: "),
            ("ground = \"240\"", "ground = \"0\"", "line 4: classes[0].quota_m3_per_mu.ground: "),
            ("ground = \"240\"", "surface = \"240\"", "line 6: metered: "),
            ("source = \"ground\"", "source = \"surface\"", "line 6: metered: "),
        ] {
            let text = WELLS.replace(from, to);
            let error = read(Path::new("t.toml"), &text).unwrap_err();
            let message = format!("{error:#}");
            assert!(message.starts_with(&format!("t.toml {line}")), "{message}");
        }
        let misspelt = WELLS.replace("times = \"3\"", "time = \"3\"");
        let message = format!("{:#}", read(Path::new("t.toml"), &misspelt).unwrap_err());
        assert!(message.contains("line 12"), "{message}");
    }
}
