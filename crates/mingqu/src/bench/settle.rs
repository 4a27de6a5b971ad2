//! `mingqu bench settle`: a year's bills of many households, reckoned from their waterings and stored, beside the store
//! alone.
//!
//! A village is what a station serves: groups of households, each group watered from its own outlet in every round.
//! Everything is billed at once, line by line, in one run a village; what is written is what a posted bill run writes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context;
use disclosure::merkle::{Hash, leaf_hash};
use disclosure::statement::bills_to_lines;
use disclosure::tile::RightEdge;
use domain::account::{Holding, Rosters, YearWatering, account};
use domain::bill::{Bill, settle};
use domain::plot::{Crop, Plot, Source};
use domain::share::{Part, ShareMethod, divide};
use domain::tariff::{Tariff, Tariffs, Terms};
use domain::{Area, HouseholdNo, Litres, Timestamp, VillageId};
use indicatif::{ProgressBar, ProgressStyle};
use store::{Head, NewBill, NewEntry, Posting, Projection, Store, Tile};

use super::process::highest_memory_bytes;
use super::row::Row;
use super::statistics::{float, rate};
use crate::command::tell;

/// Households of a village, and of each of its groups: a real station has 12,900 in 30 villages and 268 groups.
const VILLAGE: usize = 430;
const GROUP: usize = 43;
/// Rounds of the year.
const ROUNDS: i64 = 4;
const YEAR: i32 = 2024;
/// The posting index of the tariff and of the roster.
const TARIFF: u64 = 1;
const ROSTER: u64 = 2;
/// The share of the store's own speed that settling should reach.
const TARGET_SHARE: f64 = 0.6;
/// Seconds that a million households should take.
const TARGET_SECONDS_PER_MILLION: f64 = 60.0;
const TARGET_MIB: f64 = 500.0;
const MIB: f64 = 1024.0 * 1024.0;

/// A published surface water price with tiers over quota, a basic charge, a fee and a subsidy.
const TERMS: &str = r#"{
    "id": "bench", "valid_from": "2023-12-31T16:00:00Z",
    "classes": [
        {"class": "grain", "crops": ["小麦", "玉米"], "quota_m3_per_mu": {"surface": "240"}},
        {"class": "rest", "other": true, "quota_m3_per_mu": {"surface": "200"}}
    ],
    "basic": [{"price": "4"}],
    "metered": [
        {"source": "surface", "class": "grain", "price": "0.183", "tiers": [
            {"up_to_percent": "30", "times": "1.3"}, {"up_to_percent": "50", "times": "1.5"}, {"times": "2"}]},
        {"source": "surface", "class": "rest", "price": "0.183", "times": "1.5", "tiers": [{"times": "2"}]}
    ],
    "fees": [{"name": "末级渠系水费", "price": "0.0305", "per": "m3"}],
    "subsidies": [{"name": "粮食补贴", "source": "surface", "class": "grain", "price": "0.02", "per": "m3"}]
}"#;

/// Measures the settlement of so many households.
pub async fn run(households: usize, database: Option<&str>) -> anyhow::Result<Vec<Row>> {
    let folder = tempfile::Builder::new().prefix("mingqu-bench-").tempdir()?;
    let own = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    let district = "bench".parse().context("a district's code")?;
    let store = Store::open(database.unwrap_or(&own("settled.db")), &district).await?;
    let villages = households.div_ceil(VILLAGE);
    tell(&format!("  {households} households in {villages} villages, settled and stored …"));
    let settled = settle_all(&store, villages, households).await?;
    let memory = highest_memory_bytes(std::process::id());
    store.close().await;
    tell("  the same bills, stored alone …");
    let alone = Store::open(&own("stored.db"), &district).await?;
    let stored = store_again(&alone, villages, households).await?;
    alone.close().await;
    let seconds = settled.whole.as_secs_f64();
    let bills = |time: Duration| Some(rate(households, time));
    let rows = [
        Row::ratio(
            "settled and stored",
            bills(settled.whole),
            "the store's ceiling for the same rows",
            bills(stored),
        )
        .at_least(TARGET_SHARE),
        Row::new(format!("{households} households"), seconds, "s")
            .at_most(TARGET_SECONDS_PER_MILLION * (float(households) / 1e6).max(1.0)),
        Row::new("households a second", bills(settled.whole), "households/s"),
        Row::new("reckoning alone", bills(settled.reckoned), "households/s"),
        Row::new("lines of a bill", float(settled.lines) / float(households), "lines"),
        Row::new("billed", settled.billed_yuan(), "yuan"),
        Row::new("highest memory", memory.map(|bytes| float(bytes) / MIB), "MiB")
            .at_most(TARGET_MIB),
    ];
    Ok(rows.into_iter().map(|row| Row { bench: "settle", ..row }).collect())
}

/// What settling came to.
#[derive(Default)]
struct Settled {
    whole: Duration,
    reckoned: Duration,
    lines: usize,
    fen: i64,
}

impl Settled {
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    fn billed_yuan(&self) -> f64 {
        self.fen as f64 / 100.0
    }
}

async fn settle_all(store: &Store, villages: usize, households: usize) -> anyhow::Result<Settled> {
    let tariffs = tariffs()?;
    let mut log = Log::new(store);
    let mut settled = Settled::default();
    let bar = bar(households);
    for village in 0..villages {
        let (rosters, waterings) = ground(village, households)?;
        let began = Instant::now();
        let bills = bills(&rosters, &tariffs, &waterings)?;
        settled.reckoned += began.elapsed();
        settled.lines += bills.iter().map(|bill| bill.lines.len()).sum::<usize>();
        settled.fen += bills.iter().map(|bill| bill.total_fen.get()).sum::<i64>();
        let (count, entry) = (bills.len(), entry(village, bills)?);
        log.post(entry).await?;
        settled.whole += began.elapsed();
        bar.inc(u64::try_from(count)?);
    }
    bar.finish_and_clear();
    Ok(settled)
}

/// How long the store alone takes for the same.
async fn store_again(
    store: &Store,
    villages: usize,
    households: usize,
) -> anyhow::Result<Duration> {
    let tariffs = tariffs()?;
    let mut log = Log::new(store);
    let mut stored = Duration::ZERO;
    for village in 0..villages {
        let (rosters, waterings) = ground(village, households)?;
        let entry = entry(village, bills(&rosters, &tariffs, &waterings)?)?;
        let began = Instant::now();
        log.post(entry).await?;
        stored += began.elapsed();
    }
    Ok(stored)
}

fn bar(households: usize) -> ProgressBar {
    let bar = ProgressBar::new(households.try_into().unwrap_or(u64::MAX));
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} households, {eta} left") {
        bar.set_style(style);
    }
    bar
}

fn tariffs() -> anyhow::Result<Tariffs> {
    let terms: Terms = serde_json::from_str(TERMS)?;
    let mut tariffs = Tariffs::default();
    tariffs.post(TARIFF, Tariff::new(terms)?);
    Ok(tariffs)
}

fn bills(
    rosters: &Rosters,
    tariffs: &Tariffs,
    waterings: &[YearWatering],
) -> anyhow::Result<Vec<Bill>> {
    let nothing_billed = BTreeMap::new();
    let accounts = account(YEAR, rosters, tariffs, waterings, false)?;
    let bill = |(household, lines): (HouseholdNo, Vec<_>)| {
        Bill::new(household, settle(&lines, &nothing_billed))
    };
    Ok(accounts.into_iter().map(bill).collect())
}

/// A village's roster, and a watering of each group in each round: half of them within quota, others above.
fn ground(village: usize, households: usize) -> anyhow::Result<(Rosters, Vec<YearWatering>)> {
    let first = village * VILLAGE;
    let members: Vec<Holding> =
        (first..(first + VILLAGE).min(households)).map(holding).collect::<anyhow::Result<_>>()?;
    let mut waterings = Vec::new();
    for (group, members) in members.chunks(GROUP).enumerate() {
        let part = |holding: &Holding| Part {
            household: holding.household.clone(),
            area: holding.area(),
            minutes: None,
            flow_ml_per_s: None,
            weight: None,
        };
        let parts: Vec<Part> = members.iter().map(part).collect();
        let mu: i64 = parts.iter().map(|part| part.area.get()).sum();
        for round in 0..ROUNDS {
            let m3_per_mu = 45 + 10 * i64::try_from(group % 5)?;
            let shares = divide(Litres(mu * m3_per_mu * 10 + round), ShareMethod::Area, &parts)?;
            let origin = 1_000 + u64::try_from(group)? * 10 + u64::try_from(round)?;
            waterings.push(YearWatering {
                origin,
                index: origin,
                start: start()?.plus_millis(round * 45 * 24 * 3_600_000),
                source: Source::Surface,
                shares: shares.into_iter().map(|share| (share.household, share.litres)).collect(),
            });
        }
    }
    let mut rosters = Rosters::default();
    rosters.post(ROSTER, Timestamp::year_start(YEAR)?, members)?;
    Ok((rosters, waterings))
}

fn start() -> anyhow::Result<Timestamp> {
    Ok("2024-04-01T00:00:00Z".parse()?)
}

fn holding(number: usize) -> anyhow::Result<Holding> {
    let plot = |crop: &str, area: usize| -> anyhow::Result<Plot> {
        Ok(Plot { crop: Crop::new(crop)?, source: Source::Surface, area: Area(area.try_into()?) })
    };
    Ok(Holding {
        household: HouseholdNo::new(format!("{}", 1_000_000 + number))?,
        plots: vec![plot("小麦", 400 + number % 300)?, plot("瓜果", 100 + number % 70)?],
        water_right: None,
    })
}

fn entry(village: usize, bills: Vec<Bill>) -> anyhow::Result<(NewEntry, Vec<u8>)> {
    let lines = bills_to_lines(&bills)?;
    let bodies = lines.split(|&byte| byte == b'\n');
    let bill = |(bill, body): (Bill, &[u8])| NewBill {
        household: bill.household,
        total: bill.total_fen,
        body: String::from_utf8_lossy(body).into_owned(),
    };
    let bills = bills.into_iter().zip(bodies).map(bill).collect();
    let entry = NewEntry {
        index: 0,
        kind: "bill-run".into(),
        village: Some(VillageId::new(format!("v{village}"))?),
        round: None,
        outlet: None,
        statement: None,
        envelope: Hash::of(&lines).to_hex().into_bytes(),
        projection: Projection::BillRun { year: YEAR, bills },
    };
    Ok((entry, lines))
}

/// The log that the runs are posted in, one a posting.
struct Log<'a> {
    store: &'a Store,
    edge: RightEdge,
}

impl<'a> Log<'a> {
    fn new(store: &'a Store) -> Self {
        Self { store, edge: RightEdge::new() }
    }

    async fn post(&mut self, (entry, _): (NewEntry, Vec<u8>)) -> anyhow::Result<()> {
        let expected = self.store.head().await?;
        let entry = NewEntry { index: self.edge.size(), ..entry };
        self.edge.append(leaf_hash(&entry.envelope));
        let tiles = self.edge.changed_tiles().into_iter();
        let posting = Posting {
            expected,
            new: Head { size: self.edge.size(), root: self.edge.root().0 },
            posted_at: start()?,
            entries: vec![entry],
            tiles: tiles.map(|(level, index, hashes)| Tile { level, index, hashes }).collect(),
        };
        self.store.post(&posting).await?;
        self.edge.mark_stored();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_household_has_its_lines() {
        let rows = run(VILLAGE + 7, None).await.unwrap();
        let value = |name: &str| rows.iter().find(|row| row.name == name).unwrap().value.unwrap();
        // The basic charge; and in each of four rounds two crops' water, two fees and a subsidy, and what tiers cut.
        assert!(value("lines of a bill") > 21.0, "{rows:?}");
        assert!(value("billed") > 0.0, "{rows:?}");
    }
}
