//! A median and its quartiles.

use serde::Serialize;

/// The median and the quartiles.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Spread {
    /// Calculates the median and quartiles of samples in any order. They are NaN if there are no samples.
    pub(crate) fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let index = (samples.len().saturating_sub(1) as f64 * share).round() as usize;
            samples.get(index).copied().unwrap_or(f64::NAN)
        };
        Self { median: at(0.5), low: at(0.25), high: at(0.75) }
    }

    /// Returns the spread of a counted figure, which has no variation.
    pub(crate) const fn exact(value: f64) -> Self {
        Self { median: value, low: value, high: value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_disturbed_round_moves_neither_median_nor_quartiles() {
        let spread = Spread::of(vec![3.0, 1.0, 1000.0, 2.0, 4.0, 2.0, 3.0, 2.0, 4.0]);
        assert_eq!((spread.low, spread.median, spread.high), (2.0, 3.0, 4.0));
        assert!(Spread::of(Vec::new()).median.is_nan());
    }
}
