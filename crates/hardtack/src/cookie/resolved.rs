//! A checked cookie policy, with the final names, paths and attributes.

use super::{CookieName, SameSite};
use crate::error::ConfigError;
use crate::request::covers;

/// One cookie: its full name, its paths and its other attributes.
#[derive(Clone, Debug)]
pub(crate) struct CookieSlot {
    pub(crate) name: CookieName,
    pub(crate) paths: Vec<String>,
    pub(crate) http_only: bool,
}

impl CookieSlot {
    /// Whether browsers send the cookie with a request for `path`.
    pub(crate) fn is_sent_to(&self, path: &str) -> bool {
        self.paths.iter().any(|own| covers(own, path))
    }
}

/// A checked policy.
#[derive(Clone, Debug)]
pub(crate) struct ResolvedPolicy {
    pub(crate) access: CookieSlot,
    pub(crate) refresh: CookieSlot,
    pub(crate) csrf_access: CookieSlot,
    pub(crate) csrf_refresh: CookieSlot,
    pub(crate) pre_session: CookieSlot,
    /// The cookies for log-ins at other sites. Each cookie's full name is this name, followed by `_` and the log-in's
    /// state.
    pub(crate) log_in_state: CookieSlot,
    /// The cookie that holds the text explaining why the last log-in was refused.
    pub(crate) notice: CookieSlot,
    /// The cookie that lists the accounts that have logged in from this browser.
    pub(crate) device: CookieSlot,
    /// The cookie that records how the server last made the browser prove that it has its device's key and repeat the
    /// request: with a page or with a redirect.
    pub(crate) device_proof: CookieSlot,
    /// The cookie that shows that the browser has received the response to the session's last re-authentication.
    pub(crate) reauthentication: CookieSlot,
    pub(crate) domain: Option<String>,
    pub(crate) secure: bool,
    pub(crate) same_site: SameSite,
    pub(crate) session_cookies: bool,
    pub(crate) csrf_cookies: bool,
    /// Whether to write cookies in the format of Werkzeug, Flask's HTTP library.
    pub(crate) flask: bool,
}

impl ResolvedPolicy {
    /// Returns all cookies except the ones for log-ins at other sites, whose names begin with the name of
    /// `log_in_state`.
    pub(crate) fn slots(&self) -> [&CookieSlot; 9] {
        [
            &self.access,
            &self.refresh,
            &self.csrf_access,
            &self.csrf_refresh,
            &self.pre_session,
            &self.notice,
            &self.device,
            &self.device_proof,
            &self.reauthentication,
        ]
    }

    /// Returns an error if two cookies have the same name, or if a cookie's name belongs to one of the application's
    /// own cookies (`reserved`).
    ///
    /// Names are compared without their prefixes. Over http, cookies have no prefixes, so two cookies that differ only
    /// in their prefixes would have the same name. Flask-JWT-Extended adds no prefixes, so the Flask preset compares
    /// whole names.
    pub(super) fn check_names(&self, reserved: &[&'static str]) -> Result<(), ConfigError> {
        let bare = |slot: &CookieSlot| {
            let name = slot.name.as_str();
            let prefix = ["__Host-Http-", "__Http-", "__Host-", "__Secure-"].into_iter().find(|p| name.starts_with(p));
            name.strip_prefix(prefix.filter(|_| !self.flask).unwrap_or_default()).unwrap_or(name).to_owned()
        };
        let setters = ["access_name", "refresh_name", "csrf_access_name", "csrf_refresh_name", "pre_session_name"];
        let slots = [&self.access, &self.refresh, &self.csrf_access, &self.csrf_refresh, &self.pre_session];
        let named: Vec<(String, &'static str)> = slots.map(bare).into_iter().zip(setters).collect();
        let fixed = [&self.notice, &self.device, &self.device_proof, &self.reauthentication].map(bare);
        let log_in_state = bare(&self.log_in_state);
        let is_taken = |name: &String| {
            reserved.contains(&name.as_str()) || fixed.contains(name) || name.starts_with(&log_in_state)
        };
        for (index, (name, one)) in named.iter().enumerate() {
            if let Some((_, other)) = named.iter().skip(index + 1).find(|(other, _)| other == name) {
                return Err(ConfigError::CookieNameTwice { name: name.clone(), one, other });
            }
            if is_taken(name) {
                return Err(ConfigError::CookieNameReserved { name: name.clone(), setter: one });
            }
        }
        Ok(())
    }
}
