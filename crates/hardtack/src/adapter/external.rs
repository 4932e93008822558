//! Log-ins that a GET request completes, such as an OAuth or OpenID Connect callback, or a link in an email.

use std::time::Duration;

use super::Exchange;
use crate::clock::Timestamp;
use crate::cookie::{CookieName, CookieSlot, SetCookies, Setting};
use crate::csrf::{CsrfError, PreSessionKey};
use crate::refusal::{Failure, Reason};

/// How long a log-in at another site may take.
const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// The maximum number of unfinished log-ins per browser. If the browser begins another log-in, its oldest one is
/// forgotten.
const MAX_BEGUN: usize = 8;

/// The maximum total size of one browser's state cookies, in bytes. The browser sends these cookies with every request.
/// Their size must be limited because another site can make a browser begin log-ins. If the application puts part of
/// the URL into `kept`, that site can also make the cookies longer.
const MAX_BYTES: usize = 4096;

/// The purpose for which the cookies are encrypted. A cookie that was encrypted for another purpose cannot be decrypted
/// for this one.
const PURPOSE: &str = "hardtack log-in state";

/// The content of the cookie for an unfinished log-in.
struct Begun {
    at: Timestamp,
    /// The string that the application stores until the log-in ends.
    kept: String,
}

impl Exchange<'_> {
    /// Begins a log-in that ends with a GET request: an OAuth callback, or a link in an email. Returns a value for the
    /// `state` parameter and a cookie that ties this value to the browser.
    ///
    /// The cookie contains `kept` in encrypted form, and [`finish_external`](Self::finish_external) returns it. Use
    /// `kept` for the PKCE verifier, the nonce and the page to return to.
    ///
    /// A browser can begin several log-ins, for example in two tabs. Each log-in has its own state and its own cookie.
    /// A browser can have at most eight of these cookies, with a total size of at most 4096 bytes. If a new log-in
    /// would exceed a limit, the oldest log-ins are forgotten, so keep `kept` short.
    ///
    /// # Errors
    /// `kept` is so long that browsers would not accept the cookie.
    pub fn begin_external(&self, kept: &str) -> Result<(String, SetCookies), Failure> {
        let (state, now) = (PreSessionKey::nonce(), self.authenticator.now());
        let text = format!("{state} {} {kept}", now.unix_seconds());
        let sealed = self.authenticator.seal(PURPOSE, text.as_bytes()).unwrap_or_default();
        let slot = self.slot(&state);
        let mut cookies = self.outdated(now, slot.name.as_str().len() + sealed.len());
        let setting = Setting { domain: None, max_age: Some(LIFETIME), now };
        let set = self.authenticator.cookies().set_lax(&slot, &sealed, &setting, &mut cookies);
        set.map_err(|error| self.refuse(Reason::Issue(error.into())))?;
        Ok((state, cookies))
    }

    /// Checks the `state` of a GET request that completes a log-in, and returns the string `kept` that was passed to
    /// [`begin_external`](Self::begin_external). If this check succeeds, you can call [`log_in`](Self::log_in) once in
    /// this request, even though its method is safe and another site might have started it.
    ///
    /// The response deletes the cookie that belongs to this state, so the browser cannot use the state again. This
    /// process also remembers which states have been used, so it refuses a copy of the cookie.
    ///
    /// # Errors
    /// - This browser did not begin a log-in with this state, the state has already been used, or more than ten minutes
    ///   have passed since the log-in began.
    /// - The method is not GET.
    pub fn finish_external(&self, state: &str) -> Result<String, Failure> {
        self.try_finish_external(state).map_err(|reason| self.refuse(reason))
    }

    fn try_finish_external(&self, state: &str) -> Result<String, Reason> {
        if !self.head.is_safe() {
            let advice = "finish_external was called for a request that is not a GET; configure the other site to \
                          redirect the browser back with GET, for example with response_mode=query instead of form_post";
            return Err(Reason::NotSetUp(advice.into()));
        }
        let now = self.authenticator.now();
        let begun = if self.head.method() == "GET" { self.begun(state) } else { None };
        let begun = begun.filter(|begun| self.is_recent(begun.at, now)).ok_or(CsrfError::UnknownState)?;
        if !self.authenticator.used_states().insert(state, now + LIFETIME, now) {
            return Err(CsrfError::UnknownState.into());
        }
        let mut deletion = SetCookies::default();
        self.authenticator.cookies().delete(&self.slot(state), None, &mut deletion);
        self.state.finish_external(deletion);
        Ok(begun.kept)
    }

    /// Returns the log-in with this state, or `None` if this browser has not begun such a log-in.
    fn begun(&self, state: &str) -> Option<Begun> {
        let sealed = if PreSessionKey::is_nonce(state.as_bytes()) {
            self.slot(state).name.find(&self.head).ok().flatten()?
        } else {
            return None;
        };
        let text = self.authenticator.open_sealed(PURPOSE, std::str::from_utf8(sealed).ok()?)?;
        let text = String::from_utf8(text).ok()?;
        let (own, rest) = text.split_once(' ')?;
        let (at, kept) = rest.split_once(' ')?;
        let at = Timestamp::from_unix_seconds(at.parse().ok()?);
        (own == state).then(|| Begun { at, kept: kept.to_owned() })
    }

    /// Returns whether a log-in that started at `at` is at most ten minutes old. If `at` is further in the future than
    /// the allowed clock skew, returns `false`.
    fn is_recent(&self, at: Timestamp, now: Timestamp) -> bool {
        now <= at + LIFETIME && at <= now + self.authenticator.settings().claims.skew()
    }

    /// Returns `Set-Cookie` values that delete the cookies of expired log-ins. To keep the browser within [`MAX_BEGUN`]
    /// and [`MAX_BYTES`], also deletes the cookies of the oldest log-ins. Both limits include the log-in that begins
    /// now. The name and value of its cookie take up `bytes` bytes in total.
    fn outdated(&self, now: Timestamp, mut bytes: usize) -> SetCookies {
        let states = self.states();
        let mut all: Vec<_> =
            states.into_iter().map(|state| (self.begun(&state).map(|begun| begun.at), state)).collect();
        // States with unreadable cookies come first, followed by the other states, oldest first.
        all.sort_unstable();
        let mut cookies = SetCookies::default();
        for (newer, (began, state)) in all.into_iter().rev().enumerate() {
            let slot = self.slot(&state);
            let value = slot.name.find(&self.head).ok().flatten().unwrap_or_default();
            bytes += slot.name.as_str().len() + value.len();
            let fits = newer + 1 < MAX_BEGUN && bytes <= MAX_BYTES;
            if !fits || !began.is_some_and(|began| self.is_recent(began, now)) {
                self.authenticator.cookies().delete(&slot, None, &mut cookies);
            }
        }
        cookies
    }

    /// Returns the states of the log-in cookies in the request. Each cookie's name ends with its state.
    fn states(&self) -> Vec<String> {
        let prefix = format!("{}_", self.authenticator.cookies().log_in_state.name.as_str());
        let fields = self.head.header_all("cookie").filter_map(|field| std::str::from_utf8(field).ok());
        let names = fields.flat_map(|field| field.split(';')).filter_map(|pair| pair.trim().split('=').next());
        let states = names.filter_map(|name| name.strip_prefix(&prefix));
        states.filter(|state| PreSessionKey::is_nonce(state.as_bytes())).map(str::to_owned).collect()
    }

    /// Returns the cookie of one state. Each state has its own cookie, so that two tabs cannot overwrite each other's
    /// cookies.
    fn slot(&self, state: &str) -> CookieSlot {
        let slot = &self.authenticator.cookies().log_in_state;
        CookieSlot { name: CookieName::new(format!("{}_{state}", slot.name.as_str())), ..slot.clone() }
    }
}
