//! How often passwords may be tried.

use std::time::Duration;

use crate::adapter::Exchange;
use crate::refusal::Failure;
use crate::throttle::{Attempt, Budget, Rate, Throttle};

/// Ten tries at once, and one more every 30 seconds.
const ACCOUNT: Rate = Rate::new(10, Duration::from_secs(30));

/// After 100 failures in a row, one try an hour.
const FAILURES_IN_A_ROW: Rate = Rate::new(100, Duration::from_secs(3600));

/// Many users may share an address.
const ADDRESS: Rate = Rate::new(100, Duration::from_secs(1));

impl Exchange<'_> {
    /// Takes a try to log in from the budgets of the account and of the client's address. Call this method before you
    /// check a password, and call [`Attempt::succeeded`] if it is right.
    ///
    /// An account has 10 tries at once and one more every 30 seconds; after 100 failures in a row, it has one an hour.
    /// An address, or a network of IPv6 addresses, has 100 tries at once and one more each second. The account's budget
    /// does not depend on the case of the name. Names that do not exist have budgets as well.
    ///
    /// # Errors
    /// A budget is empty: 429.
    pub async fn take_log_in_attempt(&self, throttle: &Throttle, username: &str) -> Result<Attempt, Failure> {
        let account = throttle.key("account", &[username.to_lowercase()]);
        let mut budgets = vec![Budget::new(account, ACCOUNT).failures_in_a_row(FAILURES_IN_A_ROW)];
        if let Some(client) = self.client_address() {
            budgets.push(Budget::new(throttle.key("address", &[client.network().to_string()]), ADDRESS));
        }
        throttle.take(&budgets).await.map_err(|refused| self.refuse(refused))
    }
}
