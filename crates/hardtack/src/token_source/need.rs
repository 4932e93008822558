//! What a route asks of a request.

use super::Locations;
use crate::jwt::TokenKind;

/// What a route needs: the arguments of Flask-JWT-Extended's `jwt_required`.
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
    /// The application's where there are none.
    pub(crate) locations: Locations,
    pub(crate) any_type: bool,
    pub(crate) skip_revocation_check: bool,
}

impl Need {
    /// An access token: `jwt_required()`.
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

    /// A refresh token: `jwt_required(refresh=True)`.
    pub const fn refresh() -> Self {
        Self { kind: TokenKind::Refresh, ..Self::access() }
    }

    /// Only a token from a recent log-in, not a refreshed one: `jwt_required(fresh=True)`.
    #[must_use]
    pub const fn fresh(mut self) -> Self {
        self.fresh = true;
        self
    }

    /// No token is fine too; a bad one is still refused: `jwt_required(optional=True)`.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Where to look instead of where the application looks: `jwt_required(locations=…)`. A route that takes
    /// tokens from JSON bodies also has to be announced: [`crate::AuthenticatorBuilder::route_locations`].
    #[must_use]
    pub fn locations(mut self, locations: impl Into<Locations>) -> Self {
        self.locations = locations.into();
        self
    }

    /// Access and refresh tokens alike: `jwt_required(verify_type=False)`. The kind asked for still says
    /// which cookie or JSON member is read.
    #[must_use]
    pub const fn any_type(mut self) -> Self {
        self.any_type = true;
        self
    }

    /// Tokens of sessions that ended too, and those that the application blocks:
    /// `jwt_required(skip_revocation_check=True)`.
    #[must_use]
    pub const fn skip_revocation_check(mut self) -> Self {
        self.skip_revocation_check = true;
        self
    }

    /// The kind that a token must be of, if one.
    pub(crate) const fn expected_kind(self) -> Option<TokenKind> {
        if self.any_type { None } else { Some(self.kind) }
    }
}
