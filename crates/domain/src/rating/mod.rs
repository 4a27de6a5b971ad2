//! Rating tables (水位–流量关系表): from the water's stage over a flume or weir to its discharge.
//!
//! A table is drawn up once, from a formula or from measured pairs, posted, and used by everybody.
//! Between two rows the discharge is interpolated linearly in integers; nothing is extrapolated.

mod formula;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::TableId;
use crate::scale::{ScaleError, check_source};

pub use formula::{Flume, FormulaError, PARSHALL, Parshall, draw_up, from_pairs};

/// The most rows of one table: two millimetres apart over most flumes' range.
pub const MAX_ROWS: usize = 500;
/// The stages that a table may speak of, in millimetres.
pub const STAGE_RANGE_MM: core::ops::RangeInclusive<i64> = -1_000..=20_000;
/// The largest discharge of a row, in millilitres per second (1,000 m³/s).
pub const MAX_DISCHARGE_ML_PER_S: i64 = 1_000_000_000;

/// A version of the relation between stage and discharge at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RatingTable {
    /// Its code; another version has another one.
    pub id: TableId,
    /// Where it comes from: a formula with its figures, or who gauged when.
    pub source: String,
    /// From this stage on the relation is valid; below it, down to the first row, it is an estimate.
    pub valid_from_mm: i64,
    /// Stage in millimetres and discharge in millilitres per second, by stage. Stages from the first row to
    /// the last are rated. A gauge that flickers around its zero has a first row below zero.
    pub rows: Vec<(i64, i64)>,
}

/// What a table says of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rated {
    /// The discharge in millilitres per second, rounded down.
    pub ml_per_s: i64,
    /// Whether water flows at a stage below the relation's range of validity.
    pub below_range: bool,
}

/// Why a table is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RatingError {
    /// Too few or too many rows.
    #[error("rating table {table} has {rows} rows: give 2 to {MAX_ROWS}")]
    Rows {
        /// The table.
        table: TableId,
        /// How many there are.
        rows: usize,
    },
    /// A stage or discharge out of range.
    #[error(
        "rating table {table} has {stage_mm} mm and {ml_per_s} ml/s in a row: a stage lies within -1,000 and 20,000 mm, a discharge within 0 and {MAX_DISCHARGE_ML_PER_S} ml/s"
    )]
    Range {
        /// The table.
        table: TableId,
        /// The row's stage.
        stage_mm: i64,
        /// The row's discharge.
        ml_per_s: i64,
    },
    /// Rows out of order, or a discharge that falls as the water rises.
    #[error(
        "rating table {table} does not rise at {stage_mm} mm: sort rows by stage, and let no discharge fall"
    )]
    NotRising {
        /// The table.
        table: TableId,
        /// The row's stage.
        stage_mm: i64,
    },
    /// A range of validity that lies outside the rows.
    #[error("rating table {0} is said to be valid from a stage that it does not have")]
    ValidFrom(TableId),
    /// No source.
    #[error("rating table {0}: {1}")]
    Source(TableId, ScaleError),
}

impl RatingTable {
    /// Checks rows and source.
    pub fn check(&self) -> Result<(), RatingError> {
        let table = || self.id.clone();
        check_source(&self.source).map_err(|error| RatingError::Source(table(), error))?;
        if !(2..=MAX_ROWS).contains(&self.rows.len()) {
            return Err(RatingError::Rows { table: table(), rows: self.rows.len() });
        }
        for &(stage_mm, ml_per_s) in &self.rows {
            let plausible = STAGE_RANGE_MM.contains(&stage_mm)
                && (0..=MAX_DISCHARGE_ML_PER_S).contains(&ml_per_s);
            if !plausible {
                return Err(RatingError::Range { table: table(), stage_mm, ml_per_s });
            }
        }
        for (below, above) in self.rows.iter().zip(self.rows.iter().skip(1)) {
            if above.0 <= below.0 || above.1 < below.1 {
                return Err(RatingError::NotRising { table: table(), stage_mm: above.0 });
            }
        }
        let (first, last) = self.range_mm();
        if (first..=last).contains(&self.valid_from_mm) {
            Ok(())
        } else {
            Err(RatingError::ValidFrom(table()))
        }
    }

    /// The first and the last stage that are rated, in millimetres.
    pub fn range_mm(&self) -> (i64, i64) {
        let stage = |row: Option<&(i64, i64)>| row.map_or(0, |row| row.0);
        (stage(self.rows.first()), stage(self.rows.last()))
    }

    /// The discharge at a stage; none outside the rows.
    pub fn rate(&self, stage_mm: i64) -> Option<Rated> {
        let above = self.rows.partition_point(|row| row.0 < stage_mm);
        let &(high_mm, most_ml) = self.rows.get(above)?;
        let ml_per_s = if high_mm == stage_mm {
            most_ml
        } else {
            let &(low_mm, least_ml) =
                above.checked_sub(1).and_then(|below| self.rows.get(below))?;
            // Bounded by the limits on rows: far from the ends of 64 bits.
            least_ml + (most_ml - least_ml) * (stage_mm - low_mm) / (high_mm - low_mm)
        };
        Some(Rated { ml_per_s, below_range: ml_per_s > 0 && stage_mm < self.valid_from_mm })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table(valid_from_mm: i64, rows: &[(i64, i64)]) -> RatingTable {
        RatingTable {
            id: TableId::new("t1").unwrap(),
            source: "现场率定 2024-05-01".into(),
            valid_from_mm,
            rows: rows.to_vec(),
        }
    }

    const ROWS: [(i64, i64); 4] = [(-5, 0), (5, 0), (30, 2_800), (100, 17_001)];

    #[test]
    fn interpolates_between_rows_and_rounds_down() {
        let table = table(30, &ROWS);
        let flow = |stage| table.rate(stage).map(|rated| rated.ml_per_s);
        assert_eq!(flow(30), Some(2_800));
        assert_eq!(flow(65), Some(2_800 + 14_201 * 35 / 70));
        assert_eq!(flow(100), Some(17_001));
        assert_eq!(flow(0), Some(0));
        assert_eq!(flow(6), Some(112));
    }

    #[test]
    fn extrapolates_nothing() {
        let table = table(30, &ROWS);
        assert_eq!(table.rate(-6), None);
        assert_eq!(table.rate(101), None);
    }

    #[test]
    fn says_where_water_flows_below_the_range_of_validity() {
        let table = table(30, &ROWS);
        let below = |stage| table.rate(stage).unwrap().below_range;
        assert!(!below(5), "a dry flume is no doubt");
        assert!(below(6) && below(29));
        assert!(!below(30));
    }

    #[test]
    fn rejects_rows_that_are_no_table() {
        assert_eq!(table(30, &ROWS).check(), Ok(()));
        assert!(matches!(table(0, &[(0, 0)]).check(), Err(RatingError::Rows { rows: 1, .. })));
        let many: Vec<(i64, i64)> = (0..=500).map(|mm| (mm, mm)).collect();
        assert!(matches!(table(0, &many).check(), Err(RatingError::Rows { rows: 501, .. })));
        for rows in [[(0, 0), (0, 1)], [(1, 0), (0, 1)], [(0, 1), (1, 0)]] {
            assert!(matches!(table(0, &rows).check(), Err(RatingError::NotRising { .. })));
        }
        for rows in [[(0, -1), (1, 1)], [(-1_001, 0), (1, 1)], [(0, 0), (20_001, 1)]] {
            assert!(matches!(table(0, &rows).check(), Err(RatingError::Range { .. })));
        }
        assert!(matches!(table(101, &ROWS).check(), Err(RatingError::ValidFrom(_))));
        let unsourced = RatingTable { source: String::new(), ..table(30, &ROWS) };
        assert!(matches!(unsourced.check(), Err(RatingError::Source(..))));
    }

    proptest! {
        #[test]
        fn discharge_never_falls_as_the_water_rises(
            steps in prop::collection::vec((1_i64..50, 0_i64..100_000), 2..60),
            stage in 0_i64..3_000,
        ) {
            let mut row = (0, 0);
            let rows: Vec<(i64, i64)> = steps
                .iter()
                .map(|step| { row = (row.0 + step.0, row.1 + step.1); row })
                .collect();
            let table = table(rows[0].0, &rows);
            prop_assert_eq!(table.check(), Ok(()));
            if let (Some(at), Some(above)) = (table.rate(stage), table.rate(stage + 1)) {
                prop_assert!(at.ml_per_s <= above.ml_per_s);
            }
        }
    }
}
