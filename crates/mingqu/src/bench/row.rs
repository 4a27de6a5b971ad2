//! One figure of a benchmark, and the report that the figures make.

use std::fmt;

use serde::Serialize;

use super::statistics::median;

/// Which side of a target is the good one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    /// The value should be at least the target.
    Min,
    /// The value should be at most the target.
    Max,
}

/// One figure, as `--json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The benchmark.
    pub bench: &'static str,
    /// What was measured.
    pub name: String,
    /// The figure; none when it could not be measured here.
    pub value: Option<f64>,
    /// Its unit; `ratio` for a quotient of two others.
    pub unit: &'static str,
    /// On which side of the target it should lie.
    pub bound: Option<Bound>,
    /// The target.
    pub target: Option<f64>,
    /// What a ratio is taken against.
    pub of: Option<String>,
}

/// The unit of a quotient.
pub const RATIO: &str = "ratio";

impl Row {
    /// A figure without a target.
    pub fn new(name: impl Into<String>, value: impl Into<Option<f64>>, unit: &'static str) -> Self {
        Self {
            bench: "ingest",
            name: name.into(),
            value: value.into(),
            unit,
            bound: None,
            target: None,
            of: None,
        }
    }

    /// The quotient of two figures, none when either is.
    pub fn ratio(name: &str, value: Option<f64>, of: &str, base: Option<f64>) -> Self {
        let quotient = value.zip(base).filter(|(_, base)| *base > 0.0).map(|(v, base)| v / base);
        Self { of: Some(of.to_owned()), ..Self::new(name, quotient, RATIO) }
    }

    /// The same figure with what it should be at least.
    #[must_use]
    pub fn at_least(self, target: f64) -> Self {
        Self { bound: Some(Bound::Min), target: Some(target), ..self }
    }

    /// The same figure with what it should be at most.
    #[must_use]
    pub fn at_most(self, target: f64) -> Self {
        Self { bound: Some(Bound::Max), target: Some(target), ..self }
    }

    /// Whether the target is reached; `None` without a value or a target.
    pub fn holds(&self) -> Option<bool> {
        let (value, target) = self.value.zip(self.target)?;
        Some(match self.bound? {
            Bound::Min => value >= target,
            Bound::Max => value <= target,
        })
    }
}

/// The figure for a person: name, value, target.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &self.of {
            Some(of) => format!("{} / {of}", self.name),
            None => self.name.clone(),
        };
        let value = self.value.map_or("missing".to_owned(), |value| shown(value, self.unit));
        let unit = if self.unit == RATIO { "" } else { self.unit };
        let target = match (self.bound, self.target) {
            (Some(Bound::Min), Some(target)) => format!("≥ {}", shown(target, self.unit)),
            (Some(Bound::Max), Some(target)) => format!("≤ {}", shown(target, self.unit)),
            _ => String::new(),
        };
        let verdict = match self.holds() {
            Some(true) => "reached",
            Some(false) => "MISSED",
            None => "",
        };
        let line = format!("  {name:<74} {value:>10} {unit:<11} {target:>9} {verdict}");
        f.write_str(line.trim_end())
    }
}

/// A figure with as many digits as say something.
fn shown(value: f64, unit: &str) -> String {
    match value.abs() {
        _ if unit == RATIO => format!("{value:.2}"),
        0.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// The medians of several runs, figure by figure, in the order of the first run.
pub fn medians(runs: &[Vec<Row>]) -> Vec<Row> {
    let Some(first) = runs.first() else { return Vec::new() };
    let of_all = |row: &Row| {
        // Messages and readings of one load share its name.
        let key = |row: &'_ Row| (row.name.clone(), row.unit, row.of.clone());
        let same = runs.iter().flatten().filter(|other| key(other) == key(row));
        let mut values: Vec<f64> = same.filter_map(|other| other.value).collect();
        Row { value: median(&mut values), ..row.clone() }
    };
    first.iter().map(of_all).collect()
}

/// The report for a person: ratios first, then absolute figures.
pub fn table(rows: &[Row]) -> String {
    let (ratios, absolute): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.unit == RATIO);
    let lines =
        |rows: Vec<&Row>| rows.into_iter().map(Row::to_string).collect::<Vec<_>>().join("\n");
    format!("ratios\n{}\n\nabsolute\n{}", lines(ratios), lines(absolute))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_of_what_is_missing_is_missing() {
        let row = Row::ratio("a", Some(3.0), "b", Some(4.0)).at_least(0.8);
        assert_eq!((row.value, row.holds()), (Some(0.75), Some(false)));
        for (value, base) in [(None, Some(1.0)), (Some(1.0), None), (Some(1.0), Some(0.0))] {
            let row = Row::ratio("a", value, "b", base).at_least(0.8);
            assert_eq!((row.value, row.holds()), (None, None));
            assert!(row.to_string().contains("missing"));
        }
    }

    #[test]
    fn a_target_is_reached_on_its_own_side() {
        assert_eq!(Row::new("a", 50.0, "ms").at_most(50.0).holds(), Some(true));
        assert_eq!(Row::new("a", 50.1, "ms").at_most(50.0).holds(), Some(false));
        assert_eq!(Row::new("a", 0.8, RATIO).at_least(0.8).holds(), Some(true));
        assert_eq!(Row::new("a", 0.8, RATIO).holds(), None);
    }

    #[test]
    fn a_row_is_one_object_with_every_field() {
        let row =
            Row::ratio("embedded endpoint", Some(1.0), "store alone", Some(2.0)).at_least(0.8);
        assert_eq!(
            serde_json::to_string(&row).unwrap(),
            r#"{"bench":"ingest","name":"embedded endpoint","value":0.5,"unit":"ratio","bound":"min","target":0.8,"of":"store alone"}"#
        );
        assert_eq!(
            serde_json::to_string(&Row::new("start", None, "s")).unwrap(),
            r#"{"bench":"ingest","name":"start","value":null,"unit":"s","bound":null,"target":null,"of":null}"#
        );
    }

    #[test]
    fn medians_are_taken_figure_by_figure() {
        let run = |a: f64, b: Option<f64>| vec![Row::new("a", a, "s"), Row::new("b", b, "s")];
        let merged = medians(&[run(3.0, None), run(1.0, Some(5.0)), run(2.0, None)]);
        assert_eq!(merged, run(2.0, Some(5.0)));
        assert_eq!(medians(&[run(1.0, None)]), run(1.0, None));
        let one_load = vec![Row::new("a", 1.0, "messages/s"), Row::new("a", 12.0, "readings/s")];
        assert_eq!(medians(std::slice::from_ref(&one_load)), one_load);
    }

    #[test]
    fn the_table_gives_ratios_first() {
        let text = table(&[
            Row::new("speed", 1234.5, "reports/s"),
            Row::ratio("x", Some(1.0), "y", Some(3.0)),
        ]);
        let (ratio, speed) = (text.find("x / y").unwrap(), text.find("speed").unwrap());
        assert!(ratio < speed && text.contains("0.33") && text.contains("1234"), "{text}");
    }
}
