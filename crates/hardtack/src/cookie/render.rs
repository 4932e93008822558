//! `Set-Cookie` text (RFC 6265 §4.1), attributes in the order that Flask writes them.

use std::fmt::Write as _;
use std::time::Duration;

use super::policy::{CookieSlot, ResolvedPolicy};
use super::set_cookies::SetCookies;

/// The most that browsers keep of a cookie's name and value together, in bytes
/// (RFC 6265bis §5.6; ASVS 5.0 V3.3.5).
const MAX_NAME_AND_VALUE: usize = 4096;

/// A cookie that every browser would silently drop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the cookie {name} would take {len} bytes with its name, and browsers drop cookies over {MAX_NAME_AND_VALUE}; \
     put less into the token: keep an id in the claims and look the rest up"
)]
pub struct CookieTooLarge {
    /// The cookie's name.
    pub name: String,
    /// Bytes of name and value together.
    pub len: usize,
}

impl ResolvedPolicy {
    /// Sets `slot` to `value` on each of its paths; `max_age` of none lasts until the browser closes.
    pub(crate) fn set(
        &self,
        slot: &CookieSlot,
        value: &str,
        max_age: Option<Duration>,
        into: &mut SetCookies,
    ) -> Result<(), CookieTooLarge> {
        let len = slot.name.len() + value.len();
        if len > MAX_NAME_AND_VALUE {
            return Err(CookieTooLarge { name: slot.name.clone(), len });
        }
        for path in &slot.paths {
            into.push(self.render(slot, path, value, max_age.map(|age| age.as_secs())));
        }
        Ok(())
    }

    /// Deletes `slot` on each of its paths: same name, Path and Domain, or the browser keeps it.
    pub(crate) fn delete(&self, slot: &CookieSlot, into: &mut SetCookies) {
        for path in &slot.paths {
            into.push(self.render(slot, path, "", Some(0)));
        }
    }

    fn render(&self, slot: &CookieSlot, path: &str, value: &str, max_age: Option<u64>) -> String {
        let mut text = String::with_capacity(slot.name.len() + value.len() + 112);
        text.push_str(&slot.name);
        text.push('=');
        text.push_str(value);
        if let Some(domain) = &self.domain {
            text.push_str("; Domain=");
            text.push_str(domain);
        }
        if let Some(seconds) = max_age {
            if seconds == 0 {
                text.push_str("; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
            }
            // Writing to a String cannot fail.
            let _ = write!(text, "; Max-Age={seconds}");
        }
        if self.secure {
            text.push_str("; Secure");
        }
        if slot.http_only {
            text.push_str("; HttpOnly");
        }
        text.push_str("; Path=");
        text.push_str(path);
        text.push_str("; SameSite=");
        text.push_str(self.same_site.as_str());
        text
    }
}
