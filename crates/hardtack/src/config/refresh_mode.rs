//! What happens to expired access tokens.

/// What happens when an access token has expired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshMode {
    /// The layer refreshes in place; the handler runs, and its answer carries the new cookies.
    #[default]
    Transparent,
    /// The client is sent to the refresh URL and back to the page it asked for. The refresh cookie is
    /// sent to that URL only.
    Redirect,
    /// There is no refresh token: an access token past half of its life is replaced on the way out.
    Sliding,
    /// Nothing; the application refreshes itself, or not at all.
    Off,
}
