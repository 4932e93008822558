//! What a handler needs to render a page with a password form.

use std::fmt;

use crate::cookie::SetCookies;
use crate::html::escaped;

/// What you need to render a page that asks for a password: the hidden CSRF field, a notice, the typed user name, and
/// cookies for the response.
///
/// Omit the form's `action` attribute, so that the browser posts the form to the page's own URL. The query of this URL
/// contains `next`, the page to which the browser is redirected after the log-in.
///
/// `C` is the adapter's type for cookies.
#[derive(Clone)]
#[must_use = "the page must contain the CSRF field, and the response must set the cookies"]
pub struct PasswordForm<C = SetCookies> {
    pub(super) field: String,
    pub(super) csrf_token: String,
    /// Whether the page is shown because the session has ended.
    pub(super) ended: bool,
    pub(super) notice: Option<(String, Option<String>)>,
    pub(super) cookies: C,
}

impl<C> PasswordForm<C> {
    /// Returns the hidden field with the CSRF value, as HTML. Put it into the form.
    pub fn csrf_field(&self) -> String {
        let (field, token) = (escaped(&self.field), escaped(&self.csrf_token));
        format!("<input type=\"hidden\" name=\"{field}\" value=\"{token}\">")
    }

    /// Returns the CSRF value, for a page that writes the hidden field itself.
    pub fn csrf_token(&self) -> &str {
        &self.csrf_token
    }

    /// Returns the sentence to show above the form, if any. It says why the last attempt was refused, or that the
    /// session has ended. Escape the sentence, because it can contain text that the user typed.
    pub fn notice(&self) -> Option<&str> {
        const ENDED: &str = "Your session has ended. Log in again to continue where you left off.";
        let refused = self.notice.as_ref().map(|(text, _)| text.as_str());
        refused.or_else(|| self.ended.then_some(ENDED))
    }

    /// Returns whether the last attempt was refused. If it was, mention the refusal in the page's title, because screen
    /// readers read the title first.
    pub fn is_refused(&self) -> bool {
        self.notice.is_some()
    }

    /// If the last attempt was refused, returns the user name that was typed. Otherwise, returns an empty string.
    /// Escape the name when you write it into HTML.
    pub fn username(&self) -> &str {
        self.notice.as_ref().and_then(|(_, username)| username.as_deref()).unwrap_or_default()
    }

    /// Returns the cookies to add to the response. One sets the cookie that the CSRF value is checked against, and
    /// another deletes the cookie that contained the notice.
    pub fn cookies(&self) -> C
    where
        C: Clone,
    {
        self.cookies.clone()
    }

    /// Converts the cookies into the adapter's type.
    pub fn map_cookies<D>(self, convert: impl FnOnce(C) -> D) -> PasswordForm<D> {
        let Self { field, csrf_token, ended, notice, cookies } = self;
        PasswordForm { field, csrf_token, ended, notice, cookies: convert(cookies) }
    }
}

/// Leaves out the CSRF value and what the user typed.
impl<C> fmt::Debug for PasswordForm<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordForm").field("is_refused", &self.is_refused()).finish_non_exhaustive()
    }
}
