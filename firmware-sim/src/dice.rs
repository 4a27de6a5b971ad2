//! Chance that follows from a seed.
//!
//! `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014) is ten lines and
//! will not change, so a seed gives the same fleet whatever versions of whatever crates are around. It is no source
//! of secrets.

use telemetry::MeterId;

/// Draws that depend on the seed and on what they are for, never on the order in which they are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dice {
    seed: u64,
}

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// A number below `sides` for one purpose, meter and index; 0 when `sides` is 0.
    pub(crate) fn roll(self, purpose: &str, meter: &MeterId, index: u64, sides: u64) -> u64 {
        let mut state = self.seed;
        for text in [purpose, meter.as_str()] {
            for byte in text.bytes() {
                state = mix(state ^ u64::from(byte));
            }
            state = mix(state ^ u64::MAX);
        }
        mix(state ^ index).checked_rem(sides).unwrap_or(0)
    }

    /// A number from `least` to `most`; `least` when the bounds are the wrong way round.
    pub(crate) fn between(
        self,
        purpose: &str,
        meter: &MeterId,
        index: u64,
        least: i64,
        most: i64,
    ) -> i64 {
        let sides =
            u64::try_from(most.saturating_sub(least)).map_or(0, |span| span.saturating_add(1));
        let roll = self.roll(purpose, meter, index, sides);
        least.saturating_add(i64::try_from(roll).unwrap_or(0))
    }
}

const fn mix(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixes_as_published() {
        // The first output of SplitMix64 for the seed 0.
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn rolls_spread_and_repeat() {
        let meter = MeterId::new("well-07").unwrap();
        let dice = Dice::new(7);
        let rolls: Vec<u64> = (0..10_000).map(|i| dice.roll("drop", &meter, i, 1000)).collect();
        assert_eq!(rolls[42], Dice::new(7).roll("drop", &meter, 42, 1000));
        let below_100 = rolls.iter().filter(|&&roll| roll < 100).count();
        assert!((900..1100).contains(&below_100), "{below_100}");
        assert!(rolls.iter().all(|&roll| roll < 1000));
        assert_eq!(dice.roll("drop", &meter, 1, 0), 0);
        let between: Vec<i64> = (0..1000).map(|i| dice.between("x", &meter, i, -2, 2)).collect();
        assert_eq!((between.iter().min(), between.iter().max()), (Some(&-2), Some(&2)));
        assert_eq!(dice.between("x", &meter, 1, 3, 2), 3);
    }
}
