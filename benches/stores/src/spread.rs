//! Statistics of durations.

use std::time::Duration;

/// The measured durations of one operation.
#[derive(Default)]
pub(crate) struct Samples(Vec<Duration>);

impl Samples {
    pub(crate) fn push(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    pub(crate) fn median(&self) -> Duration {
        self.at(0.5)
    }

    pub(crate) fn maximum(&self) -> Duration {
        self.at(1.0)
    }

    fn at(&self, share: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let index = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
        sorted.get(index).copied().unwrap_or_default()
    }
}

/// Converts a duration to microseconds.
pub(crate) fn microseconds(span: Duration) -> f64 {
    span.as_secs_f64() * 1e6
}
