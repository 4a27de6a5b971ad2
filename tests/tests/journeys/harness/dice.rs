//! Chance that a seed decides (`SplitMix64`, Steele, Lea and Flood 2014): a journey that failed fails again.

/// A seeded die.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The seed is the journey's own, or the one in `JOURNEY_SEED`, to walk it otherwise.
    pub fn new(own_seed: u64) -> Self {
        let given = std::env::var("JOURNEY_SEED").ok();
        Self(given.map_or(own_seed, |seed| seed.parse().unwrap()))
    }

    /// A number from 0 to `sides - 1`.
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let sides = u64::try_from(sides).unwrap();
        usize::try_from((z ^ (z >> 31)) % sides).unwrap()
    }
}
