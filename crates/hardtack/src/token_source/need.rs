//! The token that a route needs.

use std::time::Duration;

use super::Locations;
use crate::jwt::TokenKind;

/// The shortest time that [`Need::proven`] accepts, in seconds. Chromium sends at most six proofs in nine minutes.
/// Access tokens of bound sessions live for at least four minutes, and Chromium refreshes them two minutes before they
/// expire. Two proofs are therefore at least two minutes apart, whether a refresh or a route requires them.
const SHORTEST_PROVEN: u64 = 120;

/// The token that a route needs. Each method's description names the corresponding call in Flask-JWT-Extended.
///
/// ```
/// use hardtack::{Need, TokenLocation};
/// let account_page = Need::access().fresh();
/// let front_page = Need::access().optional();
/// let for_api_clients = Need::access().locations([TokenLocation::Headers]);
/// # assert_ne!(account_page, front_page);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    pub(crate) kind: TokenKind,
    pub(crate) fresh: bool,
    /// The maximum age, in seconds, of the client's last proof that it has the device key. Zero if the route requires
    /// no proof.
    pub(crate) proven_within: u32,
    pub(crate) optional: bool,
    /// The locations to search. If empty, the locations from the settings are searched.
    pub(crate) locations: Locations,
    pub(crate) any_type: bool,
    pub(crate) skip_revocation_check: bool,
    pub(crate) reauthenticating: bool,
}

impl Need {
    /// Requires an access token (`jwt_required()`).
    pub const fn access() -> Self {
        Self {
            kind: TokenKind::Access,
            fresh: false,
            proven_within: 0,
            optional: false,
            locations: Locations::NONE,
            any_type: false,
            skip_revocation_check: false,
            reauthenticating: false,
        }
    }

    /// Requires a refresh token (`jwt_required(refresh=True)`).
    pub const fn refresh() -> Self {
        Self { kind: TokenKind::Refresh, ..Self::access() }
    }

    /// Requires a token from a recent log-in (`jwt_required(fresh=True)`). A token from a refresh is not enough.
    #[must_use]
    pub const fn fresh(mut self) -> Self {
        self.fresh = true;
        self
    }

    /// Requires a recent proof that the client has the device key to which the session is bound ([device
    /// binding](crate::device_binding), ASVS 5.0 V7.5.3). The proof must be no older than `within`. The shortest
    /// possible limit is 120 seconds, because browsers limit how often they send proofs. A shorter `within` is raised
    /// to 120 seconds.
    ///
    /// If a browser's last proof is too old, the response deletes the access cookie and redirects the browser to the
    /// same URL with 307. The browser sends a proof, gets a new access cookie, and repeats the request with the same
    /// method, body and header fields. The redirect works for forms and for `fetch`. If the cookies were copied to a
    /// device that does not have the key, that device gets no new access cookie, and its request is refused.
    ///
    /// If the session is not bound, for example because the browser does not support device binding, the token must be
    /// [fresh](Self::fresh) instead. If the proof is still too old after the redirect, the response is the same as for
    /// a token that is not fresh.
    ///
    /// ```
    /// use std::time::Duration;
    /// use hardtack::Need;
    ///
    /// let transfers = Need::access().proven(Duration::from_secs(300));
    /// # assert_ne!(transfers, Need::access());
    /// ```
    #[must_use]
    pub const fn proven(mut self, within: Duration) -> Self {
        let seconds = within.as_secs();
        self.proven_within = if seconds < SHORTEST_PROVEN {
            SHORTEST_PROVEN as u32
        } else if seconds > u32::MAX as u64 {
            u32::MAX
        } else {
            seconds as u32
        };
        self
    }

    /// Whether the route needs a fresh token or a recent proof.
    pub(crate) const fn is_recent(self) -> bool {
        self.fresh || self.proven_within > 0
    }

    /// Accepts requests without a token, and requests with invalid cookies (`jwt_required(optional=True)`). An invalid
    /// token that is not in a cookie is still refused.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Looks for the token in these locations instead of the configured ones (`jwt_required(locations=…)`). If a route
    /// takes tokens from JSON bodies, also set
    /// [`TokenSources::route_locations`](crate::token_source::TokenSources::route_locations).
    #[must_use]
    pub fn locations(mut self, locations: impl Into<Locations>) -> Self {
        self.locations = locations.into();
        self
    }

    /// Accepts both access and refresh tokens (`jwt_required(verify_type=False)`).
    ///
    /// `any_type` does not change which cookie or JSON member is read. `Need::access().any_type()` reads the one for
    /// access tokens, and `Need::refresh().any_type()` reads the one for refresh tokens.
    #[must_use]
    pub const fn any_type(mut self) -> Self {
        self.any_type = true;
        self
    }

    /// Also accepts tokens whose session has ended and tokens that the application blocks
    /// (`jwt_required(skip_revocation_check=True)`).
    #[must_use]
    pub const fn skip_revocation_check(mut self) -> Self {
        self.skip_revocation_check = true;
        self
    }

    /// Also accepts an access token that a re-authentication has replaced within the [race
    /// window](crate::session::SessionPolicy::race_window), if the token was sent in a cookie. The browser sends such a
    /// token if the user submits the password form twice, for example by double-clicking.
    ///
    /// Use this method only for a route that verifies the user's password and then calls `Auth::reauthenticate`. If the
    /// form is sent twice, the second request gets the same tokens as the first. The extractor `ReauthenticationForm`
    /// calls this method.
    #[must_use]
    pub const fn reauthenticating(mut self) -> Self {
        self.reauthenticating = true;
        self
    }

    /// Returns the kind of token that is required. Returns `None` if any kind is accepted.
    pub(crate) const fn expected_kind(self) -> Option<TokenKind> {
        if self.any_type { None } else { Some(self.kind) }
    }
}
