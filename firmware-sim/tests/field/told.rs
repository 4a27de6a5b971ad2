//! A scenario told to its end, and volumes as a server would compute them from what was told.

use std::collections::BTreeMap;

use disclosure::statement::Registry;
use domain::Timestamp;
use domain::measurement::{CumulativeVolume, Doubts, MeterReadings};
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

    /// V(t) of the outlet as a server computes it, from the registry and the reports of all its meters.
    pub fn volume(&self) -> CumulativeVolume {
        let registry = self.statement();
        let tables =
            registry.tables.iter().map(|table| (table.id.clone(), table.clone())).collect();
        let read = |reading: Reading| domain::measurement::Reading {
            at: Timestamp::from_millis(reading.at_ms).unwrap(),
            value: reading.value,
            doubts: Doubts::NONE,
        };
        CumulativeVolume::new(registry.meters.iter().map(|entry| MeterReadings {
            meter: &entry.meter,
            tables: &tables,
            readings: self.readings(entry.meter.code.as_str()).into_iter().map(read).collect(),
        }))
    }

    /// The registry as the statement that it is meant for.
    pub fn statement(&self) -> Registry {
        let mut registry = self.registry();
        registry["head"] = serde_json::json!({
            "district": "d1", "drafted_at": "2026-04-01T00:00:00Z", "signers": []
        });
        serde_json::from_value(registry).unwrap()
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

/// Each watering's error in 1,000ths of its true volume.
pub fn errors_permille(told: &Told) -> Vec<i64> {
    let volume = told.volume();
    let error = |watering: &Delivery| {
        let [start, end] = [watering.start_ms, watering.end_ms]
            .map(|ms| volume.at(Timestamp::from_millis(ms).unwrap()).unwrap());
        let measured = (end - start).get() * 1000;
        (measured - watering.true_millilitres) * 1000 / watering.true_millilitres
    };
    told.outlet().waterings.iter().map(error).collect()
}
