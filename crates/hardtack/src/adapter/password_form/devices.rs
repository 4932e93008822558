//! Known devices are browsers in which a user has logged in before. Attempts from a known device are counted
//! separately, so an account's owner can still log in from such a device even if a stranger uses up the account's
//! attempts.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::attempts::account_key;
use crate::adapter::Exchange;
use crate::cookie::{SetCookies, Setting};
use crate::log_limit::LogLimit;
use crate::throttle::{BudgetKey, Throttle};

const PURPOSE: &str = "log-in device";

/// How long a browser counts as a known device after a log-in.
const LIFETIME: Duration = Duration::from_secs(180 * 24 * 60 * 60);

/// The maximum number of accounts in the cookie. If a user logs in to one more account, the least recently used account
/// is removed.
const MAX_ACCOUNTS: usize = 4;

static NOT_REMEMBERED: LogLimit = LogLimit::new("device_not_remembered");

/// The content of the device cookie, which is encrypted.
#[derive(Deserialize, Serialize)]
struct Device {
    id: String,
    /// The keys of the accounts' budgets, one for each account that a user has logged in to on this device. The account
    /// of the latest log-in comes first.
    accounts: Vec<String>,
    until: i64,
}

impl Exchange<'_> {
    /// Returns a cookie that lets Hardtack recognize this browser when the user logs in again. Add the cookie to the
    /// response to a successful log-in.
    ///
    /// If a browser has this cookie, [`take_log_in_attempt`](Self::take_log_in_attempt) counts the browser's attempts
    /// separately. The account's owner can therefore still log in from this browser, even if a stranger uses up the
    /// account's attempts.
    pub fn remember_device(&self, throttle: &Throttle, username: &str) -> SetCookies {
        let (now, account) = (self.authenticator.now(), encoded(account_key(throttle, username)));
        let known = self.device();
        let id = known.as_ref().map_or_else(|| format!("{:032x}", rand::random::<u128>()), |known| known.id.clone());
        let others = known.map(|known| known.accounts).unwrap_or_default();
        let others = others.into_iter().filter(|other| *other != account);
        let accounts = std::iter::once(account.clone()).chain(others).take(MAX_ACCOUNTS).collect();
        let device = Device { id, accounts, until: (now + LIFETIME).unix_seconds() };
        let mut cookies = SetCookies::default();
        let sealed = serde_json::to_vec(&device).ok();
        let sealed = sealed.and_then(|json| self.authenticator.seal(PURPOSE, &json));
        let (policy, setting) = (self.authenticator.cookies(), Setting { domain: None, max_age: Some(LIFETIME), now });
        let set = sealed.map(|sealed| policy.set(&policy.device, &sealed, &setting, &mut cookies));
        if !matches!(set, Some(Ok(()))) {
            NOT_REMEMBERED.add(|not_logged| tracing::warn!(event = "device_not_remembered", not_logged));
        }
        cookies
    }

    /// Returns the key of this device's budget for an account, or `None` if no user has logged in to the account on
    /// this device.
    pub(super) fn device_key(&self, throttle: &Throttle, account: BudgetKey) -> Option<BudgetKey> {
        let (device, account) = (self.device()?, encoded(account));
        device.accounts.contains(&account).then(|| throttle.key("device", &[&account, &device.id]))
    }

    fn device(&self) -> Option<Device> {
        let sealed = self.authenticator.cookies().device.name.find(&self.head).ok()??;
        let json = self.authenticator.open_sealed(PURPOSE, std::str::from_utf8(sealed).ok()?)?;
        let device: Device = serde_json::from_slice(&json).ok()?;
        (self.authenticator.now().unix_seconds() < device.until).then_some(device)
    }
}

fn encoded(key: BudgetKey) -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(key.as_bytes())
}
