//! What happens to expired access tokens.

/// What happens when an access token has expired or is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshMode {
    /// The token is refreshed during the request. The handler runs with the new token, and the adapter's layer adds the
    /// new cookies to the response.
    #[default]
    Transparent,
    /// A browser is redirected to the refresh URL, and from there back to the page that it requested. By default, the
    /// refresh cookie is only sent to the refresh URL and, if necessary, to the log-in, log-out and sign-up URLs
    /// ([`CookiePolicy::refresh_paths`](crate::CookiePolicy::refresh_paths)). An API client gets a 401 that contains
    /// the refresh URL.
    Redirect,
    /// There are no refresh tokens. When half of an access token's lifetime has passed, the next response replaces the
    /// token with a new one.
    Sliding,
    /// The server does not refresh tokens automatically. Either the client or the application refreshes the token, or
    /// the user logs in again.
    Off,
}
