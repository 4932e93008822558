//! Functions that wait for a condition, no matter how slow the machine is.
//!
//! A test must not depend on the speed of the machine. It waits until a condition is met before it asserts the
//! condition, and never waits for a fixed time.

use std::fmt::Display;
use std::future::Future;
use std::time::{Duration, Instant};

/// How long a test waits before it fails. The time is long because CI machines are slow and run many tests at once.
pub const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// How long to wait before checking a condition again.
const STEP: Duration = Duration::from_millis(10);

/// The maximum number of times that [`once_within`] calls `measure`.
const RUNS: usize = 20;

/// Waits until the condition is met.
///
/// # Panics
/// Panics if the condition is not met within [`LONGEST_WAIT`]. The message contains `what`, which describes the
/// condition.
pub async fn until(what: impl Display, mut is_met: impl AsyncFnMut() -> bool) {
    until_some(|| what.to_string(), async || is_met().await.then_some(())).await;
}

/// Calls `find` until it returns a value, and returns that value.
///
/// # Panics
/// Panics if `find` has not returned a value within [`LONGEST_WAIT`]. The message contains the result of `explain`,
/// such as a server's log.
pub async fn until_some<T>(explain: impl Fn() -> String, mut find: impl AsyncFnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = find().await {
            return found;
        }
        assert!(since.elapsed() < LONGEST_WAIT, "not within {} s: {}", LONGEST_WAIT.as_secs(), explain());
        tokio::time::sleep(STEP).await;
    }
}

/// Awaits a future, and returns its output.
///
/// # Panics
/// Panics if the future takes longer than [`LONGEST_WAIT`]. The message contains `what`.
pub async fn within_reason<T>(what: impl Display, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(LONGEST_WAIT, future).await {
        Ok(output) => output,
        Err(_) => panic!("not within {} s: {what}", LONGEST_WAIT.as_secs()),
    }
}

/// Calls `measure` repeatedly until it returns a time that is less than `bound`. Use this function if `bound` is a few
/// seconds or less: even if the machine is busy during some of the runs, it is probably idle during one of them.
///
/// # Panics
/// Panics if no run was fast enough. The message contains `what` and the fastest time.
pub async fn once_within(bound: Duration, what: impl Display, mut measure: impl AsyncFnMut() -> Duration) {
    let mut fastest = Duration::MAX;
    for _ in 0..RUNS {
        fastest = fastest.min(measure().await);
        if fastest < bound {
            return;
        }
    }
    panic!("{what}: {fastest:?} in the fastest of {RUNS} runs; expected less than {bound:?}");
}
