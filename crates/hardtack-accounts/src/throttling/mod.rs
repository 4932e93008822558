//! Limits password guessing, link guessing and mass sign-ups.
//!
//! 1. Each password attempt takes a token from a counter, which is a token bucket. This happens before the user is
//!    looked up, so whether an attempt is rejected does not depend on whether the name exists. It also happens before
//!    the password is hashed. If the password is correct, the token is given back.
//! 2. A log-in counts against both the client's address and the account. A browser in which the user has logged in
//!    before has a cookie that says so ([`Devices`]). Such a browser has counters of its own, which strangers cannot
//!    use up.
//! 3. After a hundred failures in a row, devices without a valid device cookie get only one attempt an hour for the
//!    account. The restriction never becomes stricter. It ends when an attempt succeeds, or when the user sets a new
//!    password with a reset link.

mod client;
mod devices;
mod limits;
mod tried;

use std::fmt;
use std::sync::Arc;

use hardtack::adapter::LogLimit;
use hardtack::throttle::{Attempt, Budget, Rate, Throttle, ThrottleBuilder, ThrottleStore, TooManyAttempts};
use hardtack::{Authenticator, SessionId};

pub(crate) use client::Client;
pub(crate) use devices::{Devices, KnownDevice, KnownUser};
pub use limits::LogInLimits;
use limits::Rates;
pub(crate) use tried::Tried;

use crate::activity::RequestInfo;
use crate::flood_log::FloodLog;

/// The store that keeps the counters.
#[derive(Clone)]
pub(crate) struct CounterStore(Arc<dyn Fn(ThrottleBuilder) -> ThrottleBuilder + Send + Sync>);

impl CounterStore {
    pub(crate) fn new(store: impl ThrottleStore + Clone) -> Self {
        Self(Arc::new(move |builder| builder.store(store.clone())))
    }
}

impl fmt::Debug for CounterStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CounterStore")
    }
}

/// Counts attempts. Clones share the counters.
#[derive(Clone, Debug)]
pub(crate) struct Throttling(Option<Arc<Counters>>);

/// A [`Throttling`] that limits nothing.
pub(crate) static OFF: Throttling = Throttling::off();

#[derive(Debug)]
struct Counters {
    throttle: Throttle,
    rates: Rates,
    refusals: FloodLog,
}

/// An attempt that is allowed. It counts as a failure until [`succeeded`](Self::succeeded) is called.
#[must_use = "the attempt counts as a failure until you call `succeeded`"]
pub(crate) struct Try(Option<Attempt>);

impl Try {
    /// Counts the attempt as a success: gives back the tokens that the attempt took, and resets the count of failures
    /// in a row.
    pub(crate) async fn succeeded(self) {
        if let Some(attempt) = self.0 {
            attempt.succeeded().await;
        }
    }
}

impl Throttling {
    /// Creates a `Throttling` that limits nothing.
    const fn off() -> Self {
        Self(None)
    }

    pub(crate) fn new(limits: LogInLimits, auth: &Authenticator, store: &CounterStore) -> Self {
        let Some(rates) = limits.rates() else { return Self::off() };
        let throttle = (store.0)(auth.throttle()).build();
        Self(Some(Arc::new(Counters { throttle, rates, refusals: FloodLog::new(log_refusals) })))
    }

    /// Takes the tokens for a log-in with this name. If the user has logged in on this device before, takes the tokens
    /// from the device's own counter. After too many failures in a row on the device, takes the tokens from the
    /// counters of the account and the address instead. Also returns whether the device's counter was used.
    pub(crate) async fn log_in(
        &self,
        name_key: &str,
        device: Option<KnownDevice<'_>>,
        client: &Client,
        request: &RequestInfo,
    ) -> Result<(Try, bool), TooManyAttempts> {
        let Some(counters) = &self.0 else { return Ok((Try(None), device.is_some())) };
        if let Some(KnownDevice { user, id }) = device {
            let budget = match id {
                Some(id) => counters.account("device", &[user, id]),
                None => counters.account("devices before the change", &[user]),
            };
            match counters.throttle.take(&[budget]).await {
                Ok(attempt) => return Ok((Try(Some(attempt)), true)),
                Err(refused) if refused.failures_in_a_row() => {}
                Err(refused) => return Err(counters.refused(Tried::LogInOfDevice, refused, request)),
            }
        }
        let account = counters.account("account", &[name_key]);
        let budgets: Vec<Budget> = counters.address(client).into_iter().chain([account]).collect();
        counters.take(Tried::LogIn, &budgets, request).await.map(|attempt| (attempt, false))
    }

    /// Takes a token for a password attempt by a user who is already logged in. Each session has its own counter, so an
    /// attacker with a copied session cookie cannot guess many passwords. Nor can the attacker use up the attempts for
    /// the user's log-ins or for the user's other sessions.
    pub(crate) async fn password_again(
        &self,
        user_id: &str,
        session: Option<SessionId>,
        request: &RequestInfo,
    ) -> Result<Try, TooManyAttempts> {
        let Some(counters) = &self.0 else { return Ok(Try(None)) };
        let session = session.map(|session| session.to_string()).unwrap_or_default();
        let budget = counters.account("session", &[user_id, &session]);
        counters.take(Tried::PasswordAgain, &[budget], request).await
    }

    /// Takes a token from the counter of the client's address. If the address is not known, allows the attempt without
    /// a token.
    pub(crate) async fn by_address(
        &self,
        tried: Tried,
        client: &Client,
        request: &RequestInfo,
    ) -> Result<Try, TooManyAttempts> {
        let Some(counters) = &self.0 else { return Ok(Try(None)) };
        let Some(network) = client.network else { return Ok(Try(None)) };
        let Rates { address, .. } = counters.rates;
        let rate = match tried {
            // A request for a reset link costs little, and mail has limits of its own. A user who has forgotten the
            // password must be able to request a link, even if another client with the same address sends many
            // requests.
            Tried::ResetRequest => Rate::new(address.burst().saturating_mul(10), address.every() / 10),
            _ => address,
        };
        let budget = Budget::new(counters.throttle.key(tried.name(), &[&network.to_string()]), rate);
        counters.take(tried, &[budget], request).await
    }

    /// Takes a token from a logged-in user's counter.
    pub(crate) async fn by_user(
        &self,
        tried: Tried,
        user_id: &str,
        request: &RequestInfo,
    ) -> Result<Try, TooManyAttempts> {
        let Some(counters) = &self.0 else { return Ok(Try(None)) };
        let budget = Budget::new(counters.throttle.key(tried.name(), &[user_id]), counters.rates.account);
        counters.take(tried, &[budget], request).await
    }

    /// Resets an account's failure count, because the user has set a new password.
    pub(crate) async fn clear_account(&self, name_key: &str) {
        let Some(counters) = &self.0 else { return };
        if let Err(error) = counters.throttle.clear(&[counters.throttle.key("account", &[name_key])]).await {
            NOT_CLEARED.add(|not_logged| {
                tracing::warn!(event = "log_in_limit_not_cleared", not_logged, error = %hardtack::error::WithCauses(&error));
            });
        }
    }
}

impl Counters {
    /// Returns the budget of an account, or of one of its devices or sessions.
    fn account(&self, label: &str, parts: &[&str]) -> Budget {
        let Rates { account, failures, .. } = self.rates;
        Budget::new(self.throttle.key(label, parts), account).failures_in_a_row(failures)
    }

    /// Returns the budget for log-ins from the client's address, or `None` if the address is not known. All addresses
    /// of an IPv6 /64 network share one budget.
    fn address(&self, client: &Client) -> Option<Budget> {
        let network = client.network?.to_string();
        Some(Budget::new(self.throttle.key("address", &[&network]), self.rates.address))
    }

    async fn take(&self, tried: Tried, budgets: &[Budget], request: &RequestInfo) -> Result<Try, TooManyAttempts> {
        match self.throttle.take(budgets).await {
            Ok(attempt) => Ok(Try(Some(attempt))),
            Err(refused) => Err(self.refused(tried, refused, request)),
        }
    }

    fn refused(&self, tried: Tried, refused: TooManyAttempts, request: &RequestInfo) -> TooManyAttempts {
        self.refusals.add(|| {
            tracing::warn!(
                event = "log_in_throttled",
                tried = tried.name(),
                address = request.address.as_deref().unwrap_or("unknown"),
                "an attempt was refused, because a limit was reached; the number of further refusals is logged once a \
                 minute"
            );
        });
        refused
    }
}

static NOT_CLEARED: LogLimit = LogLimit::new("log_in_limit_not_cleared");

fn log_refusals(refused: u64) {
    tracing::warn!(event = "log_in_throttled", refused, seconds = 60, "some attempts were refused in the last minute");
}
