//! What the settings mean for an ordinary request, worked out once when the authenticator is built.
//!
//! A request with a valid cookie checks these flags instead of looking through all the settings. Decision 28 gives the
//! reasons.

use super::callbacks::Callbacks;
use crate::config::{RefreshMode, Settings};
use crate::token_source::TokenLocation;

pub(super) struct FastPath {
    /// Tokens are taken only from cookies, `OPTIONS` requests are not exempt, and `flask_compatible` was not called.
    pub(super) only_cookies: bool,
    /// A valid token is not the end of a verification: a callback may refuse it, or the verification is recorded.
    pub(super) goes_on: bool,
    /// A callback chooses the key that verifies a token.
    pub(super) has_key_callback: bool,
    /// Requests with safe methods may need their body to be read.
    pub(super) peeks_safe_methods: bool,
    /// Requests with other methods may need their body to be read.
    pub(super) peeks_unsafe_methods: bool,
    /// Tokens are replaced before they expire.
    pub(super) slides: bool,
    /// The age of the revocation cache is limited, so it may be too stale to be used.
    pub(super) bounds_staleness: bool,
}

impl FastPath {
    /// `records` tells whether verifications are recorded to explain refusals.
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
