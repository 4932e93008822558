//! The token that a route needs.

use super::Locations;
use crate::jwt::TokenKind;

/// The token that a route needs. The description of each method names the corresponding call in Flask-JWT-Extended.
///
/// ```
/// use hardtack::{Need, TokenLocation};
/// let account_page = Need::access().fresh();
/// let front_page = Need::access().optional();
/// let for_programs = Need::access().locations([TokenLocation::Headers]);
/// # assert_ne!(account_page, front_page);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    pub(crate) kind: TokenKind,
    pub(crate) fresh: bool,
    pub(crate) optional: bool,
    /// The locations to search. If empty, the locations in the settings are searched.
    pub(crate) locations: Locations,
    pub(crate) any_type: bool,
    pub(crate) skip_revocation_check: bool,
}

impl Need {
    /// Requires an access token (`jwt_required()`).
    pub const fn access() -> Self {
        Self {
            kind: TokenKind::Access,
            fresh: false,
            optional: false,
            locations: Locations::NONE,
            any_type: false,
            skip_revocation_check: false,
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

    /// Accepts requests without a token, and requests with invalid cookies (`jwt_required(optional=True)`). An invalid
    /// token that is not in a cookie is still refused.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Searches these locations instead of the configured ones (`jwt_required(locations=…)`). If a route takes tokens
    /// from JSON bodies, also set
    /// [`TokenSources::route_locations`](crate::token_source::TokenSources::route_locations).
    #[must_use]
    pub fn locations(mut self, locations: impl Into<Locations>) -> Self {
        self.locations = locations.into();
        self
    }

    /// Accepts both access and refresh tokens (`jwt_required(verify_type=False)`).
    ///
    /// `any_type` does not change which cookie or JSON member is read. `Need::access().any_type()` reads the cookie or
    /// JSON member for access tokens, and `Need::refresh().any_type()` reads the cookie or JSON member for refresh
    /// tokens.
    #[must_use]
    pub const fn any_type(mut self) -> Self {
        self.any_type = true;
        self
    }

    /// Also accepts tokens of ended sessions and tokens that the application blocks
    /// (`jwt_required(skip_revocation_check=True)`).
    #[must_use]
    pub const fn skip_revocation_check(mut self) -> Self {
        self.skip_revocation_check = true;
        self
    }

    /// Returns the kind that the token must have. Returns `None` if the token may have any kind.
    pub(crate) const fn expected_kind(self) -> Option<TokenKind> {
        if self.any_type { None } else { Some(self.kind) }
    }
}
