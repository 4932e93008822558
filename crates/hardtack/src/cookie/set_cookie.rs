//! Writes `Set-Cookie` values (RFC 6265 section 4.1). The attributes are in the order that Flask uses.

use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use super::resolved::{CookieSlot, ResolvedPolicy};
use super::same_site::SameSite;
use super::set_cookies::SetCookies;
use crate::clock::Timestamp;

/// The maximum combined length of a cookie's name and value, in bytes. Browsers drop longer cookies (RFC 6265bis
/// section 5.6; ASVS 5.0 V3.3.5).
const MAX_NAME_AND_VALUE: usize = 4096;

/// The cookie is larger than browsers accept. Browsers would silently ignore it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the cookie {name} would be {len} bytes long, including its name, but browsers drop cookies of more than \
     {MAX_NAME_AND_VALUE} bytes; put less data into the token, for example only an id, and look up the rest"
)]
pub struct CookieTooLarge {
    /// The name of the cookie.
    pub name: String,
    /// The combined length of the name and the value, in bytes.
    pub len: usize,
}

/// The domain and lifetime of a cookie that is being set.
pub(crate) struct Setting<'a> {
    /// The domain. `None` means the policy's domain.
    pub(crate) domain: Option<&'a str>,
    /// The lifetime of the cookie. If it is `None`, the cookie lasts until the browser is closed.
    pub(crate) max_age: Option<Duration>,
    pub(crate) now: Timestamp,
}

/// The cookie attributes that determine when a cookie expires.
enum End {
    WithBrowser,
    At { max_age: u64, expires: Option<Timestamp> },
    Deleted,
}

impl ResolvedPolicy {
    /// Sets the cookie for `slot` to `value` on each of the slot's paths.
    pub(crate) fn set(
        &self,
        slot: &CookieSlot,
        value: &str,
        setting: &Setting<'_>,
        into: &mut SetCookies,
    ) -> Result<(), CookieTooLarge> {
        let len = slot.name.as_str().len() + value.len();
        if len > MAX_NAME_AND_VALUE {
            return Err(CookieTooLarge { name: slot.name.as_str().to_owned(), len });
        }
        for path in &slot.paths {
            let end = match setting.max_age {
                None => End::WithBrowser,
                // Werkzeug also writes `Expires`.
                Some(age) => End::At { max_age: age.as_secs(), expires: self.flask.then_some(setting.now + age) },
            };
            into.push(self.render(slot, path, value, setting.domain, &end));
        }
        Ok(())
    }

    /// Like [`set`](Self::set), but with `SameSite=Lax` if the policy is `SameSite=Strict`. Browsers then send the
    /// cookie even if another site redirects them to this site with a GET.
    pub(crate) fn set_lax(
        &self,
        slot: &CookieSlot,
        value: &str,
        setting: &Setting<'_>,
        into: &mut SetCookies,
    ) -> Result<(), CookieTooLarge> {
        let same_site = if self.same_site == SameSite::Strict { SameSite::Lax } else { self.same_site };
        Self { same_site, ..self.clone() }.set(slot, value, setting, into)
    }

    /// Returns all attributes of the cookie for `slot` except `Max-Age` and `Expires`.
    pub(crate) fn attributes(&self, slot: &CookieSlot) -> String {
        let path = slot.paths.first().map_or("/", String::as_str);
        let cookie = self.render(slot, path, "", None, &End::WithBrowser);
        cookie.split_once("; ").map(|(_, attributes)| attributes.to_owned()).unwrap_or_default()
    }

    /// Deletes the cookie for `slot` on each of the slot's paths. Browsers delete a cookie only if its name, `Path` and
    /// `Domain` are the same as when it was set.
    pub(crate) fn delete(&self, slot: &CookieSlot, domain: Option<&str>, into: &mut SetCookies) {
        for path in &slot.paths {
            into.push(self.render(slot, path, "", domain, &End::Deleted));
        }
    }

    fn render(&self, slot: &CookieSlot, path: &str, value: &str, domain: Option<&str>, end: &End) -> String {
        let mut text = String::with_capacity(slot.name.as_str().len() + value.len() + 112);
        text.push_str(slot.name.as_str());
        text.push('=');
        text.push_str(value);
        if let Some(domain) = domain.or(self.domain.as_deref()) {
            text.push_str("; Domain=");
            text.push_str(if self.flask { domain.trim_start_matches('.') } else { domain });
        }
        // Ignore the result of writing, because writing to a `String` cannot fail.
        match end {
            End::WithBrowser => {}
            End::At { max_age, expires } => {
                if let Some(expires) = expires {
                    let _ = write!(text, "; Expires={}", http_date(*expires));
                }
                let _ = write!(text, "; Max-Age={max_age}");
            }
            End::Deleted => {
                text.push_str("; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
                // Flask-JWT-Extended does not write `Max-Age` when it deletes a cookie.
                if !self.flask {
                    text.push_str("; Max-Age=0");
                }
            }
        }
        if self.secure {
            text.push_str("; Secure");
        }
        if slot.http_only {
            text.push_str("; HttpOnly");
        }
        text.push_str("; Path=");
        text.push_str(path);
        if let Some(same_site) = self.same_site.as_str() {
            text.push_str("; SameSite=");
            text.push_str(same_site);
        }
        text
    }
}

/// Returns a date in the format of RFC 9110 section 5.6.7.
fn http_date(time: Timestamp) -> impl std::fmt::Display {
    let seconds = u64::try_from(time.unix_seconds()).unwrap_or_default();
    httpdate::HttpDate::from(UNIX_EPOCH + Duration::from_secs(seconds))
}
