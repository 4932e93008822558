//! Requests of bound sessions that reach the server before the browser has proved that it has the key of its device.
//!
//! If the access cookie of a bound session has expired, the browser normally refreshes the session before it sends a
//! request to this site. In two cases, the browser sends the request first, and the server makes the browser repeat it:
//! - If the user follows a link from another site, the browser sends the request without the access cookie. The server
//!   sends a page that makes the browser repeat the request, this time from this site.
//! - If the access token is outdated, for example because the claims of the session have changed, the server deletes
//!   the access cookie, and redirects the browser to the same URL.
//!
//! The server makes the browser repeat a request only once. If the browser still sends no proof, the request is
//! refused.
//!
//! One cookie contains a note that says what the browser was told. The note is valid for [`NOTE_LIFETIME`]. After a
//! dot, the cookie can also contain the mark of a re-authentication. A cookie with a mark lives longer than the note,
//! so the note then includes the Unix time at which it was written: `redirected~SECONDS.MARK`.

use std::time::Duration;

use super::verify::{RequestVerifier, TokenVerdict};
use crate::clock::{MAX_SKEW, Timestamp};
use crate::jwt::TokenKind;

/// The value of the cookie that is set with the page. As long as the browser sends this cookie, the server does not
/// send the page again.
pub(crate) const ARRIVED: &str = "arrived";

/// The value of the cookie that is set when a request is redirected to the same URL. As long as the browser sends this
/// cookie, the server does not redirect again.
pub(crate) const REDIRECTED: &str = "redirected";

/// How long a note is valid. During this time, Hardtack does not give the browser the same instruction again. This is
/// long enough for a browser to send a proof and repeat the request. The response to the proof removes the note.
pub(crate) const NOTE_LIFETIME: Duration = Duration::from_secs(10);

/// The maximum length of a mark, in bytes.
const LONGEST_MARK: usize = 22;

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

    /// Returns whether the browser followed a link from another site, and was not yet told to repeat the request. The
    /// `Sec-Fetch-…` header fields show this: browsers set these fields, and scripts cannot change them.
    #[cold]
    pub(crate) fn is_arrival(&self) -> bool {
        let from_elsewhere = matches!(self.head.header_text("sec-fetch-site"), Some("cross-site" | "same-site"));
        self.head.method() == "GET"
            && from_elsewhere
            && self.head.header_text("sec-fetch-mode") == Some("navigate")
            && !self.state.is_head_sent()
            && self.device_note() != Some(ARRIVED.as_bytes())
    }

    /// Returns the note: what the browser was last told to do so that it sends a proof. Returns `None` if the browser
    /// does not send the cookie, or if the note is older than [`NOTE_LIFETIME`]. Its time may be up to [`MAX_SKEW`] in
    /// the future, because another server may have written the note.
    pub(crate) fn device_note(&self) -> Option<&[u8]> {
        let note = self.device_cookie()?.split(|byte| *byte == b'.').next()?;
        let Some(tilde) = note.iter().position(|byte| *byte == b'~') else { return Some(note) };
        let at = Timestamp::from_unix_seconds(std::str::from_utf8(&note[tilde + 1..]).ok()?.parse().ok()?);
        let now = self.authenticator.now();
        (now.since(at) < NOTE_LIFETIME && at.since(now) <= MAX_SKEW).then_some(&note[..tilde])
    }

    /// Returns the value of the cookie that records a note, and the lifetime of the cookie. If the browser has a mark,
    /// the cookie keeps the mark. The browser needs the mark for the next refresh, which might be much later, for
    /// example because the server is down.
    pub(crate) fn with_note(&self, note: &str) -> (String, Duration) {
        match self.reauthentication_mark() {
            Some(mark) => {
                let at = self.authenticator.now().unix_seconds();
                (format!("{note}~{at}.{mark}"), self.authenticator.longest_idle())
            }
            None => (note.to_owned(), NOTE_LIFETIME),
        }
    }

    /// Returns the [mark](crate::session::Session::reauthentication_mark) of the re-authentication whose response the
    /// browser has received. Returns `None` if the browser sends no mark, or a value that cannot be a mark.
    pub(crate) fn reauthentication_mark(&self) -> Option<&str> {
        let mark = std::str::from_utf8(self.device_cookie()?.split(|byte| *byte == b'.').nth(1)?).ok()?;
        let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (mark.len() <= LONGEST_MARK && mark.bytes().all(is_base64url)).then_some(mark)
    }

    /// Returns the cookie, even if it contains no note.
    pub(crate) fn device_cookie(&self) -> Option<&[u8]> {
        self.authenticator.cookies().device_proof.name.find(&self.head).ok().flatten()
    }
}
