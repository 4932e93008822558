//! A clock that tests advance.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::{Clock, SystemClock, Timestamp};

/// A clock that stands still until a test advances it. All clones show the same time.
///
/// To test what happens if a clock is wrong, [set](Self::set_forward) the clock, or give another server [its own
/// clock](Self::on_another_machine). Setting a clock changes only the date and time that it shows, not the monotonic
/// time.
///
/// ```
/// use std::time::Duration;
/// use hardtack::clock::{Clock, Timestamp};
/// use hardtack::testing::TestClock;
///
/// let clock = TestClock::start_at(Timestamp::from_unix_seconds(1_800_000_000));
/// let other = clock.on_another_machine();
/// other.set_back(Duration::from_millis(300));
/// clock.advance(Duration::from_secs(5));
/// assert_eq!(clock.now().unix_seconds(), 1_800_000_005);
/// assert_eq!(other.now().unix_seconds(), 1_800_000_004);
/// assert_eq!(other.monotonic(), Duration::from_secs(5));
/// ```
#[derive(Clone, Debug)]
pub struct TestClock {
    /// The time that has passed, in milliseconds. Clocks from [`TestClock::on_another_machine`] share this value.
    passed: Arc<AtomicU64>,
    /// The date and time that the clock shows while `passed` is zero, in milliseconds since 1970. Setting the clock
    /// changes this value.
    start: Arc<AtomicI64>,
}

impl TestClock {
    /// Creates a clock that starts at the machine's current time. At this time, browsers accept the cookies, and
    /// certificates are valid.
    pub fn start_now() -> Self {
        Self::start_at(SystemClock.now())
    }

    /// Creates a clock that starts at the given time.
    pub fn start_at(now: Timestamp) -> Self {
        let start = now.unix_seconds().saturating_mul(1000);
        Self { passed: Arc::default(), start: Arc::new(AtomicI64::new(start)) }
    }

    /// Returns a clock for another machine. The new clock shows the same time as this clock and advances together with
    /// it, but can be set separately.
    #[must_use]
    pub fn on_another_machine(&self) -> Self {
        let start = self.start.load(Ordering::SeqCst);
        Self { passed: Arc::clone(&self.passed), start: Arc::new(AtomicI64::new(start)) }
    }

    /// Lets time pass.
    pub fn advance(&self, span: Duration) {
        self.passed.fetch_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// Moves the clock forward by `span`, as if someone had changed the system clock. The monotonic time stays the
    /// same.
    pub fn set_forward(&self, span: Duration) {
        self.start.fetch_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    /// Moves the clock back by `span`, as if someone had changed the system clock. The monotonic time stays the same.
    pub fn set_back(&self, span: Duration) {
        self.start.fetch_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.unix_millis().div_euclid(1000))
    }

    fn unix_millis(&self) -> i64 {
        let passed = i64::try_from(self.monotonic().as_millis()).unwrap_or(i64::MAX);
        self.start.load(Ordering::SeqCst).saturating_add(passed)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.passed.load(Ordering::SeqCst))
    }
}
