//! The kinds of failure: one for each error loader of Flask-JWT-Extended, and a few more.

/// A kind of failure. With [`AuthenticatorBuilder::on`](crate::AuthenticatorBuilder::on), an application can set its
/// own reply for each kind. The names in parentheses are the corresponding error loaders of Flask-JWT-Extended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// The route needs a token, and the request has none (`unauthorized_loader`).
    Missing,
    /// The token is not valid. For example, it is forged, malformed, of the wrong kind or for another audience, or the
    /// request contains the token's cookie twice (`invalid_token_loader`).
    ///
    /// This kind also covers tokens that are not valid yet because their `nbf` or `iat` is in the future
    /// ([`Reason::is_early`](crate::refusal::Reason::is_early)). Such a token will become valid later, so the response
    /// does not delete its cookies.
    Invalid,
    /// The token or its session has expired (`expired_token_loader`).
    Expired,
    /// The access token is missing, has expired or has outdated claims. The client might get a new one from the refresh
    /// URL. This kind occurs only with [`RefreshMode::Redirect`](crate::RefreshMode::Redirect).
    RefreshNeeded,
    /// The route needs a token from a recent log-in, but the request's token is from an earlier log-in or from a
    /// refresh (`needs_fresh_token_loader`). This kind also covers two other cases: someone re-authenticates as
    /// [another user](crate::refusal::Reason::OtherUser), or the route needs a [recent
    /// proof](crate::refusal::Reason::ProofNeeded) of the device's key and the client has not given one.
    NotFresh,
    /// The token's session was ended, or the application's blocklist contains the token (`revoked_token_loader`).
    Revoked,
    /// The token's user no longer exists (`user_lookup_error_loader`).
    UnknownUser,
    /// The application did not accept the token's claims (`token_verification_failed_loader`).
    ClaimsRefused,
    /// The user is logged in, but is not allowed to make this request: the token lacks a claim that the route needs, or
    /// the application forbids the request. The user stays logged in.
    Forbidden,
    /// Another site may have forged the request.
    Csrf,
    /// The route changes state, but the request uses a safe method such as GET or HEAD.
    Method,
    /// The server needed the beginning of the body to find a CSRF value or token, but did not read it. Either the body
    /// did not arrive in time, or the server is reading too many bodies at once.
    BodyNotRead,
    /// There were too many attempts, for example with wrong passwords. The response has a `Retry-After` header.
    TooManyAttempts,
    /// The application refused a log-in or a re-authentication, for example because of a wrong password.
    LogInRefused,
    /// The body of a log-in or a re-authentication is neither a form nor a JSON object, lacks a field, or is too large.
    InvalidForm,
    /// The session store, or another of the application's backends, failed. If the reason is
    /// [`Reason::OutcomeUnknown`](crate::refusal::Reason::OutcomeUnknown), a change may have been stored nevertheless, so
    /// do not ask the client to try again.
    Unavailable,
    /// The application made a mistake: for example, it added too many claims or a reserved claim to a token, or a layer
    /// is missing.
    Internal,
}

impl FailureKind {
    /// All kinds.
    pub const ALL: &'static [Self] = &[
        Self::Missing,
        Self::Invalid,
        Self::Expired,
        Self::RefreshNeeded,
        Self::NotFresh,
        Self::Revoked,
        Self::UnknownUser,
        Self::ClaimsRefused,
        Self::Forbidden,
        Self::Csrf,
        Self::Method,
        Self::BodyNotRead,
        Self::TooManyAttempts,
        Self::LogInRefused,
        Self::InvalidForm,
        Self::Unavailable,
        Self::Internal,
    ];

    /// Returns whether this failure makes the client's cookies unusable. If so, the response usually deletes them.
    pub const fn unsets_cookies(self) -> bool {
        matches!(self, Self::Invalid | Self::Expired | Self::Revoked | Self::UnknownUser | Self::ClaimsRefused)
    }

    /// Returns the HTTP status of the reply to an API client (RFC 9110 section 15.5).
    pub const fn status(self) -> u16 {
        match self {
            Self::Csrf | Self::ClaimsRefused | Self::Forbidden => 403,
            Self::Method => 405,
            Self::BodyNotRead => 408,
            Self::InvalidForm => 422,
            Self::TooManyAttempts => 429,
            Self::Unavailable => 503,
            Self::Internal => 500,
            _ => 401,
        }
    }
}
