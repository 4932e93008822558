//! Limits on how often a password can be guessed.

use std::time::Duration;

use crate::adapter::Exchange;
use crate::refusal::Failure;
use crate::throttle::{Attempt, Budget, BudgetKey, Rate, Throttle};
use crate::token::VerifiedToken;

/// The limit for an account: ten attempts in a row, then one more every 30 seconds.
const ACCOUNT: Rate = Rate::new(10, Duration::from_secs(30));

/// The limit on failures in a row: after 100 failures, one attempt an hour.
const FAILURES_IN_A_ROW: Rate = Rate::new(100, Duration::from_secs(3600));

/// The limit for a client's address: 100 attempts in a row, then one more each second. The limit is high because many
/// users can share an IP address.
const ADDRESS: Rate = Rate::new(100, Duration::from_secs(1));

impl Exchange<'_> {
    /// Counts a log-in attempt against the account's budget and the budget of the client's address. Call this method
    /// before you check a password. If the password is right, call [`Attempt::succeeded`].
    ///
    /// An account is allowed 10 attempts in a row, then one more every 30 seconds. After 100 failures in a row, an
    /// account is allowed one attempt an hour. An IPv4 address, or a /64 network of IPv6 addresses, is allowed 100
    /// attempts in a row, then one more each second. User names that differ only in case share a budget. User names
    /// that do not exist have budgets as well.
    ///
    /// A browser that is [known](Self::remember_device) for the account has its own budget, which is as large as the
    /// account's. At first, the browser's attempts count only against its own budget. Once 100 of them have failed in a
    /// row, further attempts count against the budgets of the account and the address.
    ///
    /// # Errors
    /// Returns an error with status 429 if the budget for this attempt is used up.
    pub async fn take_log_in_attempt(&self, throttle: &Throttle, username: &str) -> Result<Attempt, Failure> {
        let account = account_key(throttle, username);
        if let Some(device) = self.device_key(throttle, account) {
            match throttle.take(&[of_account(device)]).await {
                Err(refused) if refused.failures_in_a_row() => {}
                taken => return taken.map_err(|refused| self.refuse(refused)),
            }
        }
        let mut budgets = vec![of_account(account)];
        if let Some(client) = self.client_address() {
            budgets.push(Budget::new(throttle.key("address", &[client.network().to_string()]), ADDRESS));
        }
        throttle.take(&budgets).await.map_err(|refused| self.refuse(refused))
    }

    /// Counts an attempt by the logged-in user to enter the password again. Call this method before you check the
    /// password. If it turns out to be the logged-in user's password, call [`Attempt::succeeded`].
    ///
    /// Each session has its own budget, which is as large as an account's budget in
    /// [`take_log_in_attempt`](Self::take_log_in_attempt). The logged-in user can therefore still enter the password
    /// even if strangers use up the account's attempts.
    ///
    /// The budget does not depend on the user name that was typed. The response must not reveal whether the typed
    /// password is a different user's password. Otherwise, anyone with an account could use this check to guess other
    /// users' passwords.
    ///
    /// # Errors
    /// Returns an error with status 429 if the budget is used up.
    pub async fn take_reauthentication_attempt(
        &self,
        throttle: &Throttle,
        token: &VerifiedToken,
    ) -> Result<Attempt, Failure> {
        let session = token.session().map(|session| session.to_string()).unwrap_or_default();
        let key = throttle.key("reauthentication", &[token.subject(), &session]);
        throttle.take(&[of_account(key)]).await.map_err(|refused| self.refuse(refused))
    }
}

const fn of_account(key: BudgetKey) -> Budget {
    Budget::new(key, ACCOUNT).failures_in_a_row(FAILURES_IN_A_ROW)
}

pub(super) fn account_key(throttle: &Throttle, username: &str) -> BudgetKey {
    throttle.key("account", &[username.to_lowercase()])
}
