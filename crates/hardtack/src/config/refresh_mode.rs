//! What happens to expired access tokens.

/// What happens when an access token has expired or is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshMode {
    /// The adapter's layer refreshes in place. The handler runs, and its response carries the new cookies.
    #[default]
    Transparent,
    /// A browser is redirected to the refresh URL and back to the page that it requested. By default, it sends the
    /// refresh cookie only to that URL and, if necessary, to the log-in, log-out and sign-up URLs
    /// ([`CookiePolicy::refresh_paths`](crate::CookiePolicy::refresh_paths)). A program gets a 401 that names the
    /// refresh URL.
    Redirect,
    /// There is no refresh token. An access token that has passed half of its life is replaced in the response.
    Sliding,
    /// Nothing happens automatically: the client or the application refreshes the token, or the user logs in again.
    Off,
}
