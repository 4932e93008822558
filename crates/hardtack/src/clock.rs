//! The current time, which tests can set.
//!
//! A machine has two clocks. The system clock tells the date. It may be wrong, and it may be set while the process
//! runs, so its time can jump backward. The monotonic clock only counts how much time has passed. Decision 31 explains
//! which clock is used for what.

use std::fmt;
use std::ops::{Add, Sub};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// 9999-12-31T23:59:59Z in seconds since 1970: the last second that other libraries can represent.
pub(crate) const MAX_NUMERIC_DATE: i64 = 253_402_300_799;

/// The maximum value of [`ClaimsPolicy::leeway`](crate::config::ClaimsPolicy::leeway) and
/// [`ClaimsPolicy::clock_skew`](crate::config::ClaimsPolicy::clock_skew). If machines share keys or a store, their
/// clocks must not differ by more than this.
pub const MAX_SKEW: Duration = Duration::from_secs(60);

/// The default of [`ClaimsPolicy::clock_skew`](crate::config::ClaimsPolicy::clock_skew).
pub const DEFAULT_SKEW: Duration = Duration::from_secs(3);

/// A point in time, in whole seconds since 1970-01-01T00:00:00Z (a NumericDate as defined in RFC 7519 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The latest possible point in time, which is later than any time in a token.
    pub(crate) const MAX: Self = Self(i64::MAX);

    /// Returns the point in time that is `seconds` after the Unix epoch.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Returns the seconds since the Unix epoch.
    pub const fn unix_seconds(self) -> i64 {
        self.0
    }

    /// Returns the time that has passed since `earlier`. If `earlier` is later than `self`, returns zero.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Returns the time between `self` and `other`, regardless of which of the two is earlier.
    pub fn distance(self, other: Self) -> Duration {
        Duration::from_secs(self.0.abs_diff(other.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    /// Adds whole seconds, saturating at the latest time.
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_secs()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    /// Subtracts whole seconds, saturating at the earliest time.
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_secs()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A source of the current time. The default is [`SystemClock`].
pub trait Clock: Send + Sync + 'static {
    /// Returns the current time. The time may jump forward or back when the clock is set.
    fn now(&self) -> Timestamp;

    /// Returns the current time in milliseconds since 1970. The default implementation multiplies the number of seconds
    /// from [`Self::now`] by 1000.
    fn unix_millis(&self) -> i64 {
        self.now().unix_seconds().saturating_mul(1000)
    }

    /// Returns the time that has passed since some fixed moment. The result never decreases, and setting the date does
    /// not change it. The default implementation is based on [`Instant`]. A clock for tests should advance this time
    /// together with [`Self::now`].
    fn monotonic(&self) -> Duration {
        static FIRST: OnceLock<Instant> = OnceLock::new();
        let first = *FIRST.get_or_init(Instant::now);
        first.elapsed()
    }
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[inline]
    fn now(&self) -> Timestamp {
        #[cfg(target_os = "linux")]
        if let Some(now) = second_of_last_tick() {
            return now;
        }
        Timestamp(0) + since_epoch()
    }

    fn unix_millis(&self) -> i64 {
        i64::try_from(since_epoch().as_millis()).unwrap_or(i64::MAX)
    }
}

/// Returns the time since 1970. If the clock is set to an earlier date, returns zero, so that no token is valid yet.
fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Returns the time of the kernel's last tick in whole seconds, from `CLOCK_REALTIME_COARSE`. The kernel ticks at least
/// every ten milliseconds. Reading this clock is four times as fast as reading the precise clock, `CLOCK_REALTIME`
/// (decision 29). Returns `None` if the last tick came in the final tenth of a second, because the next second may have
/// begun since then.
#[cfg(target_os = "linux")]
#[inline]
fn second_of_last_tick() -> Option<Timestamp> {
    let tick = nix::time::clock_gettime(nix::time::ClockId::CLOCK_REALTIME_COARSE).ok()?;
    (tick.tv_sec() >= 0 && tick.tv_nsec() < 900_000_000).then_some(Timestamp(tick.tv_sec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_agrees_with_the_system_time() {
        for _ in 0..1000 {
            let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
            let now = SystemClock.now().unix_seconds().unsigned_abs();
            let after = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
            assert!((before..=after).contains(&now), "{before} {now} {after}");
        }
    }

    #[test]
    fn the_monotonic_clock_does_not_go_back() {
        let mut last = SystemClock.monotonic();
        for _ in 0..1000 {
            let now = SystemClock.monotonic();
            assert!(now >= last);
            last = now;
        }
    }
}
