//! Requests in bound sessions that reach the server before the browser has proved that it has its device's key.
//!
//! If the access cookie of a bound session has expired, the browser normally refreshes the session before it sends a
//! request to this site. In two cases, the browser sends the request first, and the server makes the browser repeat it:
//! - If the user follows a link from another site, the browser sends the request without the access cookie. The server
//!   sends a page that makes the browser repeat the request, this time from this site.
//! - If the access token is outdated, for example because the session's claims have changed, the server deletes the
//!   access cookie and redirects the browser to the same URL.
//!
//! The server makes the browser repeat a request only once. If the browser has still not proved that it has the
//! device's key, the server refuses the repeated request.
//!
//! A cookie contains a note that says what the browser was told to do. The note and the cookie are valid for
//! [`NOTE_LIFETIME`].

use std::time::Duration;

use super::verify::{RequestVerifier, TokenVerdict};
use crate::jwt::TokenKind;

/// The value of the cookie that is set with the page that makes the browser repeat the request. As long as the browser
/// sends this cookie, the server does not send that page again.
pub(crate) const ARRIVED: &str = "arrived";

/// The value of the cookie that is set when a request is redirected to the same URL. As long as the browser sends this
/// cookie, the server does not redirect again.
pub(crate) const REDIRECTED: &str = "redirected";

/// How long a note is valid. During this time, Hardtack does not give the browser the same instruction again. The
/// lifetime is long enough for a browser to send a proof and repeat the request. The response to the proof removes the
/// note.
pub(crate) const NOTE_LIFETIME: Duration = Duration::from_secs(10);

impl RequestVerifier<'_> {
    /// Returns whether a browser that repeats this request might refresh its bound session first. If so, a refresh
    /// token without a proof is not a sign of an attack.
    #[cold]
    pub(crate) fn may_prove(&self) -> bool {
        self.is_arrival() || self.is_outdated()
    }

    /// Returns whether the request carries an access token with a valid signature and valid claims. If such a token was
    /// refused, the token must be outdated.
    ///
    /// Returns `false` for requests to the refresh URL, because these requests ask for a refresh without a proof and
    /// are never repeated. Also returns `false` if the browser was already told to repeat the request.
    #[cold]
    pub(crate) fn is_outdated(&self) -> bool {
        let settings = self.authenticator.settings();
        !self.state.is_head_sent()
            && settings.public_path(self.head.path()) != settings.urls.refresh.as_str()
            && self.device_note() != Some(REDIRECTED.as_bytes())
            && matches!(
                self.authenticator.cookie_token(&self.head, TokenKind::Access),
                Ok(Some(TokenVerdict::Valid(_)))
            )
    }

    /// Returns whether the browser followed a link from another site, and has not been told to repeat the request yet.
    /// The `Sec-Fetch-…` header fields show this: browsers set these fields, and scripts cannot change them.
    #[cold]
    pub(crate) fn is_arrival(&self) -> bool {
        let from_elsewhere = matches!(self.head.header_text("sec-fetch-site"), Some("cross-site" | "same-site"));
        self.head.method() == "GET"
            && from_elsewhere
            && self.head.header_text("sec-fetch-mode") == Some("navigate")
            && !self.state.is_head_sent()
            && self.device_note() != Some(ARRIVED.as_bytes())
    }

    /// Returns the note that says what the browser was last told to do in order to send a proof. Returns `None` if the
    /// browser sends no note.
    pub(crate) fn device_note(&self) -> Option<&[u8]> {
        self.authenticator.cookies().device_proof.name.find(&self.head).ok().flatten()
    }

    /// Returns the [mark](crate::session::Session::reauthentication_mark) of the re-authentication whose response the
    /// browser has received. Returns `None` if the browser sends no mark.
    pub(crate) fn reauthentication_mark(&self) -> Option<&str> {
        std::str::from_utf8(self.authenticator.cookies().reauthentication.name.find(&self.head).ok()??).ok()
    }
}
