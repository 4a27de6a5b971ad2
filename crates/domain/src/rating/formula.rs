//! Drawing up a rating table from a formula or from pairs measured on site.
//!
//! The one place of this crate that uses floating point: it makes rows of integers, which people read,
//! sign and post. Bills rest on the posted rows and never on the formula.

use thiserror::Error;

use super::{MAX_ROWS, RatingError, RatingTable};
use crate::TableId;

/// Standard acceleration of gravity in m/s² (ISO 80000-3).
const GRAVITY: f64 = 9.806_65;

/// A Parshall flume in free flow: Q = C · haⁿ in m³/s with ha in metres (ISO 9826:1992).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parshall {
    /// Width of the throat in millimetres.
    pub throat_mm: i64,
    /// C.
    pub c: f64,
    /// n.
    pub n: f64,
    /// The smallest ha that the formula is valid for, in millimetres.
    pub least_mm: i64,
    /// The largest.
    pub most_mm: i64,
}

const fn parshall(throat_mm: i64, c: f64, n: f64, least_mm: i64, most_mm: i64) -> Parshall {
    Parshall { throat_mm, c, n, least_mm, most_mm }
}

/// The standard sizes from 0.25 to 2.4 m with their ranges of validity (ISO 9826:1992, table of discharge equations).
pub const PARSHALL: [Parshall; 12] = [
    parshall(250, 0.561, 1.513, 30, 600),
    parshall(300, 0.679, 1.521, 30, 750),
    parshall(450, 1.038, 1.537, 30, 750),
    parshall(600, 1.403, 1.548, 50, 750),
    parshall(750, 1.772, 1.557, 60, 750),
    parshall(900, 2.147, 1.565, 60, 750),
    parshall(1000, 2.397, 1.569, 60, 800),
    parshall(1200, 2.904, 1.577, 60, 800),
    parshall(1500, 3.668, 1.586, 60, 800),
    parshall(1800, 4.440, 1.593, 80, 800),
    parshall(2100, 5.222, 1.599, 80, 800),
    parshall(2400, 6.004, 1.605, 80, 800),
];

/// A structure whose discharge a formula gives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Flume {
    /// A Parshall flume of a standard size in free flow.
    Parshall(Parshall),
    /// A thin-plate weir with a notch of 90° (Kindsvater–Shen, ISO 1438:2017):
    /// Q = Ce · 8/15 · √(2g) · (h + kh)^2.5 with Ce = 0.578 and kh = 0.85 mm.
    VNotch {
        /// The greatest stage over the notch that the weir was built for, in millimetres.
        most_mm: i64,
    },
    /// A full-width rectangular thin-plate weir (Rehbock, ISO 1438:2017):
    /// Q = Ce · 2/3 · √(2g) · b · (h + 0.0012)^1.5 with Ce = 0.602 + 0.083 h/p.
    Rectangular {
        /// Width b in millimetres.
        width_mm: i64,
        /// Height p of the crest over the floor, in millimetres; h/p is at most 1.
        crest_mm: i64,
    },
}

/// Why no table can be drawn up.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FormulaError {
    /// No standard Parshall flume.
    #[error(
        "there is no standard parshall flume of {0} mm: use 250, 300, 450, 600, 750, 900, 1000, 1200, 1500, 1800, 2100 or 2400"
    )]
    Throat(i64),
    /// A weir's measure out of range.
    #[error("the {what} of {millimetres} mm is not valid: use {least} to {most}")]
    Measure {
        /// Which measure.
        what: &'static str,
        /// As given.
        millimetres: i64,
        /// The least allowed.
        least: i64,
        /// The most allowed.
        most: i64,
    },
    /// Rows too close or too far apart.
    #[error(
        "a step of {step_mm} mm is not valid: use {least_mm} to 50, so that the table has at most {MAX_ROWS} rows"
    )]
    Step {
        /// The step as given.
        step_mm: i64,
        /// The least that keeps the table short enough.
        least_mm: i64,
    },
    /// A zero band that reaches the range of validity.
    #[error("a zero band of {0} mm is not valid: use 0 to 25, below the formula's range")]
    ZeroBand(i64),
    /// The rows make no table.
    #[error(transparent)]
    Table(#[from] RatingError),
}

impl Flume {
    /// The standard Parshall flume with this throat, in millimetres.
    pub fn parshall(throat_mm: i64) -> Result<Self, FormulaError> {
        let found = PARSHALL.into_iter().find(|flume| flume.throat_mm == throat_mm);
        found.map(Self::Parshall).ok_or(FormulaError::Throat(throat_mm))
    }

    /// The stages that the formula is valid for, in millimetres; fails for a weir that the standard does not cover.
    pub fn range_mm(self) -> Result<(i64, i64), FormulaError> {
        let check = |what, millimetres, least, most| {
            if (least..=most).contains(&millimetres) {
                Ok(())
            } else {
                Err(FormulaError::Measure { what, millimetres, least, most })
            }
        };
        match self {
            Self::Parshall(flume) => Ok((flume.least_mm, flume.most_mm)),
            Self::VNotch { most_mm } => {
                check("greatest stage", most_mm, 70, 1_000)?;
                Ok((60, most_mm))
            }
            Self::Rectangular { width_mm, crest_mm } => {
                check("width", width_mm, 300, 10_000)?;
                check("crest", crest_mm, 100, 2_000)?;
                Ok((30, crest_mm))
            }
        }
    }

    /// Discharge in m³/s at a stage in millimetres.
    pub fn cubic_metres_per_second(self, stage_mm: i64) -> f64 {
        let metres = metres(stage_mm);
        match self {
            Self::Parshall(Parshall { c, n, .. }) => c * metres.powf(n),
            Self::VNotch { .. } => {
                0.578 * (8.0 / 15.0) * (2.0 * GRAVITY).sqrt() * (metres + 0.000_85).powf(2.5)
            }
            Self::Rectangular { width_mm, crest_mm } => {
                let ce = 0.602 + 0.083 * metres / self::metres(crest_mm);
                let crest = self::metres(width_mm) * (metres + 0.0012).powf(1.5);
                ce * (2.0 / 3.0) * (2.0 * GRAVITY).sqrt() * crest
            }
        }
    }

    fn words(self) -> String {
        match self {
            Self::Parshall(Parshall { throat_mm, c, n, .. }) => {
                format!("Parshall b={throat_mm} mm: Q={c}·ha^{n} m³/s (ISO 9826)")
            }
            Self::VNotch { .. } => "V-notch 90°: Kindsvater-Shen, Ce=0.578 (ISO 1438)".into(),
            Self::Rectangular { width_mm, crest_mm } => {
                format!("Rectangular weir b={width_mm} mm, p={crest_mm} mm: Rehbock (ISO 1438)")
            }
        }
    }
}

/// Draws up a table over a formula's range of validity, a row every `step_mm` and at the end.
///
/// Stages within `zero_band_mm` of zero count as dry, so that a gauge which flickers over a dry flume measures nothing.
pub fn draw_up(
    id: TableId,
    flume: Flume,
    step_mm: i64,
    zero_band_mm: i64,
) -> Result<RatingTable, FormulaError> {
    let (least_mm, most_mm) = flume.range_mm()?;
    // Beside the rows in between stand those of the zero band and of both ends.
    let least_step_mm = (most_mm - least_mm) / (max_rows() - 3) + 1;
    if !(least_step_mm..=50).contains(&step_mm) {
        return Err(FormulaError::Step { step_mm, least_mm: least_step_mm });
    }
    if !(0..=25).contains(&zero_band_mm) || zero_band_mm >= least_mm {
        return Err(FormulaError::ZeroBand(zero_band_mm));
    }
    let mut rows = vec![(-zero_band_mm, 0), (zero_band_mm, 0)];
    rows.dedup();
    let mut stage_mm = least_mm;
    while stage_mm < most_mm {
        rows.push((stage_mm, millilitres(flume.cubic_metres_per_second(stage_mm))));
        stage_mm += step_mm;
    }
    rows.push((most_mm, millilitres(flume.cubic_metres_per_second(most_mm))));
    let table = RatingTable { id, source: flume.words(), valid_from_mm: least_mm, rows };
    table.check()?;
    Ok(table)
}

/// A table from pairs of stage (mm) and discharge (ml/s) measured on site, in any order; valid from the first pair on
/// at which water flows.
pub fn from_pairs(
    id: TableId,
    source: String,
    mut pairs: Vec<(i64, i64)>,
) -> Result<RatingTable, FormulaError> {
    pairs.sort_unstable();
    let flowing = pairs.iter().find(|pair| pair.1 > 0).or(pairs.first());
    let valid_from_mm = flowing.map_or(0, |pair| pair.0);
    let table = RatingTable { id, source, valid_from_mm, rows: pairs };
    table.check()?;
    Ok(table)
}

fn max_rows() -> i64 {
    i64::try_from(MAX_ROWS).unwrap_or(i64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "a stage has at most five digits")]
fn metres(millimetres: i64) -> f64 {
    millimetres as f64 / 1000.0
}

#[expect(clippy::cast_possible_truncation, reason = "every formula's range ends below 100 m³/s")]
fn millilitres(cubic_metres: f64) -> i64 {
    (cubic_metres * 1_000_000.0).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> TableId {
        TableId::new("t1").unwrap()
    }

    #[test]
    fn golden_v_notch() {
        let flow = Flume::VNotch { most_mm: 300 }.cubic_metres_per_second(200);
        assert!((flow - 0.024_68).abs() < 0.000_005, "{flow}");
    }

    #[test]
    fn golden_rectangular_weir() {
        let flow =
            Flume::Rectangular { width_mm: 1000, crest_mm: 500 }.cubic_metres_per_second(200);
        assert!((flow - 0.169_25).abs() < 0.000_005, "{flow}");
    }

    #[test]
    fn parshall_flumes_follow_their_power_law() {
        // 0.60 m throat at 0.30 m: 1.403 × 0.3^1.548, reckoned by hand with logarithms.
        let flow = Flume::parshall(600).unwrap().cubic_metres_per_second(300);
        assert!((flow - 0.217_6).abs() < 0.000_1, "{flow}");
    }

    #[test]
    fn a_table_is_the_formula_at_its_rows_and_close_to_it_between() {
        for flume in [
            Flume::parshall(250).unwrap(),
            Flume::parshall(2400).unwrap(),
            Flume::VNotch { most_mm: 400 },
            Flume::Rectangular { width_mm: 1000, crest_mm: 500 },
        ] {
            let table = draw_up(id(), flume, 5, 10).unwrap();
            let (least, most) = flume.range_mm().unwrap();
            assert_eq!(table.range_mm(), (-10, most));
            for stage in least..=most {
                let rated = table.rate(stage).unwrap();
                assert!(!rated.below_range);
                let exact = flume.cubic_metres_per_second(stage) * 1e6;
                let off = (f64::from(i32::try_from(rated.ml_per_s).unwrap()) - exact).abs() / exact;
                assert!(off < 0.004, "{flume:?} at {stage} mm: {off}");
            }
            assert!(table.rate(least - 1).unwrap().below_range);
            assert_eq!(table.rate(most + 1), None);
            assert_eq!(table.rate(0).unwrap().ml_per_s, 0);
        }
    }

    #[test]
    fn rejects_what_no_standard_covers() {
        assert_eq!(Flume::parshall(500), Err(FormulaError::Throat(500)));
        assert!(draw_up(id(), Flume::VNotch { most_mm: 60 }, 5, 0).is_err());
        let narrow = Flume::Rectangular { width_mm: 10, crest_mm: 500 };
        assert!(matches!(draw_up(id(), narrow, 5, 0), Err(FormulaError::Measure { .. })));
        let flume = Flume::parshall(250).unwrap();
        assert_eq!(draw_up(id(), flume, 0, 0), Err(FormulaError::Step { step_mm: 0, least_mm: 2 }));
        assert_eq!(draw_up(id(), flume, 1, 0), Err(FormulaError::Step { step_mm: 1, least_mm: 2 }));
        assert_eq!(draw_up(id(), flume, 5, 30), Err(FormulaError::ZeroBand(30)));
    }

    #[test]
    fn takes_pairs_measured_on_site() {
        let pairs = vec![(120, 30_000), (0, 0), (60, 8_000)];
        let table = from_pairs(id(), "流速仪实测".into(), pairs).unwrap();
        assert_eq!(table.rows, [(0, 0), (60, 8_000), (120, 30_000)]);
        assert_eq!(table.valid_from_mm, 60);
        let twice = vec![(60, 8_000), (60, 9_000)];
        assert!(from_pairs(id(), "流速仪实测".into(), twice).is_err());
    }
}
