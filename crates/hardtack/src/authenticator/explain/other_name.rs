//! Explains cookies whose names are similar to those of the site's cookies.

use crate::config::SettingNames;
use crate::explain::{Difference, quoted, without_prefix};

/// A cookie whose name differs from the name that the site expects only in its case, its prefix or its realm.
pub(super) struct OtherName {
    pub(super) sent: String,
    pub(super) expected: String,
    difference: Difference,
    /// Whether the site's cookies are `Secure`.
    is_secure: bool,
    /// The function that sets the expected name, if an application can set it.
    setter: Option<&'static str>,
}

impl OtherName {
    pub(super) fn new(sent: &str, expected: &str, is_secure: bool, setter: Option<&'static str>) -> Self {
        let difference = Difference::between(sent, expected);
        Self { sent: sent.to_owned(), expected: expected.to_owned(), difference, is_secure, setter }
    }

    /// Says how the names differ.
    pub(super) fn why(&self, names: SettingNames) -> String {
        let expected = &self.expected;
        match (self.difference, self.is_secure) {
            (Difference::Case, _) => format!("The server expects the name `{expected}`, and case matters."),
            (Difference::Realm, _) => "The names might belong to different realms.".to_owned(),
            (Difference::Prefix, true) if without_prefix(expected) == expected => {
                let setting = names.find("CookiePolicy::prefix").map(|name| format!(" ({name})")).unwrap_or_default();
                format!("The server expects a name without a prefix such as `__Host-`{setting}.")
            }
            (Difference::Prefix, true) => {
                "The server expects a name with a prefix such as `__Host-`, because the base URL is https.".to_owned()
            }
            (Difference::Prefix, false) => {
                "The server expects a name without a prefix such as `__Host-`, because the base URL is http.".to_owned()
            }
        }
    }

    /// Whether the names differ by more than a realm. Another program's cookie can have a name that looks like the name of
    /// a cookie in another realm.
    pub(super) fn is_certain(&self) -> bool {
        self.difference != Difference::Realm
    }

    /// Returns what to change.
    pub(super) fn advice(&self, names: SettingNames) -> String {
        let (sent, expected) = (&self.sent, &self.expected);
        let same = || {
            let (cookies, realm) = (names.or("CookiePolicy", "`CookiePolicy`"), names.of(".realm(…)"));
            format!("the same base URL, {cookies} and {realm}")
        };
        match (self.difference, self.is_secure, self.setter) {
            (Difference::Case, _, Some(setter)) => format!(
                "Send the cookie as `{expected}`. If the name comes from another server or library, set {}.",
                names.of(&format!("{setter}({})", quoted(sent)))
            ),
            (Difference::Case, _, None) => format!("Send the cookie as `{expected}`."),
            (Difference::Realm, ..) => format!(
                "Log in again. If another server set the similarly named cookie and both servers should share \
                 their log-ins, give both servers {}.",
                same()
            ),
            (Difference::Prefix, true, _) => format!(
                "Log in again over https. If the site is served over plain http during development, set an http base \
                 URL, such as {}. If another server set the similarly named cookie, give both servers {}.",
                names.of(".base_url(\"http://127.0.0.1:3000\")"),
                same()
            ),
            (Difference::Prefix, false, _) => format!(
                "Log in again at the base URL. If another server set the similarly named cookie, give both servers {}.",
                same()
            ),
        }
    }
}
