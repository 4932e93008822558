//! The cookie that tells the form's page why a log-in was refused.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::adapter::Exchange;
use crate::clock::Timestamp;
use crate::cookie::{SetCookies, Setting};
use crate::log_limit::LogLimit;
use crate::refusal::LogInRefusal;

/// The purpose for which the cookie is encrypted. The form's path is appended, so one form's notice is not shown on
/// another form's page.
const PURPOSE: &str = "log-in notice";

/// How long the notice can be shown after the refusal.
const LIFETIME: Duration = Duration::from_secs(60);

/// The maximum length of a user name in the cookie, in bytes. A longer name is left out.
const MAX_USERNAME: usize = 256;

static TOO_LONG: LogLimit = LogLimit::new("log_in_notice_too_long");

#[derive(Deserialize, Serialize)]
struct Notice {
    text: String,
    username: Option<String>,
    until: i64,
}

impl Exchange<'_> {
    /// Returns the notice cookie for the page at `path`, to which the browser is redirected. If the text does not fit
    /// into a cookie, returns no cookie, and the page shows the form without a notice.
    pub(in crate::adapter) fn notice_cookie(&self, refusal: &LogInRefusal, path: &str) -> SetCookies {
        let mut cookies = SetCookies::default();
        let now = self.authenticator.now();
        let notice = Notice {
            text: refusal.text().to_owned(),
            username: refusal.typed_username().filter(|name| name.len() <= MAX_USERNAME).map(str::to_owned),
            until: (now + LIFETIME).unix_seconds(),
        };
        let sealed = serde_json::to_vec(&notice).ok();
        let sealed = sealed.and_then(|json| self.authenticator.seal(&purpose(path), &json));
        let setting = Setting { domain: None, max_age: Some(LIFETIME), now };
        let policy = self.authenticator.cookies();
        let set = sealed.map(|sealed| policy.set(&policy.notice, &sealed, &setting, &mut cookies));
        if !matches!(set, Some(Ok(()))) {
            TOO_LONG.add(|not_logged| {
                tracing::warn!(
                    event = "log_in_notice_too_long",
                    not_logged,
                    "the message for a refused log-in is too long for a cookie and is not shown; shorten the message"
                );
            });
        }
        cookies
    }

    /// Reads the notice for this page, and deletes its cookie, so that the notice is shown only once.
    pub(super) fn take_notice(&self, cookies: &mut SetCookies) -> Option<(String, Option<String>)> {
        let policy = self.authenticator.cookies();
        let sealed = policy.notice.name.find(&self.head).ok()??;
        policy.delete(&policy.notice, None, cookies);
        let sealed = std::str::from_utf8(sealed).ok()?;
        let json = self.authenticator.open_sealed(&purpose(&self.public_path()), sealed)?;
        let notice: Notice = serde_json::from_slice(&json).ok()?;
        let is_current = self.authenticator.now() < Timestamp::from_unix_seconds(notice.until);
        is_current.then_some((notice.text, notice.username))
    }
}

fn purpose(path: &str) -> String {
    format!("{PURPOSE} {path}")
}
