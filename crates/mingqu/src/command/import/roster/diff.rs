//! What a new roster changes.

use std::collections::BTreeMap;

use disclosure::statement::RosterEntry;
use domain::plot::{Plot, Source};
use domain::{Area, HouseholdNo};
use serde::Serialize;

/// What changes from one roster to the next, each household in words.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// The roster in force.
    pub before: Totals,
    /// The new one.
    pub after: Totals,
    /// Households that are new.
    pub new: Vec<String>,
    /// Households that are gone.
    pub gone: Vec<String>,
    /// Households with other land, another group or another water right.
    pub changed: Vec<String>,
    /// How many stay as they are.
    pub unchanged: usize,
}

/// A roster in two figures.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Households.
    pub households: usize,
    /// Their area, in mu.
    pub mu: String,
}

impl Diff {
    /// Compares two rosters.
    pub fn between(before: &[RosterEntry], after: &[RosterEntry]) -> Self {
        let known = by_number(before);
        let now = by_number(after);
        let mut changed = Vec::new();
        let mut unchanged = 0;
        for entry in after {
            let Some(old) = known.get(&entry.household) else { continue };
            match change(old, entry) {
                Some(words) => changed.push(format!("household {}: {words}", entry.household)),
                None => unchanged += 1,
            }
        }
        let only = |entries: &[RosterEntry], others: &BTreeMap<&HouseholdNo, &RosterEntry>| {
            let alone = entries.iter().filter(|entry| !others.contains_key(&entry.household));
            alone.map(shown).collect()
        };
        Self {
            before: Totals::of(before),
            after: Totals::of(after),
            new: only(after, &known),
            gone: only(before, &now),
            changed,
            unchanged,
        }
    }
}

impl Totals {
    fn of(entries: &[RosterEntry]) -> Self {
        let area: Area = entries.iter().map(RosterEntry::area).sum();
        Self { households: entries.len(), mu: area.mu() }
    }
}

impl std::fmt::Display for Totals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} households with {} mu", self.households, self.mu)
    }
}

fn by_number(entries: &[RosterEntry]) -> BTreeMap<&HouseholdNo, &RosterEntry> {
    entries.iter().map(|entry| (&entry.household, entry)).collect()
}

/// What is other than before; none where nothing is.
fn change(old: &RosterEntry, new: &RosterEntry) -> Option<String> {
    let mut words = Vec::new();
    if old.group != new.group {
        words.push(format!("group {} instead of {}", new.group, old.group));
    }
    let sorted = |entry: &RosterEntry| {
        let mut plots = entry.plots.clone();
        plots.sort_by(|a, b| (&a.crop, a.source).cmp(&(&b.crop, b.source)));
        plots
    };
    // The order in which somebody listed the plots is no change.
    if sorted(old) != sorted(new) {
        words.push(format!("{} instead of {}", land(new), land(old)));
    }
    if old.water_right_litres != new.water_right_litres {
        words.push(format!("{} instead of {}", right(new), right(old)));
    }
    (!words.is_empty()).then(|| words.join("; "))
}

fn shown(entry: &RosterEntry) -> String {
    let right =
        entry.water_right_litres.map_or_else(String::new, |_| format!(", {}", right(entry)));
    format!("household {}: group {}, {}{right}", entry.household, entry.group, land(entry))
}

fn land(entry: &RosterEntry) -> String {
    let plot = |plot: &Plot| {
        let source = match plot.source {
            Source::Surface => "surface",
            Source::Ground => "ground",
        };
        format!("{} {source} {}", plot.crop, plot.area.mu())
    };
    let plots: Vec<String> = entry.plots.iter().map(plot).collect();
    format!("{} mu ({})", entry.area().mu(), plots.join(", "))
}

fn right(entry: &RosterEntry) -> String {
    match entry.water_right_litres {
        Some(litres) => format!("a water right of {} m³", litres.cubic_metres()),
        None => "no water right".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(household: &str, group: &str, plots: &str, right: &str) -> RosterEntry {
        let json =
            format!(r#"{{"household":"{household}","group":"{group}","plots":[{plots}]{right}}}"#);
        serde_json::from_str(&json).unwrap()
    }

    const MAIZE: &str = r#"{"crop":"玉米","source":"ground","area":840}"#;
    const LESS_MAIZE: &str = r#"{"crop":"玉米","source":"ground","area":800}"#;
    const WHEAT: &str = r#"{"crop":"小麦","source":"surface","area":100}"#;

    #[test]
    fn tells_new_gone_and_changed_households() {
        let right = r#","water_right_litres":2160000"#;
        let before = [
            entry("101", "g1", MAIZE, ""),
            entry("102", "g1", &format!("{MAIZE},{WHEAT}"), ""),
            entry("103", "g1", MAIZE, ""),
            entry("104", "g1", MAIZE, right),
        ];
        let after = [
            entry("101", "g2", LESS_MAIZE, ""),
            entry("102", "g1", &format!("{WHEAT},{MAIZE}"), ""),
            entry("104", "g1", MAIZE, ""),
            entry("105", "g1", WHEAT, right),
        ];
        let diff = Diff::between(&before, &after);
        assert_eq!(diff.before.to_string(), "4 households with 34.60 mu");
        assert_eq!(diff.after.to_string(), "4 households with 26.80 mu");
        assert_eq!(
            diff.new,
            ["household 105: group g1, 1.00 mu (小麦 surface 1.00), a water right of 2160.000 m³"]
        );
        assert_eq!(diff.gone, ["household 103: group g1, 8.40 mu (玉米 ground 8.40)"]);
        assert_eq!(
            diff.changed,
            [
                "household 101: group g2 instead of g1; 8.00 mu (玉米 ground 8.00) instead of 8.40 mu (玉米 ground 8.40)",
                "household 104: no water right instead of a water right of 2160.000 m³",
            ]
        );
        assert_eq!(diff.unchanged, 1);
    }
}
