//! The season's water and money once more, from the raw registers, the roster and the tariff alone, by arithmetic of
//! this file's own.

use std::collections::BTreeMap;
use std::io::Read;

use chrono::{DateTime, NaiveDateTime};
use serde_json::Value;

use super::export::{Export, PostedBill};
use crate::harness::workspace;

/// The registers' wall clock is Beijing's.
const OFFSET_MILLIS: i64 = 8 * 3600 * 1000;

/// A turn as the township planned it.
#[derive(Debug)]
struct PlannedTurn {
    village: String,
    round: String,
    group: String,
    start: i64,
    end: i64,
    meter: String,
}

/// What the township had and what its meters showed.
pub struct Season {
    /// By code.
    turns: BTreeMap<String, PlannedTurn>,
    rounds: Vec<String>,
    /// (village, group, household number, area in hundredths of a mu), by number.
    households: Vec<(String, String, u64, i128)>,
    /// (time, litres) by meter, in order of time.
    registers: BTreeMap<String, Vec<(i64, i128)>>,
    /// Yuan for a m³ in 10^-decimals.
    metered: (i128, u32),
    /// Yuan for a mu and year in 10^-decimals.
    basic: (i128, u32),
}

impl Season {
    /// Reads what the demonstration is made from.
    pub fn read() -> Self {
        let demo = workspace().join("crates/mingqu/demo");
        let township: toml::Table =
            std::fs::read_to_string(demo.join("township.toml")).unwrap().parse().unwrap();
        let roster = std::fs::read_to_string(demo.join("roster.csv")).unwrap();
        let mut registers = String::new();
        let file = std::fs::File::open(workspace().join("firmware-sim/data/daiad-extract.csv.gz"))
            .unwrap();
        flate2::read::GzDecoder::new(file).read_to_string(&mut registers).unwrap();
        let millilitres = township["millilitres_per_unit"].as_integer().unwrap();
        let litres = i128::from(millilitres / 1000);
        let rounds = township["rounds"].as_array().unwrap();
        Self {
            turns: planned_turns(&township),
            rounds: rounds.iter().map(|round| text(round, "id")).collect(),
            households: read_roster(&roster),
            registers: read_registers(&registers, litres),
            metered: decimal(&text(&township["tariff"]["metered"][0], "price")),
            basic: decimal(&text(&township["tariff"]["basic"][0], "price")),
        }
    }

    /// Fails unless the log posts exactly these waterings and bills.
    pub fn holds_for(&self, export: &Export) {
        let mut posted: BTreeMap<String, Value> = BTreeMap::new();
        for (_, statement) in export.statements("watering") {
            let facts = statement["watering"].clone();
            let turn = text_of(&facts["turn"]);
            assert!(posted.insert(turn.clone(), facts).is_none(), "{turn} is posted twice");
        }
        for (code, turn) in &self.turns {
            let Some(litres) = self.volume(turn) else {
                assert!(!posted.contains_key(code), "{code}: the register fell");
                continue;
            };
            let facts = posted.remove(code).unwrap_or_else(|| panic!("{code} is not posted"));
            assert_eq!(i128::from(facts["volume_litres"].as_i64().unwrap()), litres, "{code}");
            let shares: Vec<(u64, i128)> = facts["shares"]
                .as_array()
                .unwrap()
                .iter()
                .map(|share| {
                    let household = text_of(&share["household"]).parse().unwrap();
                    (household, share["litres"].as_i64().unwrap().into())
                })
                .collect();
            assert_eq!(shares, self.shares(turn, litres), "{code}");
        }
        assert_eq!(posted.len(), 0, "waterings that nobody planned: {:?}", posted.keys());
        assert_eq!(export.bills(), self.bills());
    }

    /// What a household owes, round by round.
    pub fn bills_of(&self, household: &str) -> Vec<i64> {
        let bills = self.bills().into_iter();
        let own = bills.filter(|bill| bill.household == household);
        own.map(|bill| bill.total_fen).collect()
    }

    /// Every bill of the season, by village, round and household.
    fn bills(&self) -> Vec<PostedBill> {
        let mut owed: BTreeMap<(String, String, u64), i128> = BTreeMap::new();
        for (village, _, household, area) in &self.households {
            // The year's basic charge stands on the first bill of the year.
            let key = (village.clone(), self.rounds[0].clone(), *household);
            *owed.entry(key).or_default() +=
                half_up(area * self.basic.0, 10_i128.pow(self.basic.1));
        }
        for turn in self.turns.values() {
            let Some(litres) = self.volume(turn) else { continue };
            let shares = self.shares(turn, litres);
            let price = half_up(litres * self.metered.0, 10_i128.pow(self.metered.1) * 10);
            let weights: Vec<i128> = shares.iter().map(|(_, litres)| *litres).collect();
            for ((household, _), fen) in shares.iter().zip(divide(price, &weights)) {
                let key = (turn.village.clone(), turn.round.clone(), *household);
                *owed.entry(key).or_default() += fen;
            }
        }
        let bill = |((village, round, household), fen): ((String, String, u64), i128)| PostedBill {
            village,
            round,
            household: household.to_string(),
            total_fen: fen.try_into().unwrap(),
        };
        let mut bills: Vec<PostedBill> = owed.into_iter().map(bill).collect();
        bills.sort();
        bills
    }

    /// Litres of a turn; none where the register fell, which no reading can settle.
    fn volume(&self, turn: &PlannedTurn) -> Option<i128> {
        let readings = &self.registers[&turn.meter];
        let first = readings.iter().rposition(|(at, _)| *at <= turn.start).unwrap();
        let last = readings.iter().position(|(at, _)| *at >= turn.end).unwrap();
        let falls = readings[first..=last].windows(2).any(|pair| pair[1].1 < pair[0].1);
        (!falls).then(|| at(readings, turn.end) - at(readings, turn.start))
    }

    fn shares(&self, turn: &PlannedTurn, litres: i128) -> Vec<(u64, i128)> {
        let members: Vec<_> = self
            .households
            .iter()
            .filter(|(village, group, ..)| *village == turn.village && *group == turn.group)
            .collect();
        let areas: Vec<i128> = members.iter().map(|(.., area)| *area).collect();
        let parts = divide(litres, &areas);
        members.iter().map(|(_, _, household, _)| *household).zip(parts).collect()
    }
}

/// The register at an instant, along the straight line between its neighbours, rounded down to the litre.
fn at(readings: &[(i64, i128)], instant: i64) -> i128 {
    let before = readings.iter().rfind(|(at, _)| *at <= instant).unwrap();
    let after = readings.iter().find(|(at, _)| *at >= instant).unwrap();
    if before.0 == after.0 {
        return before.1;
    }
    let passed = i128::from(instant - before.0);
    before.1 + (after.1 - before.1) * passed / i128::from(after.0 - before.0)
}

/// Largest remainder; of equal remainders the earlier place comes first.
fn divide(total: i128, weights: &[i128]) -> Vec<i128> {
    let sum: i128 = weights.iter().sum();
    let mut parts: Vec<i128> = weights.iter().map(|weight| total * weight / sum).collect();
    while parts.iter().sum::<i128>() < total {
        let lost = |place: usize| total * weights[place] - parts[place] * sum;
        let most = (0..weights.len()).rev().max_by_key(|place| lost(*place)).unwrap();
        parts[most] += 1;
    }
    parts
}

fn half_up(numerator: i128, denominator: i128) -> i128 {
    (2 * numerator + denominator) / (2 * denominator)
}

/// `0.183` is (183, 3).
fn decimal(text: &str) -> (i128, u32) {
    let decimals = text.split_once('.').map_or(0, |(_, part)| part.len());
    (text.replace('.', "").parse().unwrap(), decimals.try_into().unwrap())
}

fn millis(value: &toml::Value, key: &str) -> i64 {
    DateTime::parse_from_rfc3339(&text(value, key)).unwrap().timestamp_millis()
}

fn text(value: &toml::Value, key: &str) -> String {
    value[key].as_str().unwrap().to_owned()
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn planned_turns(township: &toml::Table) -> BTreeMap<String, PlannedTurn> {
    let mut turns = BTreeMap::new();
    for round in township["rounds"].as_array().unwrap() {
        for well in township["wells"].as_array().unwrap() {
            let groups = well["groups"].as_array().unwrap();
            let spans = [("first", "change"), ("change", "last")];
            for (group, (start, end)) in groups.iter().zip(spans) {
                let (id, outlet) = (text(round, "id"), text(well, "id"));
                let group = group.as_str().unwrap().to_owned();
                let turn = PlannedTurn {
                    village: text(well, "village"),
                    round: id.clone(),
                    group: group.clone(),
                    start: millis(round, start),
                    end: millis(round, end),
                    meter: text(well, "meter"),
                };
                turns.insert(format!("{id}-{outlet}-{group}"), turn);
            }
        }
    }
    turns
}

fn read_roster(csv: &str) -> Vec<(String, String, u64, i128)> {
    let mut households: Vec<_> = csv
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let (units, decimals) = decimal(fields[4]);
            let area = units * 100 / 10_i128.pow(decimals);
            (fields[0].to_owned(), fields[1].to_owned(), fields[2].parse().unwrap(), area)
        })
        .collect();
    households.sort_by_key(|(.., household, _)| *household);
    households
}

fn read_registers(csv: &str, litres_per_unit: i128) -> BTreeMap<String, Vec<(i64, i128)>> {
    let mut registers: BTreeMap<String, Vec<(i64, i128)>> = BTreeMap::new();
    for line in csv.lines().skip(1) {
        let fields: Vec<&str> = line.split(';').collect();
        let local = NaiveDateTime::parse_from_str(fields[1], "%d/%m/%Y %H:%M:%S").unwrap();
        let at = local.and_utc().timestamp_millis() - OFFSET_MILLIS;
        let litres = fields[2].parse::<i128>().unwrap() * litres_per_unit;
        registers.entry(fields[0].to_owned()).or_default().push((at, litres));
    }
    for readings in registers.values_mut() {
        readings.sort_unstable();
        readings.dedup();
    }
    registers
}
