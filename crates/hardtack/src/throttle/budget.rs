//! What is limited, and by which rate.

use std::fmt;

use super::Rate;

/// Whose tries are counted together, for example those of an account. [`Throttle::key`](super::Throttle::key) makes it
/// from a secret, so a stored key reveals neither names nor addresses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BudgetKey([u8; 16]);

impl BudgetKey {
    /// Creates a key from 16 bytes. They should be unpredictable for clients.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Prints the key in hexadecimal.
impl fmt::Debug for BudgetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BudgetKey(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// How many tries one key has.
///
/// ```
/// use std::time::Duration;
/// use hardtack::throttle::{Budget, BudgetKey, Rate};
///
/// # let key = BudgetKey::from_bytes([0; 16]);
/// // Ten guesses at once and one more every 30 s. After 100 guesses without a success in between: one an hour.
/// let budget = Budget::new(key, Rate::new(10, Duration::from_secs(30)))
///     .failures_in_a_row(Rate::new(100, Duration::from_secs(3600)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budget {
    key: BudgetKey,
    rate: Rate,
    failures: Option<Rate>,
}

impl Budget {
    /// Creates a budget.
    pub const fn new(key: BudgetKey, rate: Rate) -> Self {
        Self { key, rate, failures: None }
    }

    /// Limits the failures in a row as well: after `burst` failures, one try each `every` is allowed until one
    /// succeeds.
    ///
    /// This is a second bucket, which a success fills to the brim. One failure is forgotten each `every`, so somebody
    /// who pauses gains nothing over somebody who tries once each `every`.
    #[must_use]
    pub const fn failures_in_a_row(mut self, rate: Rate) -> Self {
        self.failures = Some(rate);
        self
    }

    /// Returns the key.
    pub const fn key(&self) -> BudgetKey {
        self.key
    }

    /// Returns the rate of all tries that have not succeeded.
    pub const fn rate(&self) -> Rate {
        self.rate
    }

    /// Returns the rate of failures in a row, if they are limited.
    pub const fn failures(&self) -> Option<Rate> {
        self.failures
    }
}
