//! Medians: one turn that the machine spent on something else does not move them. And what times are told in.

use std::time::Duration;

/// The median of `values`; 0 of none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.len(), sorted.len() / 2) {
        (0, _) => 0.0,
        (length, middle) if length % 2 == 1 => sorted[middle],
        (_, middle) => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// The median of the ratios of what was measured in one turn.
pub(crate) fn median_ratio(values: &[f64], others: &[f64]) -> f64 {
    let ratios: Vec<f64> = values.iter().zip(others).map(|(a, b)| a / b).collect();
    median(&ratios)
}

/// A time in milliseconds.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one_or_between_the_two() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(&[]), 0.0);
    }

    #[test]
    fn ratios_are_taken_turn_by_turn() {
        // A machine that got twice as slow between two turns.
        assert_eq!(median_ratio(&[1.0, 2.0, 4.0], &[2.0, 4.0, 8.0]), 0.5);
    }
}
