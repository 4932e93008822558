//! What happens to expired access tokens.

/// What happens when an access token has expired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshMode {
    /// The adapter's layer refreshes in place. The handler runs, and its response carries the new cookies.
    #[default]
    Transparent,
    /// The client is redirected to the refresh URL and back to the page it requested. The refresh cookie is sent to
    /// that URL only.
    Redirect,
    /// There is no refresh token. An access token that has passed half of its life is replaced in the response.
    Sliding,
    /// Nothing happens automatically: the client or the application refreshes the token, or the user logs in again.
    Off,
}
