//! How long to measure.

use std::time::Duration;

/// Rounds and their lengths.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// Rounds of what happens inside this process.
    pub(crate) rounds: usize,
    /// The length of one case's turn.
    pub(crate) round: Duration,
    /// Rounds over loopback.
    pub(crate) http_rounds: usize,
    /// The length of one server's turn.
    pub(crate) http_round: Duration,
}

impl Plan {
    /// What the table in the documentation is made with: some minutes.
    pub(crate) const fn full() -> Self {
        Self {
            rounds: 1200,
            round: Duration::from_micros(1500),
            http_rounds: 200,
            http_round: Duration::from_millis(30),
        }
    }

    /// A first look: under a minute.
    pub(crate) const fn quick() -> Self {
        Self { rounds: 120, round: Duration::from_millis(1), http_rounds: 30, http_round: Duration::from_millis(30) }
    }
}
