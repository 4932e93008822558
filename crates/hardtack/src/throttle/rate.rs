//! A rate limit: how many attempts are allowed at once, and how soon each further attempt is allowed.

use std::time::Duration;

/// The size and speed of a token bucket: `burst` attempts are allowed at once, and then one more attempt per interval
/// `every`.
///
/// ```
/// use std::time::Duration;
/// use hardtack::throttle::Rate;
///
/// const LOG_INS: Rate = Rate::new(10, Duration::from_secs(30));
/// assert_eq!(LOG_INS.time_to_fill(), Duration::from_secs(300));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    burst: u32,
    every: Duration,
}

impl Rate {
    /// The maximum value of `burst`.
    pub const MAX_BURST: u32 = 1_000_000;

    /// The minimum value of `every`.
    pub const MIN_EVERY: Duration = Duration::from_millis(1);

    /// The maximum value of `every`.
    pub const MAX_EVERY: Duration = Duration::from_secs(24 * 3600);

    /// Creates a rate. `burst` can be from 1 to [`Self::MAX_BURST`]. `every` can be from [`Self::MIN_EVERY`] to
    /// [`Self::MAX_EVERY`], in whole milliseconds. A value outside these limits is replaced by the nearest limit, so
    /// check values from a configuration before you pass them.
    pub const fn new(burst: u32, every: Duration) -> Self {
        let burst = match burst {
            0 => 1,
            Self::MAX_BURST.. => Self::MAX_BURST,
            _ => burst,
        };
        let every = if every.as_millis() < Self::MIN_EVERY.as_millis() {
            Self::MIN_EVERY
        } else if every.as_millis() > Self::MAX_EVERY.as_millis() {
            Self::MAX_EVERY
        } else {
            Duration::from_millis(every.as_millis() as u64)
        };
        Self { burst, every }
    }

    /// Returns how many attempts are allowed at once.
    pub const fn burst(self) -> u32 {
        self.burst
    }

    /// Returns how long it takes to add one token to the bucket. Each token allows one attempt.
    pub const fn every(self) -> Duration {
        self.every
    }

    /// Returns how long it takes to fill an empty bucket.
    pub const fn time_to_fill(self) -> Duration {
        Duration::from_millis((self.every.as_millis() as u64).saturating_mul(self.burst as u64))
    }

    /// Returns [`Self::every`] in milliseconds.
    pub(super) const fn every_ms(self) -> i64 {
        self.every.as_millis() as i64
    }

    /// Returns [`Self::time_to_fill`] in milliseconds.
    pub(super) const fn fill_ms(self) -> i64 {
        self.every_ms() * self.burst as i64
    }
}
