//! A short-lived cookie that belongs to one page.

use std::borrow::Cow;

use axum::response::Response;
use hardtack::adapter::LogLimit;
use hardtack::cookie::CookieName;
use hardtack::{Authenticator, ClientInfo};
use http::{HeaderMap, HeaderValue, header};

use crate::settings::SiteSettings;

/// The names of all cookies that pages set for themselves, without prefixes.
pub(crate) mod names {
    pub(crate) const DEVICE: &str = "known_device";
    /// The name that is used instead of [`DEVICE`] on the site that `hardtack serve` runs.
    pub(crate) const DEMO_DEVICE: &str = "hardtack_device";
    pub(crate) const LINK_USED: &str = "link_used";
    pub(crate) const MAIL_LINK: &str = "mail_link";
    pub(crate) const SETTINGS_DRAFT: &str = "settings_draft";

    const OF_DEVICE: &str = "shows that a user has logged in from this browser before. It is not a credential: it only \
                             gives the browser its own limit on log-in attempts. A log-out does not delete the cookie";

    /// What each cookie is for. Each description completes the sentence "The cookie … ".
    pub(crate) const PURPOSES: [(&str, &str); 5] = [
        (DEVICE, OF_DEVICE),
        (DEMO_DEVICE, OF_DEVICE),
        (
            LINK_USED,
            "names the account whose emailed link was just used. The next page says what the link did, and deletes the \
             cookie",
        ),
        (
            MAIL_LINK,
            "contains the secret from an emailed link, such as a password reset link. It lasts until the user submits \
             the form that the link opened, but for at most ten minutes",
        ),
        (
            SETTINGS_DRAFT,
            "keeps the settings that a user submitted, encrypted, while the user enters the password again. It lasts \
             15 minutes and contains no password",
        ),
    ];
}

/// A cookie that one page sets for itself. It is `HttpOnly` and `SameSite=Lax`, and never holds a session's
/// credentials. Over https, the cookie is also `Secure` and applies to every path. Its name then begins with
/// `__Host-Http-`, so sibling domains and scripts cannot set it. Over http, the cookie applies to one path only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageCookie {
    /// The name, without a prefix: one of [`names`].
    pub(crate) name: &'static str,
    /// The page to which the browser sends the cookie if the site is reached over http. `/` stands for all of the
    /// site's pages.
    pub(crate) path: &'static str,
    /// The `Max-Age` of the cookie, in seconds.
    pub(crate) max_age: u32,
}

/// The settings that determine the names and attributes of all page cookies: the site's settings, whether the
/// authenticator's cookies are `Secure`, and the authenticator's realm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CookieScope<'a> {
    settings: &'a SiteSettings,
    is_secure: bool,
    realm: Option<&'a str>,
}

impl<'a> CookieScope<'a> {
    pub(crate) fn new(settings: &'a SiteSettings, auth: &'a Authenticator) -> Self {
        Self { settings, is_secure: auth.sets_secure_cookies(), realm: auth.realm() }
    }
}

impl PageCookie {
    /// Sets the cookie. The value must consist of ASCII letters, digits, `-` and `_`.
    pub(crate) fn set(&self, response: Response, value: &str, scope: CookieScope<'_>) -> Response {
        append(response, self.set_cookie(value, scope))
    }

    /// Returns the value of the `Set-Cookie` field that [`Self::set`] adds.
    pub(crate) fn set_cookie(&self, value: &str, scope: CookieScope<'_>) -> String {
        self.render(value, self.max_age, scope)
    }

    /// Deletes the cookie.
    pub(crate) fn clear(&self, response: Response, scope: CookieScope<'_>) -> Response {
        append(response, self.render("", 0, scope))
    }

    /// Returns the cookie's value. If the request has two cookies with this name, returns `None`, because an attacker
    /// on a sibling domain may have set one of them.
    pub(crate) fn find<'h>(&self, headers: &'h HeaderMap, scope: CookieScope<'_>) -> Option<&'h str> {
        let fields = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
        text(CookieName::new(self.full_name(scope)).find_in(fields).ok()??)
    }

    /// Like [`Self::find`], but works with a request from any framework.
    pub(crate) fn find_of<'c>(&self, client: &'c ClientInfo, scope: CookieScope<'_>) -> Option<&'c str> {
        text(client.cookie(&CookieName::new(self.full_name(scope)))?)
    }

    fn full_name(&self, scope: CookieScope<'_>) -> String {
        let name = if scope.settings.is_demo && self.name == names::DEVICE { names::DEMO_DEVICE } else { self.name };
        let prefix = if scope.is_secure { "__Host-Http-" } else { "" };
        match scope.realm {
            Some(realm) => format!("{prefix}{realm}_{name}"),
            None => format!("{prefix}{name}"),
        }
    }

    /// Renders the value of `Set-Cookie` (RFC 6265 §4.1).
    fn render(&self, value: &str, max_age: u32, scope: CookieScope<'_>) -> String {
        let name = self.full_name(scope);
        let (secure, path) = match scope.is_secure {
            true => ("; Secure", Cow::Borrowed("/")),
            false => ("", scope.settings.cookie_path(self.path)),
        };
        format!("{name}={value}; Max-Age={max_age}{secure}; HttpOnly; Path={path}; SameSite=Lax")
    }
}

/// Returns the value as text, unless it is empty.
fn text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok().filter(|value| !value.is_empty())
}

static UNSENDABLE: LogLimit = LogLimit::new("unsendable_cookie");

fn append(mut response: Response, set_cookie: String) -> Response {
    match HeaderValue::try_from(set_cookie) {
        Ok(mut value) => {
            // The value may be a link's token, which is a credential.
            value.set_sensitive(true);
            response.headers_mut().append(header::SET_COOKIE, value);
        }
        Err(_) => UNSENDABLE.add(|not_logged| tracing::error!(event = "unsendable_cookie", not_logged)),
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const COOKIE: PageCookie = PageCookie { name: "draft", path: "/account", max_age: 600 };

    fn render(value: &str, max_age: u32, is_secure: bool) -> String {
        COOKIE.render(value, max_age, CookieScope { settings: &SiteSettings::default(), is_secure, realm: None })
    }

    fn find_in(headers: &HeaderMap, is_secure: bool) -> Option<&str> {
        COOKIE.find(headers, CookieScope { settings: &SiteSettings::default(), is_secure, realm: None })
    }

    fn find(fields: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(header::COOKIE, HeaderValue::from_static(field));
        }
        find_in(&headers, false).map(str::to_owned)
    }

    #[test]
    fn it_is_http_only_and_sent_to_its_page() {
        assert_eq!(render("abc", 600, false), "draft=abc; Max-Age=600; HttpOnly; Path=/account; SameSite=Lax");
        assert_eq!(
            render("abc", 600, true),
            "__Host-Http-draft=abc; Max-Age=600; Secure; HttpOnly; Path=/; SameSite=Lax"
        );
        assert_eq!(render("", 0, false), "draft=; Max-Age=0; HttpOnly; Path=/account; SameSite=Lax");
    }

    #[test]
    fn e15_a_realm_is_part_of_the_name() {
        for (is_secure, expected) in [(false, "shop_draft=abc; "), (true, "__Host-Http-shop_draft=abc; ")] {
            let scope = CookieScope { settings: &SiteSettings::default(), is_secure, realm: Some("shop") };
            let cookie = COOKIE.set_cookie("abc", scope);
            assert!(cookie.starts_with(expected), "{cookie}");
        }
    }

    #[test]
    fn it_is_found_once_or_not_at_all() {
        assert_eq!(find(&["a=1; draft=abc; b=2"]).as_deref(), Some("abc"));
        assert_eq!(find(&["a=1", "draft=abc"]).as_deref(), Some("abc"));
        for none in [&["draft="][..], &["mydraft=abc"], &["draft=a; draft=b"], &["draft=a", "draft=a"], &[]] {
            assert_eq!(find(none), None, "{none:?}");
        }
    }

    #[test]
    fn a04_only_the_prefixed_name_counts_over_https_and_neighbours_may_be_of_any_bytes() {
        let mut headers = HeaderMap::new();
        let field = b"a=\xff\xc3; draft=planted; __Host-Http-draft=abc; \xe9=1";
        headers.append(header::COOKIE, HeaderValue::from_bytes(field).unwrap());
        assert_eq!(find_in(&headers, true), Some("abc"));
        assert_eq!(find_in(&headers, false), Some("planted"));
    }
}
