//! Figures out of measurements.

use std::time::Duration;

/// The middle one, or the mean of the middle two; `None` of nothing.
pub fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get((values.len() - 1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

/// The smallest of the durations that at least `permille` thousandths of them do not exceed (nearest rank).
pub fn percentile(sorted: &[Duration], permille: usize) -> Option<Duration> {
    let rank = (sorted.len() * permille).div_ceil(1000).max(1);
    sorted.get(rank - 1).copied()
}

/// How many a second.
pub fn rate(count: usize, time: Duration) -> f64 {
    float(count) / time.as_secs_f64()
}

/// A count as a figure.
#[expect(
    clippy::cast_precision_loss,
    reason = "a figure for people; nothing is counted on with it"
)]
pub fn float(count: usize) -> f64 {
    count as f64
}

/// A duration in milliseconds.
pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median(&mut []), None);
        assert_eq!(median(&mut [4.0]), Some(4.0));
        assert_eq!(median(&mut [9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut [1.0, 9.0, 2.0, 4.0]), Some(3.0));
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let sorted: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(percentile(&sorted, 500), Some(Duration::from_millis(100)));
        assert_eq!(percentile(&sorted, 990), Some(Duration::from_millis(198)));
        assert_eq!(percentile(&sorted, 1000), Some(Duration::from_millis(200)));
        assert_eq!(percentile(&sorted, 0), Some(Duration::from_millis(1)));
        assert_eq!(percentile(&sorted[..1], 990), Some(Duration::from_millis(1)));
        assert_eq!(percentile(&[], 500), None);
    }

    #[test]
    fn rates_are_per_second() {
        assert!((rate(500, Duration::from_millis(250)) - 2000.0).abs() < 1e-9);
        assert!((millis(Duration::from_micros(1500)) - 1.5).abs() < 1e-9);
    }
}
