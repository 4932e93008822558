//! How long to measure.

use std::time::Duration;

/// The number of rounds and the length of each turn.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// The number of rounds of operations in this process.
    pub(crate) rounds: usize,
    /// The length of one case's turn.
    pub(crate) round: Duration,
    /// The number of rounds over loopback.
    pub(crate) http_rounds: usize,
    /// The length of one server's turn.
    pub(crate) http_round: Duration,
}

impl Plan {
    /// Returns the plan for the table in the documentation. Its run takes some minutes.
    pub(crate) const fn full() -> Self {
        Self {
            rounds: 1200,
            round: Duration::from_micros(1500),
            http_rounds: 200,
            http_round: Duration::from_millis(30),
        }
    }

    /// Returns the plan for a first look. Its run takes less than a minute.
    pub(crate) const fn quick() -> Self {
        Self { rounds: 120, round: Duration::from_millis(1), http_rounds: 30, http_round: Duration::from_millis(30) }
    }
}
