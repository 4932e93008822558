//! How long sessions live, how long a replaced refresh token is still accepted, and how stale this process's list of
//! ended sessions can be.

use std::time::Duration;

use super::SessionRules;
#[cfg(any(test, feature = "testing"))]
use crate::clock::DEFAULT_SKEW;
use crate::error::ConfigError;

/// The default for [`SessionPolicy::max_staleness`] with a durable store.
pub(crate) const MAX_STALENESS: Duration = Duration::from_secs(5);

/// How long stored sessions live, how long a replaced refresh token is still accepted, and how this process learns
/// which sessions other processes have ended.
///
/// The idle timeout of a session is the lifetime of its refresh token, which
/// [`AuthenticatorBuilder::refresh_lifetime`](crate::AuthenticatorBuilder::refresh_lifetime) sets. For users who chose
/// to stay logged in, [`remembered_idle`](Self::remembered_idle) sets it.
///
/// ```
/// use std::time::Duration;
/// use hardtack::session::SessionPolicy;
///
/// let policy = SessionPolicy::default()
///     .absolute_lifetime(Duration::from_secs(7 * 24 * 60 * 60))
///     .race_window(Duration::from_secs(10));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a policy does nothing until it is passed to AuthenticatorBuilder::session_policy"]
pub struct SessionPolicy {
    pub(crate) absolute_lifetime: Duration,
    /// The idle timeout of sessions whose user chose to stay logged in. If it is longer than `absolute_lifetime`,
    /// `absolute_lifetime` applies instead.
    pub(crate) remembered_idle: Duration,
    pub(crate) race_window: Duration,
    pub(crate) lost_response_window: Duration,
    pub(crate) access_jitter: u8,
    pub(crate) max_staleness: Option<Duration>,
    pub(crate) poll_interval: Duration,
    /// The maximum number of live sessions per user, or `None` if there is no limit.
    pub(crate) max_sessions: Option<u32>,
    /// Whether the application has set `max_sessions`.
    pub(crate) has_max_sessions: bool,
}

impl Default for SessionPolicy {
    fn default() -> Self {
        Self {
            absolute_lifetime: Duration::from_secs(30 * 24 * 60 * 60),
            remembered_idle: Duration::from_secs(30 * 24 * 60 * 60),
            race_window: Duration::from_secs(30),
            lost_response_window: Duration::from_secs(600),
            access_jitter: 0,
            max_staleness: None,
            poll_interval: Duration::from_secs(1),
            max_sessions: Some(100),
            has_max_sessions: false,
        }
    }
}

impl SessionPolicy {
    /// Sets the maximum lifetime of a stored session, no matter how much it is used (ASVS 5.0 V7.3.2). Default: 30
    /// days.
    pub fn absolute_lifetime(mut self, span: Duration) -> Self {
        self.absolute_lifetime = span;
        self
    }

    /// Sets the idle timeout for users who chose to stay logged in ([`LogIn::remember`](crate::LogIn::remember)).
    /// Default: 30 days. The minimum is the lifetime of a refresh token, and the maximum is
    /// [`absolute_lifetime`](Self::absolute_lifetime). Values outside this range are clamped.
    ///
    /// In four cases, users cannot choose a longer idle timeout, and this setting has no effect:
    ///
    /// - There is no session store.
    /// - The refresh mode is [`Sliding`](crate::RefreshMode::Sliding).
    /// - [`flask_compatible`](crate::AuthenticatorBuilder::flask_compatible) is set.
    /// - Cookies outlive the browser by default
    ///   ([`CookiePolicy::session_cookies(false)`](crate::CookiePolicy::session_cookies)).
    pub fn remembered_idle(mut self, span: Duration) -> Self {
        self.remembered_idle = span;
        self
    }

    /// Sets how long after a rotation the server still accepts the previous refresh token. If a client sends that
    /// token, the server responds with the current tokens. Default: 30 s.
    ///
    /// Until a client uses the new tokens, the server cannot know whether the client has received them. Until then, the
    /// server accepts the previous token for longer: for ten minutes after the rotation, or for the race window if that
    /// is longer.
    ///
    /// With a window of zero, the previous token is never accepted. A session then ends if two tabs refresh at the same
    /// time, or if a response is lost.
    pub fn race_window(mut self, window: Duration) -> Self {
        self.race_window = window;
        self.lost_response_window =
            if window.is_zero() { Duration::ZERO } else { Self::default().lost_response_window.max(window) };
        self
    }

    /// Sets how many live sessions a user can have (ASVS 5.0 V7.1.2). If a log-in exceeds this limit, the least
    /// recently used session ends. Default: 100.
    ///
    /// If you call this method, [`AuthenticatorBuilder::build`](crate::AuthenticatorBuilder::build) refuses a store
    /// that cannot limit the number of sessions. Otherwise, `build` accepts such a store and logs a warning, and the
    /// number of sessions is not limited.
    pub fn max_sessions(mut self, most: u32) -> Self {
        (self.max_sessions, self.has_max_sessions) = (Some(most), true);
        self
    }

    /// Lets a user have any number of live sessions. Anyone who knows a single user's password can then fill up the
    /// store.
    pub fn insecure_unlimited_sessions(mut self) -> Self {
        (self.max_sessions, self.has_max_sessions) = (None, true);
        self
    }

    /// Shortens the lifetime of each access token by a random amount of up to `percent` percent, so that tokens that
    /// are issued at the same time expire at different times. Default: 0. Maximum: 50.
    ///
    /// The random amount is derived from the session's row, so concurrent requests still get the same token.
    pub fn access_jitter(mut self, percent: u8) -> Self {
        self.access_jitter = percent;
        self
    }

    /// Sets how stale this process's list of ended sessions can be.
    ///
    /// If the process has not read the revocation log within this time limit, it checks each request against the store
    /// until it has read the log again. If the store fails during this time, the process responds with 503.
    ///
    /// The default is 5 s or [`poll_interval`](Self::poll_interval) plus two seconds, whichever is longer. It applies
    /// to a [durable](super::SessionStore::is_durable) store, and to any store with
    /// [`pending_revocations`](crate::AuthenticatorBuilder::pending_revocations). Other stores have no limit by
    /// default.
    ///
    /// The value must be at least two seconds longer than the poll interval. Fractions of a second are ignored.
    pub fn max_staleness(mut self, bound: Duration) -> Self {
        self.max_staleness = Some(bound);
        self
    }

    /// Sets the interval at which this process reads the revocation log. If the store sends a notification, the process
    /// reads the log immediately. Default: 1 s.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// Returns the rules for sessions with these lifetimes.
    pub(crate) const fn rules(&self, idle: Duration, absolute: Duration, clock_skew: Duration) -> SessionRules {
        let Self { race_window, lost_response_window, .. } = *self;
        SessionRules { idle, remembered_idle: idle, absolute, race_window, lost_response_window, clock_skew }
    }

    pub(crate) fn check(&self, stored_sessions: bool) -> Result<(), ConfigError> {
        if self.access_jitter > 50 {
            return Err(ConfigError::TooMuchJitter { percent: self.access_jitter });
        }
        if self.max_sessions == Some(0) {
            return Err(ConfigError::NoSessionsAllowed);
        }
        if self.poll_interval.is_zero() {
            return Err(ConfigError::ZeroPollInterval);
        }
        let Some(bound) = self.max_staleness else { return Ok(()) };
        if !stored_sessions {
            return Err(ConfigError::StalenessWithoutStore);
        }
        let least = self.least_staleness();
        if bound < least {
            return Err(ConfigError::StalenessTooShort { bound, least });
        }
        Ok(())
    }

    /// The shortest [`max_staleness`](Self::max_staleness) that this process can guarantee if it reads the revocation
    /// log once per poll interval.
    fn least_staleness(&self) -> Duration {
        // Add one second because times are whole seconds, and another second for reading the log.
        self.poll_interval.saturating_add(Duration::from_secs(2))
    }

    /// Sets `max_staleness` to its default for a durable store, unless the application has set it.
    pub(crate) fn bound_staleness(&mut self) {
        self.max_staleness.get_or_insert(MAX_STALENESS.max(self.least_staleness()));
    }
}

/// The rules that apply with the default settings.
#[cfg(any(test, feature = "testing"))]
impl Default for SessionRules {
    fn default() -> Self {
        let policy = SessionPolicy::default();
        policy.rules(Duration::from_secs(24 * 60 * 60), policy.absolute_lifetime, DEFAULT_SKEW)
    }
}
