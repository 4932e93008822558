//! What an engine's settings come to for the usual request: decided once and kept side by side, so that no request
//! has to look through them all.

use super::Application;
use crate::config::{RefreshMode, Settings};
use crate::location::TokenLocation;

/// Answers that the settings would give.
pub(crate) struct Shortcuts {
    /// Where a route names no locations, tokens come in cookies alone, by any method, and in our own manner.
    pub(crate) only_cookies: bool,
    /// The application has a say in which tokens are taken.
    pub(crate) asks_application: bool,
    /// The application chooses the key that verifies a token.
    pub(crate) asks_for_key: bool,
    /// Some body may have to be read of requests by methods that promise to change nothing.
    pub(crate) may_peek_safe: bool,
    /// The same of those by other methods.
    pub(crate) may_peek_unsafe: bool,
    /// Tokens are replaced before they expire.
    pub(crate) slides: bool,
    /// What this process knows of ended sessions counts for a while only.
    pub(crate) bounds_staleness: bool,
}

impl Shortcuts {
    pub(super) fn of(settings: &Settings, application: &Application) -> Self {
        let json = settings.may_be_in(TokenLocation::Json);
        let form = settings.csrf.protect && settings.csrf.check_form;
        Self {
            only_cookies: settings.locations.is_only_cookies() && !settings.exempt_options && !settings.flask,
            asks_application: application.judges(),
            asks_for_key: application.chooses_decode_key(),
            may_peek_safe: json || (form && settings.csrf.methods.is_some()),
            may_peek_unsafe: json || form,
            slides: settings.refresh == RefreshMode::Sliding,
            bounds_staleness: settings.max_staleness.is_some(),
        }
    }
}
