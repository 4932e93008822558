//! A refusal in the making.

use crate::authenticator::VerifiedToken;
use crate::failure::Reason;

/// Why a request is refused, and what the refusal is about.
pub(super) struct Rejection {
    pub(super) reason: Reason,
    /// Whether the client carries its tokens itself: then cookies and redirects have no part in the answer.
    pub(super) carried: bool,
    /// The token that was refused, as far as it was verified.
    pub(super) token: Option<Box<VerifiedToken>>,
    /// What Flask-JWT-Extended says, where its words depend on the request.
    pub(super) detail: Option<String>,
}

impl Rejection {
    /// The refusal of what came in another way than by cookie.
    pub(super) fn carried(reason: impl Into<Reason>) -> Self {
        Self { carried: true, ..Self::from(reason) }
    }

    pub(super) fn about(self, token: VerifiedToken) -> Self {
        Self { token: Some(Box::new(token)), ..self }
    }

    pub(super) fn saying(self, detail: String) -> Self {
        Self { detail: Some(detail), ..self }
    }
}

impl<R: Into<Reason>> From<R> for Rejection {
    fn from(reason: R) -> Self {
        Self { reason: reason.into(), carried: false, token: None, detail: None }
    }
}
