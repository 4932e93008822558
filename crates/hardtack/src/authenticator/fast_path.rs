//! Flags that summarize the settings that matter to an ordinary request. They are computed once, when the authenticator
//! is built.
//!
//! For a request with a valid cookie, Hardtack checks these flags instead of looking through all the settings. Decision
//! 28 gives the reasons.

use super::callbacks::Callbacks;
use crate::config::{RefreshMode, Settings};
use crate::token_source::TokenLocation;

pub(super) struct FastPath {
    /// Whether the fast path applies. It applies if tokens are taken only from cookies, `OPTIONS` requests are not
    /// exempt, and `flask_compatible` was not called.
    pub(super) only_cookies: bool,
    /// Whether a valid token needs further work: a callback might still refuse the token, or verifications are
    /// recorded.
    pub(super) goes_on: bool,
    /// Whether a callback chooses the key that verifies a token.
    pub(super) has_key_callback: bool,
    /// Whether Hardtack may have to read the body of a request that uses a safe method.
    pub(super) peeks_safe_methods: bool,
    /// Whether Hardtack may have to read the body of a request that uses an unsafe method.
    pub(super) peeks_unsafe_methods: bool,
    /// Whether tokens are replaced before they expire (sliding mode).
    pub(super) slides: bool,
    /// Whether there is a limit on how stale the revocation cache may be. If so, the cache can become too stale to use.
    pub(super) bounds_staleness: bool,
}

impl FastPath {
    /// Computes the flags. `records` says whether verifications are recorded to explain refusals.
    pub(super) fn new(settings: &Settings, callbacks: &Callbacks, records: bool) -> Self {
        let json = settings.sources.may_be_in(TokenLocation::Json);
        let form = settings.csrf.protect && settings.csrf.check_form;
        Self {
            only_cookies: settings.sources.locations.is_only_cookies() && !settings.exempt_options && !settings.flask,
            goes_on: callbacks.may_refuse_tokens() || records,
            has_key_callback: callbacks.decode_key.is_some(),
            peeks_safe_methods: json || (form && settings.csrf.methods.is_some()),
            peeks_unsafe_methods: json || form,
            slides: settings.refresh == RefreshMode::Sliding,
            bounds_staleness: settings.sessions.max_staleness.is_some(),
        }
    }
}
