//! What a route asks of a request.

use crate::jwt::TokenKind;

/// What a route needs: the arguments of Flask-JWT-Extended's `jwt_required`.
///
/// ```
/// use hardtack::Need;
/// let account_page = Need::access().fresh();
/// let front_page = Need::access().optional();
/// # assert_ne!(account_page, front_page);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    pub(crate) kind: TokenKind,
    pub(crate) fresh: bool,
    pub(crate) optional: bool,
}

impl Need {
    /// An access token: `jwt_required()`.
    pub const fn access() -> Self {
        Self { kind: TokenKind::Access, fresh: false, optional: false }
    }

    /// A refresh token: `jwt_required(refresh=True)`.
    pub const fn refresh() -> Self {
        Self { kind: TokenKind::Refresh, fresh: false, optional: false }
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
}
