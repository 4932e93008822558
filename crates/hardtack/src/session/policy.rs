//! How long sessions live, how long a replaced refresh token is tolerated, and how stale this process's list of ended
//! sessions may be.

use std::time::Duration;

use super::SessionRules;
#[cfg(any(test, feature = "testing"))]
use crate::clock::DEFAULT_SKEW;
use crate::error::ConfigError;

/// [`SessionPolicy::max_staleness`] of a durable store, unless it is set.
pub(crate) const MAX_STALENESS: Duration = Duration::from_secs(5);

/// How long stored sessions live, how long a replaced refresh token is tolerated, and how this process learns which
/// sessions other processes have ended.
///
/// The lifetime of the refresh token is the idle timeout of a session; it is set with
/// [`AuthenticatorBuilder::refresh_lifetime`](crate::AuthenticatorBuilder::refresh_lifetime), and with
/// [`remembered_idle`](Self::remembered_idle) for users who chose to stay logged in.
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
#[must_use = "a policy does nothing until it is given to AuthenticatorBuilder::session_policy"]
pub struct SessionPolicy {
    pub(crate) absolute_lifetime: Duration,
    /// The idle timeout of sessions whose user chose to stay logged in, before it is limited to `absolute_lifetime`.
    pub(crate) remembered_idle: Duration,
    pub(crate) race_window: Duration,
    pub(crate) lost_response_window: Duration,
    pub(crate) access_jitter: u8,
    pub(crate) max_staleness: Option<Duration>,
    pub(crate) poll_interval: Duration,
    /// The most live sessions of a user, if there is a limit.
    pub(crate) max_sessions: Option<u32>,
    /// Whether the application has chosen `max_sessions`.
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

    /// Sets how long the session of a user who chose to stay logged in ([`LogIn::remember`](crate::LogIn::remember))
    /// may be unused. Default: 30 days. It is at least the lifetime of a refresh token, and at most
    /// [`absolute_lifetime`](Self::absolute_lifetime).
    ///
    /// It has no effect without a session store, in sliding mode, with
    /// [`flask_compatible`](crate::AuthenticatorBuilder::flask_compatible), or if cookies outlive the browser by
    /// default ([`CookiePolicy::session_cookies(false)`](crate::CookiePolicy::session_cookies)). Users then cannot
    /// choose a longer idle timeout.
    pub fn remembered_idle(mut self, span: Duration) -> Self {
        self.remembered_idle = span;
        self
    }

    /// Sets how long after a rotation the previous refresh token is still exchanged for the current tokens.
    /// Default: 30 s.
    ///
    /// Until a client has used the new token, the response that carried it may have been lost, so the previous token
    /// is accepted for ten minutes (or for this window, if it is longer). Zero turns both off: then two tabs that
    /// refresh at once, or a lost response, end the session.
    pub fn race_window(mut self, window: Duration) -> Self {
        self.race_window = window;
        self.lost_response_window =
            if window.is_zero() { Duration::ZERO } else { Self::default().lost_response_window.max(window) };
        self
    }

    /// Sets how many live sessions a user can have (ASVS 5.0 V7.1.2). If a log-in exceeds this limit, the least
    /// recently used session ends. Default: 100.
    ///
    /// A store that cannot limit sessions is refused if you call this. If you do not, its sessions are unlimited, and
    /// [`AuthenticatorBuilder::build`](crate::AuthenticatorBuilder::build) logs a warning.
    pub fn max_sessions(mut self, most: u32) -> Self {
        (self.max_sessions, self.has_max_sessions) = (Some(most), true);
        self
    }

    /// Lets a user have any number of live sessions. A client with a password can then fill the store.
    pub fn insecure_unlimited_sessions(mut self) -> Self {
        (self.max_sessions, self.has_max_sessions) = (None, true);
        self
    }

    /// Shortens the life of each access token by a random amount, up to this many percent, so that tokens that were
    /// issued together do not expire together. Default: 0; at most 50.
    ///
    /// The amount is derived from the session's row, so concurrent requests still get the same token.
    pub fn access_jitter(mut self, percent: u8) -> Self {
        self.access_jitter = percent;
        self
    }

    /// Sets how stale this process's list of ended sessions may be. Fractions of a second are cut off. The bound must
    /// be at least two seconds more than [`poll_interval`](Self::poll_interval). Default: 5 s (or the poll interval
    /// plus two seconds, if that is longer) for a [durable](super::SessionStore::is_durable) store or with
    /// [`pending_revocations`](crate::AuthenticatorBuilder::pending_revocations); otherwise no limit.
    ///
    /// If the process has not read the revocation log for this long, it checks each request against the store, and
    /// responds with 503 if the store fails, until it has read the log again.
    pub fn max_staleness(mut self, bound: Duration) -> Self {
        self.max_staleness = Some(bound);
        self
    }

    /// Sets how often this process reads the revocation log if the store sends no notification. Default: 1 s.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// The rules for sessions with these lifetimes.
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

    /// The shortest [`max_staleness`](Self::max_staleness) that can be kept if the log is read once per poll interval.
    fn least_staleness(&self) -> Duration {
        // One second because times are whole seconds, and one for reading the log.
        self.poll_interval.saturating_add(Duration::from_secs(2))
    }

    /// Sets `max_staleness` to its default for a durable store, unless the application has set it.
    pub(crate) fn bound_staleness(&mut self) {
        self.max_staleness.get_or_insert(MAX_STALENESS.max(self.least_staleness()));
    }
}

/// The rules of the default settings.
#[cfg(any(test, feature = "testing"))]
impl Default for SessionRules {
    fn default() -> Self {
        let policy = SessionPolicy::default();
        policy.rules(Duration::from_secs(24 * 60 * 60), policy.absolute_lifetime, DEFAULT_SKEW)
    }
}
