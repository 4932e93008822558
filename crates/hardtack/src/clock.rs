//! The time, from one place, so that a test can set it.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// 9999-12-31T23:59:59Z in seconds since 1970: the last second that other libraries can represent.
pub(crate) const MAX_NUMERIC_DATE: i64 = 253_402_300_799;

/// A point in time in whole seconds since 1970-01-01T00:00:00Z: the NumericDate of RFC 7519 §2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The point `seconds` after the Unix epoch.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since the Unix epoch.
    pub const fn unix_seconds(self) -> i64 {
        self.0
    }

    /// How long ago `earlier` was; zero if it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    /// Whole seconds; saturates at the end of time.
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_secs()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    /// Whole seconds; saturates at the start of time.
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_secs()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Where the current time comes from. [`SystemClock`] unless a test sets another one.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[inline]
    fn now(&self) -> Timestamp {
        #[cfg(target_os = "linux")]
        if let Some(now) = second_of_last_tick() {
            return now;
        }
        // A clock set before 1970 reads as 1970: every token is then "not yet valid", never "valid".
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(0) + since_epoch
    }
}

/// The second in which the kernel last looked at the clock, which costs a quarter of looking oneself: it does
/// so every ten milliseconds or more often. None near a second's end, where the next may have begun since.
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
    fn the_machines_clock_tells_the_second() {
        for _ in 0..1000 {
            let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
            let now = SystemClock.now().unix_seconds().unsigned_abs();
            let after = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
            assert!((before..=after).contains(&now), "{before} {now} {after}");
        }
    }
}
