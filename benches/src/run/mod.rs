//! Measures cases side by side. There are many short rounds, and each case takes a turn in each round. A disturbance of
//! the machine therefore affects all cases.

mod case;
mod plan;
mod quiet;
mod spread;

pub(crate) use case::{Case, Outcome};
pub(crate) use plan::Plan;
pub(crate) use quiet::quietest_quarter;
pub(crate) use spread::Spread;

use std::time::Duration;

use crate::Failed;

/// The times of a case in the rounds that count, in nanoseconds per operation.
pub(crate) struct Times(Vec<f64>);

impl Times {
    /// Returns the nanoseconds per operation.
    pub(crate) fn nanoseconds(&self) -> Spread {
        Spread::of(self.0.clone())
    }

    /// Returns the ratio to the time of `base`, calculated for each round.
    pub(crate) fn over(&self, base: &Self) -> Spread {
        Spread::of(self.0.iter().zip(&base.0).map(|(ours, base)| ours / base).collect())
    }

    /// Returns the difference from the time of `base` in microseconds, calculated for each round.
    pub(crate) fn microseconds_beyond(&self, base: &Self) -> Spread {
        Spread::of(self.0.iter().zip(&base.0).map(|(ours, base)| (ours - base) / 1000.0).collect())
    }
}

/// Runs the cases in turns and returns their times in the same order.
///
/// # Errors
/// An operation failed.
pub(crate) fn alternate<const N: usize>(plan: &Plan, mut cases: [Case<'_>; N]) -> Result<[Times; N], Failed> {
    let mut counts = [0; N];
    for (case, count) in cases.iter_mut().zip(&mut counts) {
        *count = operations_in(plan.round, case)?;
    }
    let mut times = [const { Vec::new() }; N];
    for round in 0..plan.rounds {
        // A different case begins each round. Otherwise, the start of the round would always affect the same case.
        for turn in 0..N {
            let at = (round + turn) % N;
            let spent = cases[at].run(counts[at])?;
            times[at].push(spent.as_nanos() as f64 / counts[at] as f64);
        }
    }
    let kept = quietest_quarter(&times);
    Ok(times.map(|rounds| Times(kept.iter().map(|round| rounds[*round]).collect())))
}

/// Returns how many operations fill a round. The measurement also fills caches.
fn operations_in(round: Duration, case: &mut Case<'_>) -> Result<u64, Failed> {
    let mut count = 1;
    loop {
        let spent = case.run(count)?;
        if spent >= round / 2 {
            let one = spent.as_secs_f64() / count as f64;
            return Ok(((round.as_secs_f64() / one) as u64).max(1));
        }
        count *= 2;
    }
}
