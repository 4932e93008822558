//! A throttle with the authenticator's key and clock.

use std::time::Duration;

use super::Authenticator;
use crate::clock::{Clock, Timestamp};
use crate::throttle::{Throttle, ThrottleBuilder};

/// The clock that an authenticator and its throttles use.
struct ClockOf(Authenticator);

impl Clock for ClockOf {
    fn now(&self) -> Timestamp {
        self.0.0.clock.now()
    }

    fn unix_millis(&self) -> i64 {
        self.0.0.clock.unix_millis()
    }

    fn monotonic(&self) -> Duration {
        self.0.0.clock.monotonic()
    }
}

impl Authenticator {
    /// Starts building a [`Throttle`] with this authenticator's signing key and clock. If the signing key is replaced
    /// later, the throttle continues to use the old key.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use hardtack::throttle::{Budget, Rate};
    /// # use hardtack::{Authenticator, KeySet, SigningKey, jwt::Algorithm};
    /// # let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
    /// # let auth = Authenticator::builder(keys).base_url("https://site.example").build()?;
    /// let throttle = auth.throttle().build();
    /// let key = throttle.key("invitations", &["alice"]);
    /// let five_a_day = Budget::new(key, Rate::new(5, Duration::from_secs(24 * 60 * 60)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn throttle(&self) -> ThrottleBuilder {
        Throttle::builder(&self.keys_in_use().set).clock(ClockOf(self.clone()))
    }
}
