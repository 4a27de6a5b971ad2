//! The field as the registry should know it: a statement's villages, outlets, rating tables and meters.
//!
//! `docs/formats/statements.md` describes the shape; whoever signs it puts a head before it.

use serde::Serialize;

use super::Field;
use super::books::rfc3339;
use super::outlet::Outlet;
use crate::life::Meter;
use crate::physics::Flume;
use crate::scenario::{Scenario, SensorTraits, Series, SourceTraits, Village};

/// A rating table has a row every so many millimetres.
const ROW_MM: usize = 5;
/// A flow of more than so many times the most that a source gives would be a broken meter.
const CAPACITY_TIMES: i64 = 2;

/// What a registry statement says, without its head.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FieldRegistry {
    villages: Vec<Village>,
    outlets: Vec<OutletEntry>,
    tables: Vec<TableEntry>,
    meters: Vec<MeterEntry>,
}

#[derive(Debug, Clone, Serialize)]
struct OutletEntry {
    id: String,
    name: String,
    canal: &'static str,
    village: String,
    source: &'static str,
    gap_tolerance_seconds: u32,
}

#[derive(Debug, Clone, Serialize)]
struct TableEntry {
    id: String,
    source: String,
    valid_from_mm: i64,
    rows: Vec<[i64; 2]>,
}

#[derive(Debug, Clone, Serialize)]
struct MeterEntry {
    meter: MeterFacts,
    origin: &'static str,
    keys: Vec<KeyEntry>,
}

#[derive(Debug, Clone, Serialize)]
struct MeterFacts {
    code: String,
    outlet: String,
    installed_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    initial_value: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    final_value: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resets: Vec<ResetEntry>,
    scale: ScaleEntry,
}

#[derive(Debug, Clone, Serialize)]
struct ResetEntry {
    at: String,
    before: i64,
    after: i64,
}

#[derive(Debug, Clone, Serialize)]
struct KeyEntry {
    key: String,
    from_report: u64,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
enum ScaleEntry {
    Register { millilitres_per_unit: i64, dial: Dial },
    Stage { tables: Vec<DatedTable> },
    Energy { coefficients: Vec<Coefficient>, dial: Dial },
}

#[derive(Debug, Clone, Serialize)]
struct Dial {
    #[serde(skip_serializing_if = "Option::is_none")]
    modulus: Option<i64>,
    jitter_units: i64,
    capacity_ml_per_s: i64,
}

#[derive(Debug, Clone, Serialize)]
struct DatedTable {
    from: String,
    table: String,
}

#[derive(Debug, Clone, Serialize)]
struct Coefficient {
    from: String,
    millilitres_per_watt_hour: i64,
    source: &'static str,
}

impl Field {
    /// The registry as it should be by now: swaps, resets and key rotations that happened and were declared are in it.
    pub fn registry(&self) -> FieldRegistry {
        let mut registry = FieldRegistry {
            villages: self.scenario.villages.clone(),
            outlets: Vec::new(),
            tables: tables(&self.scenario),
            meters: Vec::new(),
        };
        for outlet in &self.outlets {
            registry.outlets.push(outlet_entry(outlet, &self.scenario));
            // A swap that nobody declared leaves the old meter in the registry, and the new one unknown.
            let declared = |meter: &&Meter| meter.history.removed_ms.is_some();
            let known = 1 + outlet.former.iter().take_while(declared).count();
            let meters = outlet.former.iter().chain([&outlet.meter]).take(known);
            registry.meters.extend(meters.map(|meter| meter_entry(meter, outlet)));
        }
        registry
    }
}

impl FieldRegistry {
    /// The same in parts of at most so many bytes of JSON, to be posted in this order; `None` when a village, a table
    /// or an outlet with its meters is larger by itself.
    pub fn split(self, max_bytes: usize) -> Option<Vec<Self>> {
        let (mut parts, mut bytes) = (vec![Self::default()], 0);
        for piece in self.pieces() {
            // A little too much, since a piece by itself repeats the names of all four lists.
            let piece_bytes = serde_json::to_vec(&piece).ok()?.len();
            if piece_bytes > max_bytes {
                return None;
            }
            if bytes + piece_bytes > max_bytes {
                parts.push(Self::default());
                bytes = 0;
            }
            bytes += piece_bytes;
            parts.last_mut()?.append(piece);
        }
        Some(parts)
    }

    /// Each village, each table, each outlet with its meters.
    fn pieces(self) -> Vec<Self> {
        let mut pieces = Vec::new();
        for village in self.villages {
            pieces.push(Self { villages: vec![village], ..Self::default() });
        }
        for table in self.tables {
            pieces.push(Self { tables: vec![table], ..Self::default() });
        }
        let mut meters = self.meters.into_iter().peekable();
        for outlet in self.outlets {
            let mut piece = Self::default();
            while let Some(meter) = meters.next_if(|entry| entry.meter.outlet == outlet.id) {
                piece.meters.push(meter);
            }
            piece.outlets.push(outlet);
            pieces.push(piece);
        }
        pieces
    }

    fn append(&mut self, piece: Self) {
        self.villages.extend(piece.villages);
        self.outlets.extend(piece.outlets);
        self.tables.extend(piece.tables);
        self.meters.extend(piece.meters);
    }
}

fn outlet_entry(outlet: &Outlet, scenario: &Scenario) -> OutletEntry {
    let series = outlet.series();
    let (name, canal, source) = match series.source {
        SourceTraits::Canal { .. } => ("号斗口", "一支渠", "surface"),
        SourceTraits::Well { .. } => ("号机井", "地下水", "ground"),
    };
    let dealt = usize::try_from(outlet.number - 1).unwrap_or(0) % scenario.villages.len();
    let dealt = || scenario.villages.get(dealt).map(|village| village.id.clone());
    OutletEntry {
        id: outlet.code.to_string(),
        name: format!("{} {}{name}", series.name, outlet.number),
        canal,
        village: series.village.clone().or_else(dealt).unwrap_or_default(),
        source,
        gap_tolerance_seconds: series.gap_tolerance_seconds,
    }
}

/// One table for each throat, named after it.
fn tables(scenario: &Scenario) -> Vec<TableEntry> {
    let mut throats: Vec<u32> = scenario.series.iter().filter_map(throat_mm).collect();
    throats.sort_unstable();
    throats.dedup();
    throats.into_iter().filter_map(Flume::parshall).map(|flume| table(&flume)).collect()
}

const fn throat_mm(series: &Series) -> Option<u32> {
    match series.meter {
        SensorTraits::Stage { throat_mm, .. } => Some(throat_mm),
        _ => None,
    }
}

fn table_id(throat_mm: u32) -> String {
    format!("parshall-{throat_mm}")
}

/// From dry over the formula's whole range, straight between the rows.
fn table(flume: &Flume) -> TableEntry {
    let [low, high] = flume.range_mm();
    let stages = [0].into_iter().chain((low..=high).step_by(ROW_MM));
    TableEntry {
        id: table_id(flume.throat_mm()),
        source: flume.formula().into(),
        valid_from_mm: low,
        rows: stages.map(|mm| [mm, flume.ml_per_s(mm)]).collect(),
    }
}

fn meter_entry(meter: &Meter, outlet: &Outlet) -> MeterEntry {
    let history = &meter.history;
    let keys = history.keys.iter().map(|(key, from_report)| KeyEntry {
        key: hex::encode(key.as_bytes()),
        from_report: *from_report,
    });
    let resets = history.resets.iter().map(|(at_ms, before, after)| ResetEntry {
        at: rfc3339(*at_ms),
        before: *before,
        after: *after,
    });
    let installed_at = rfc3339(history.installed_ms);
    MeterEntry {
        origin: "meter-signed",
        keys: keys.collect(),
        meter: MeterFacts {
            code: meter.id().to_string(),
            outlet: outlet.code.to_string(),
            scale: scale(outlet.series(), &installed_at),
            installed_at,
            initial_value: history.initial_value,
            removed_at: history.removed_ms.map(rfc3339),
            final_value: history.final_value,
            resets: resets.collect(),
        },
    }
}

fn scale(series: &Series, from: &str) -> ScaleEntry {
    let [_, most] = series.source.discharge_ml_per_s();
    // A reading that is one unit behind is the only jitter there is.
    let dial = |modulus, jitter_permille: u16| Dial {
        modulus,
        jitter_units: i64::from(jitter_permille > 0),
        capacity_ml_per_s: most * CAPACITY_TIMES,
    };
    match series.meter {
        SensorTraits::Register { millilitres_per_unit, modulus, jitter_permille, .. } => {
            ScaleEntry::Register { millilitres_per_unit, dial: dial(modulus, jitter_permille) }
        }
        SensorTraits::Stage { throat_mm, .. } => ScaleEntry::Stage {
            tables: vec![DatedTable { from: from.into(), table: table_id(throat_mm) }],
        },
        SensorTraits::Energy { millilitres_per_watt_hour, modulus, jitter_permille } => {
            let lifts = match series.source {
                SourceTraits::Well { millilitres_per_watt_hour, .. } => millilitres_per_watt_hour,
                SourceTraits::Canal { .. } => 1,
            };
            let coefficients = vec![Coefficient {
                from: from.into(),
                millilitres_per_watt_hour: millilitres_per_watt_hour.unwrap_or(lifts),
                source: "模拟水泵典型测试",
            }];
            ScaleEntry::Energy { coefficients, dial: dial(modulus, jitter_permille) }
        }
    }
}
