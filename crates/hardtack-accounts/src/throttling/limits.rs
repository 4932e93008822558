//! Limits on password attempts, sign-ups, and requests for links.

use std::time::Duration;

use hardtack::throttle::Rate;

/// Limits on password attempts, sign-ups, and requests for links.
///
/// By default, each account allows 10 attempts, plus one more every 30 seconds. Each client address (for IPv6, each /64
/// network) allows 100 failed attempts, plus one more every second.
///
/// After 100 failures in a row, an account allows only one attempt an hour (NIST SP 800-63B-4 §3.2.2; ASVS 5.0 V6.3.1).
/// This restriction ends when an attempt succeeds, or when the user sets a new password through a reset link. Each
/// device that the user has logged in with before has its own counters, so strangers cannot lock the user out.
///
/// ```
/// use std::time::Duration;
///
/// use hardtack::throttle::Rate;
/// use hardtack_accounts::LogInLimits;
///
/// // Many people share one address.
/// let limits = LogInLimits::default().address(Rate::new(1000, Duration::from_millis(100)));
/// assert!(!limits.is_off());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "limits do nothing until they are passed to `Accounts::with_log_in_limits`"]
pub struct LogInLimits(Option<Rates>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rates {
    /// How many password attempts an account allows. Each device that the user has logged in with before has its own
    /// counter with the same rate, and so does each of the user's sessions. This rate also limits the user's requests
    /// for confirmation links.
    pub(super) account: Rate,
    /// How many failed attempts, sign-ups and uses of links are allowed per client address. Requests for reset links
    /// have a limit ten times as high.
    pub(super) address: Rate,
    /// How many failures in a row are allowed before attempts are slowed down, and the minimum time between attempts
    /// from then on. Applies to each account, device and session.
    pub(super) failures: Rate,
}

impl Default for LogInLimits {
    fn default() -> Self {
        Self(Some(Rates {
            account: Rate::new(10, Duration::from_secs(30)),
            address: Rate::new(100, Duration::from_secs(1)),
            failures: Rate::new(100, Duration::from_secs(60 * 60)),
        }))
    }
}

impl LogInLimits {
    /// Turns all limits off. Passwords can then be guessed as fast as the server can hash them. Use this function only
    /// for tests, or if something else limits log-ins.
    pub const fn insecure_off() -> Self {
        Self(None)
    }

    /// Sets how many password attempts an account allows. If all limits are disabled ([`Self::insecure_off`]), none of
    /// the setters has any effect.
    pub const fn account(mut self, rate: Rate) -> Self {
        if let Some(rates) = &mut self.0 {
            rates.account = rate;
        }
        self
    }

    /// Sets how many failed attempts, sign-ups and uses of links are allowed per client address. Requests for reset
    /// links have a limit ten times as high.
    pub const fn address(mut self, rate: Rate) -> Self {
        if let Some(rates) = &mut self.0 {
            rates.address = rate;
        }
        self
    }

    /// Sets how many failures in a row an account allows before it slows down attempts, and how far apart the
    /// slowed-down attempts must be.
    pub const fn failures_in_a_row(mut self, rate: Rate) -> Self {
        if let Some(rates) = &mut self.0 {
            rates.failures = rate;
        }
        self
    }

    /// Returns whether all limits are off.
    pub const fn is_off(&self) -> bool {
        self.0.is_none()
    }

    pub(super) const fn rates(self) -> Option<Rates> {
        self.0
    }
}
