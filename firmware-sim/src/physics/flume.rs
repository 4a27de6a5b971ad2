//! Parshall flumes in free flow: Q = C · h^n, with Q in m³/s and h in m.
//!
//! Constants and ranges as in ISO 9826 for throats from 0.25 to 2.4 m. Floating point ends here: the outside sees whole
//! millilitres per second for whole millimetres.

/// Stage that is still water when no wave is higher: what stands above a flume's range.
const FREEBOARD_MM: i64 = 200;

struct Throat {
    width_mm: u32,
    c: f64,
    n: f64,
    /// Stages for which the formula holds, in millimetres.
    range_mm: [i64; 2],
}

const fn throat(width_mm: u32, c: f64, n: f64, range_mm: [i64; 2]) -> Throat {
    Throat { width_mm, c, n, range_mm }
}

const THROATS: [Throat; 12] = [
    throat(250, 0.561, 1.513, [30, 600]),
    throat(300, 0.679, 1.521, [30, 750]),
    throat(450, 1.038, 1.537, [30, 750]),
    throat(600, 1.403, 1.548, [50, 750]),
    throat(750, 1.772, 1.557, [60, 750]),
    throat(900, 2.147, 1.565, [60, 750]),
    throat(1000, 2.397, 1.569, [60, 800]),
    throat(1200, 2.904, 1.577, [60, 800]),
    throat(1500, 3.668, 1.586, [60, 800]),
    throat(1800, 4.440, 1.593, [80, 800]),
    throat(2100, 5.222, 1.599, [80, 800]),
    throat(2400, 6.004, 1.605, [80, 800]),
];

/// A flume as a table: its discharge for every millimetre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flume {
    throat_mm: u32,
    formula: String,
    range_mm: [i64; 2],
    /// Millilitres per second at 0, 1, 2, … mm.
    ml_per_s: Vec<i64>,
}

impl Flume {
    /// The throats that there are, in millimetres.
    pub(crate) fn throats_mm() -> impl Iterator<Item = u32> {
        THROATS.iter().map(|throat| throat.width_mm)
    }

    /// The flume with this throat.
    pub(crate) fn parshall(throat_mm: u32) -> Option<Self> {
        let throat = THROATS.iter().find(|throat| throat.width_mm == throat_mm)?;
        let [_, highest] = throat.range_mm;
        let ml_per_s = (0..=highest + FREEBOARD_MM).map(|mm| ml_per_s(throat, mm)).collect();
        let Throat { width_mm, c, n, range_mm } = *throat;
        let formula = format!("Parshall b={width_mm} mm: Q={c}·ha^{n} m³/s (ISO 9826)");
        Some(Self { throat_mm, formula, range_mm, ml_per_s })
    }

    /// Where its numbers come from.
    pub(crate) fn formula(&self) -> &str {
        &self.formula
    }

    /// The throat, in millimetres.
    pub(crate) const fn throat_mm(&self) -> u32 {
        self.throat_mm
    }

    /// Stages for which the formula holds.
    pub(crate) const fn range_mm(&self) -> [i64; 2] {
        self.range_mm
    }

    /// The discharge at a stage; what lies above the table gets its last row.
    pub(crate) fn ml_per_s(&self, mm: i64) -> i64 {
        let index = usize::try_from(mm).unwrap_or(0).min(self.ml_per_s.len() - 1);
        self.ml_per_s.get(index).copied().unwrap_or(0)
    }

    /// The stage at a discharge, to the nearer millimetre.
    pub(crate) fn stage_mm(&self, ml_per_s: i64) -> i64 {
        let above = self.ml_per_s.partition_point(|row| *row < ml_per_s);
        let above = i64::try_from(above.min(self.ml_per_s.len() - 1)).unwrap_or(0);
        let below = (above - 1).max(0);
        let nearer_below = ml_per_s - self.ml_per_s(below) < self.ml_per_s(above) - ml_per_s;
        if nearer_below { below } else { above }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "stages are below 1,000 mm and discharges below 10^7 mL/s"
)]
fn ml_per_s(throat: &Throat, mm: i64) -> i64 {
    let cubic_metres_per_s = throat.c * (mm as f64 / 1000.0).powf(throat.n);
    (cubic_metres_per_s * 1e6).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discharges_are_those_of_the_formula() {
        let flume = Flume::parshall(600).unwrap();
        // 1.403 · 0.3^1.548 = 0.21759 m³/s.
        assert_eq!(flume.ml_per_s(300), 217_591);
        assert_eq!(flume.ml_per_s(0), 0);
        assert_eq!(flume.ml_per_s(1000), 1_295_907, "the table ends at 950 mm");
    }

    #[test]
    fn every_stage_is_found_again_from_its_discharge() {
        for throat_mm in Flume::throats_mm() {
            let flume = Flume::parshall(throat_mm).unwrap();
            let [low, high] = flume.range_mm();
            for mm in (0..low).chain(low..=high) {
                assert_eq!(flume.stage_mm(flume.ml_per_s(mm)), mm, "{throat_mm} {mm}");
            }
        }
        assert_eq!(Flume::parshall(601), None);
    }
}
