//! A refusal for which no reply has been created yet.

use super::Reason;
use crate::token::VerifiedToken;

/// Why a request is refused, and what else the reply depends on.
pub(crate) struct Rejection {
    pub(crate) reason: Reason,
    /// Whether the token came from a cookie. If the token came from another part of the request, the reply does not
    /// redirect the client and does not delete cookies.
    pub(crate) from_cookie: bool,
    /// Whether the route also serves requests without a token.
    pub(crate) optional: bool,
    /// The refused token, if [`Refused::token`](super::Refused::token) should contain it.
    pub(crate) token: Option<Box<VerifiedToken>>,
    /// The message that Flask-JWT-Extended sends for this refusal. It is `None` if the authenticator is not
    /// `flask_compatible`, or if the message can be derived from the reason, the token and the settings.
    pub(crate) detail: Option<String>,
}

impl Rejection {
    /// Creates the rejection for a request with a token that was not in a cookie. Browsers never send such a token by
    /// themselves, so the client added it on purpose.
    pub(crate) fn not_from_cookie(reason: impl Into<Reason>) -> Self {
        Self { from_cookie: false, ..Self::from(reason) }
    }

    pub(crate) fn about(self, token: VerifiedToken) -> Self {
        Self { token: Some(Box::new(token)), ..self }
    }

    pub(crate) fn with_detail(self, detail: String) -> Self {
        Self { detail: Some(detail), ..self }
    }
}

impl<R: Into<Reason>> From<R> for Rejection {
    fn from(reason: R) -> Self {
        Self { reason: reason.into(), from_cookie: true, optional: false, token: None, detail: None }
    }
}
