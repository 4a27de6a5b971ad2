//! A scenario told to its end, and volumes as a server would compute them from what was told.

use std::collections::BTreeMap;

use firmware_sim::{
    Delivery, Field, FieldLedger, Happening, LedgerSummary, Occurrence, OutletBooks, Scenario,
};
use serde_json::Value;
use telemetry::{Flags, MeterId, Reading, Report};

/// Two days at one outlet, `a-00001`: turns from 06:00 to 09:00 and from 09:00 to 11:00 on both.
pub fn outlet(meter: &str, source: &str, events: &str) -> String {
    format!(
        "seed = 7\nstart = 2026-04-01T00:00:00+08:00\ndays = 2\n\
         [[series]]\nname = \"a\"\ncount = 1\nmeter.{meter}\nsource.{source}\n\
         [[rounds]]\ncode = \"r\"\noutlets = [\"a\"]\nopens = \"06:00\"\nturn_minutes = [180, 120]\n\
         {events}\n"
    )
}

pub const CANAL: &str = "canal = { discharge_ml_per_s = [100_000, 200_000] }";
pub const WELL: &str =
    "well = { discharge_ml_per_s = [12_000, 20_000], millilitres_per_watt_hour = 2_500 }";
/// A litre to a unit.
pub const REGISTER: &str = "register = { millilitres_per_unit = 1_000 }";

/// A clock that needs no setting.
pub const RIGHT_CLOCK: &str = "clock.drift_ppm = 0";

/// With more said about the series.
pub fn said(text: &str, more: &str) -> String {
    text.replace("[[rounds]]", &format!("{more}\n[[rounds]]"))
}

/// An event at the outlet of [`outlet`].
pub fn event(at: &str, what: &str) -> String {
    format!("[[events]]\nat = \"{at}\"\nmeters = [\"a\"]\nwhat.{what}\n")
}

pub struct Told {
    pub scenario: Scenario,
    pub field: Field,
    pub happenings: Vec<Happening>,
}

impl Told {
    /// All of a scenario at once.
    pub fn of(text: &str) -> Self {
        Self::in_steps_of(text, i64::MAX)
    }

    pub fn in_steps_of(text: &str, step_ms: i64) -> Self {
        let scenario = Scenario::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let mut field = Field::new(scenario.clone()).unwrap();
        let mut happenings = Vec::new();
        let mut now_ms = scenario.start_ms();
        while now_ms < scenario.end_ms() {
            now_ms = now_ms.saturating_add(step_ms).min(scenario.end_ms());
            happenings.extend(field.advance(now_ms).unwrap());
        }
        assert!(field.advance(i64::MAX).unwrap().is_empty(), "it is over");
        Self { scenario, field, happenings }
    }

    pub fn at(&self, time: &str) -> i64 {
        self.scenario.instant_ms(time).unwrap()
    }

    pub fn ledger(&self) -> FieldLedger {
        self.field.ledger(|_| LedgerSummary::default())
    }

    pub fn outlet(&self) -> OutletBooks {
        self.ledger().outlets.swap_remove(0)
    }

    /// The registry, as anyone reads it.
    pub fn registry(&self) -> Value {
        serde_json::to_value(self.field.registry()).unwrap()
    }

    /// Every report in the order of sending, with the time at which it was sent and its bytes.
    pub fn sent(&self) -> impl Iterator<Item = (i64, &MeterId, &[u8])> {
        self.happenings.iter().filter_map(|happening| match &happening.what {
            Occurrence::Report(report) => {
                Some((happening.at_ms, &report.meter, report.bytes.as_ref()))
            }
            _ => None,
        })
    }

    /// A meter's reports by sequence number, each checked against the registry's keys, the chain and the numbering.
    pub fn reports(&self, meter: &str) -> Vec<Report> {
        let keys = self.keys(meter);
        let mut reports: Vec<Report> = Vec::new();
        let mut previous = telemetry::ChainHash::FIRST;
        for (_, _, bytes) in self.sent().filter(|(_, id, _)| id.as_str() == meter) {
            let signed = telemetry::decode(bytes).unwrap();
            let seq = signed.report().seq;
            let (_, key) = keys.range(..=seq).next_back().unwrap();
            let report = signed.verify(key).unwrap().clone();
            assert_eq!(report.seq, u64::try_from(reports.len()).unwrap() + 1, "dense");
            assert_eq!(report.previous, previous, "chained");
            previous = signed.chain_hash();
            reports.push(report);
        }
        reports
    }

    /// By the first report that each signs.
    fn keys(&self, meter: &str) -> BTreeMap<u64, telemetry::VerifyingKey> {
        let registry = self.registry();
        let entries = registry["meters"].as_array().unwrap();
        let entry = entries.iter().find(|entry| entry["meter"]["code"] == meter).unwrap();
        let key = |key: &Value| {
            let bytes: [u8; 32] =
                hex::decode(key["key"].as_str().unwrap()).unwrap().try_into().unwrap();
            let key_bytes = telemetry::VerifyingKey::from_bytes(&bytes).unwrap();
            (key["from_report"].as_u64().unwrap(), key_bytes)
        };
        entry["keys"].as_array().unwrap().iter().map(key).collect()
    }

    pub fn readings(&self, meter: &str) -> Vec<Reading> {
        self.reports(meter).into_iter().flat_map(|report| report.readings).collect()
    }

    /// The reports that say this, by their numbers.
    pub fn flagged(&self, meter: &str, flag: Flags) -> Vec<u64> {
        let reports = self.reports(meter);
        reports
            .iter()
            .filter(|report| report.flags.contains(flag))
            .map(|report| report.seq)
            .collect()
    }
}

/// Cumulative volume in millilitres by time, for a register whose unit is so many millilitres.
pub fn by_register(readings: &[Reading], millilitres_per_unit: i64) -> Vec<(i64, i64)> {
    readings.iter().map(|r| (r.at_ms, r.value * millilitres_per_unit)).collect()
}

/// The same for a stage gauge: trapezoids over what a rating table, straight between its rows, makes of each reading.
pub fn by_stage(readings: &[Reading], table: &Value) -> Vec<(i64, i64)> {
    let rows: Vec<(i64, i64)> = table["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row[0].as_i64().unwrap(), row[1].as_i64().unwrap()))
        .collect();
    let discharge = |mm: i64| {
        let pair = rows.windows(2).find(|pair| (pair[0].0..=pair[1].0).contains(&mm)).unwrap();
        let ((low, q_low), (high, q_high)) = (pair[0], pair[1]);
        q_low + (q_high - q_low) * (mm - low) / (high - low)
    };
    let mut total = 0;
    let mut points = vec![(readings[0].at_ms, 0)];
    for pair in readings.windows(2) {
        let flow = discharge(pair[0].value) + discharge(pair[1].value);
        total += flow * (pair[1].at_ms - pair[0].at_ms) / 2;
        points.push((pair[1].at_ms, total / 1000));
    }
    points
}

/// The volume between two instants, straight between the points.
pub fn volume(points: &[(i64, i64)], start_ms: i64, end_ms: i64) -> i64 {
    let at = |t_ms: i64| {
        let pair = points.windows(2).find(|pair| (pair[0].0..=pair[1].0).contains(&t_ms)).unwrap();
        let ((a_ms, a), (b_ms, b)) = (pair[0], pair[1]);
        a + (b - a) * (t_ms - a_ms) / (b_ms - a_ms).max(1)
    };
    at(end_ms) - at(start_ms)
}

/// Each watering's error in 1,000ths of its true volume.
pub fn errors_permille(points: &[(i64, i64)], waterings: &[Delivery]) -> Vec<i64> {
    let error = |watering: &Delivery| {
        let measured = volume(points, watering.start_ms, watering.end_ms);
        (measured - watering.true_millilitres) * 1000 / watering.true_millilitres
    };
    waterings.iter().map(error).collect()
}
