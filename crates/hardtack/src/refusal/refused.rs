//! A refused request, and the application's closures that reply to it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{FailureKind, Reason, RefusalLog, Reply};
use crate::config::Settings;
use crate::request::{NextPath, RequestHead, Wants};
use crate::token::VerifiedToken;

/// A refused request. A closure set with [`AuthenticatorBuilder::on`](crate::AuthenticatorBuilder::on) receives it.
#[non_exhaustive]
pub struct Refused<'a> {
    /// Why the request is refused.
    pub reason: &'a Reason,
    /// What kind of response the client wants.
    pub wants: Wants,
    /// The request.
    pub head: RequestHead<'a>,
    /// The page to which the browser should return, for example after a log-in. `None` if the request does not name
    /// such a page.
    pub next: Option<NextPath>,
    /// The refused token. This field is `Some` only if the token's signature is valid, so that the token was refused
    /// for some other reason. For example, the token is not fresh, or it lacks a role that the route needs.
    ///
    /// If the token has expired or its session has ended, the value depends on whether the token was sent in a cookie.
    /// If it was, this field is `Some` only if the authenticator is
    /// [`flask_compatible`](crate::AuthenticatorBuilder::flask_compatible). If it was not, this field is `Some`.
    pub token: Option<&'a VerifiedToken>,
    pub(crate) settings: &'a Settings,
    /// Whether the token was sent outside the cookies, for example in the `Authorization` header.
    pub(crate) is_bearer: bool,
    /// Whether the route also serves requests without a token.
    pub(crate) is_optional: bool,
    /// The message that Flask-JWT-Extended sends for this refusal. It is `None` if the authenticator is not
    /// `flask_compatible`, or if the other fields determine the message.
    pub(crate) detail: Option<&'a str>,
    pub(crate) log: &'a RefusalLog,
    /// The time of the monotonic clock, for `log`.
    pub(crate) monotonic: Duration,
}

impl<'a> Refused<'a> {
    /// Returns the URL of the page that contains the refused form.
    pub(crate) fn form_url(&self) -> &'a str {
        let urls = &self.settings.urls;
        let path = self.settings.public_path(self.head.path());
        if path == urls.reauthenticate.as_str() { &urls.reauthenticate } else { &urls.login }
    }
}

impl fmt::Debug for Refused<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused")
            .field("reason", &self.reason.code())
            .field("wants", &self.wants)
            .finish_non_exhaustive()
    }
}

/// The replies that the application has set with [`AuthenticatorBuilder::on`](crate::AuthenticatorBuilder::on).
pub(crate) type Handlers = HashMap<FailureKind, Arc<dyn Fn(&Refused<'_>) -> Reply + Send + Sync>>;
