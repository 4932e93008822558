//! A refused request, as an application's own reply sees it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::{FailureKind, Reason, Reply};
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
    /// The page to which the browser should return, for example after a log-in; `None` if no such page is known.
    pub next: Option<NextPath>,
    /// The refused token, if its signature was verified. Such a token is refused for another reason. For example, it
    /// has expired, is not fresh or lacks a claim; its session has ended; its user is unknown; or the application has
    /// refused its claims.
    pub token: Option<&'a VerifiedToken>,
    pub(crate) settings: &'a Settings,
    /// Whether the token came from a part of the request other than a cookie, such as the `Authorization` header.
    pub(crate) is_bearer: bool,
    /// Whether the route also serves requests without a token.
    pub(crate) is_optional: bool,
    /// The message of Flask-JWT-Extended, if it depends on the request.
    pub(crate) detail: Option<&'a str>,
}

impl<'a> Refused<'a> {
    /// The page with the form whose password was refused.
    pub(crate) fn form_url(&self) -> &'a str {
        let urls = &self.settings.urls;
        if self.head.path() == urls.reauthenticate { &urls.reauthenticate } else { &urls.login }
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

/// The application's own replies.
pub(crate) type Handlers = HashMap<FailureKind, Arc<dyn Fn(&Refused<'_>) -> Reply + Send + Sync>>;
