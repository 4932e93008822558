//! What a throttle limits, and at what rate.

use std::fmt;

use super::Rate;

/// Identifies attempts that are counted together, for example all attempts for one account.
/// [`Throttle::key`](super::Throttle::key) uses a secret to derive each key, so stored keys do not reveal names or
/// addresses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BudgetKey([u8; 16]);

impl BudgetKey {
    /// Creates a key from 16 bytes. Clients should not be able to predict these bytes.
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

/// How many attempts are allowed for one key.
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

    /// Also limits failures in a row. After `burst` failures in a row, one attempt per `every` is allowed until an
    /// attempt succeeds.
    ///
    /// Failures in a row are counted in a second bucket. A success refills this bucket completely. Otherwise, the
    /// bucket gains one token per `every`. In the long run, an attacker therefore gets only one attempt per `every`,
    /// with or without pauses.
    #[must_use]
    pub const fn failures_in_a_row(mut self, rate: Rate) -> Self {
        self.failures = Some(rate);
        self
    }

    /// Returns the key.
    pub const fn key(&self) -> BudgetKey {
        self.key
    }

    /// Returns the rate at which attempts are allowed. Successful attempts are not counted.
    pub const fn rate(&self) -> Rate {
        self.rate
    }

    /// Returns the rate for failures in a row. Returns `None` if failures in a row are not limited.
    pub const fn failures(&self) -> Option<Rate> {
        self.failures
    }
}
