//! Who is looking, for the frame around every page.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use hardtack::{FailureKind, Wants};
use hardtack_axum::{AuthError, CurrentUser};
use http::request::Parts;

use super::answer;
use crate::pages::{Notice, Shell, Viewer};
use crate::site::Site;
use crate::users::User;

/// Who is looking at a page that is for anyone, however their cookies stand: the log-in page has to
/// appear for those whose cookies are refused.
pub(crate) struct Visitor(Option<CurrentUser<User>>);

impl Visitor {
    /// The frame of a page.
    pub(super) fn shell<'a>(&'a self, notice: Option<Notice<'a>>) -> Shell<'a> {
        self.0.as_ref().map_or(Shell { viewer: None, notice }, |user| shell_of(user, notice))
    }
}

impl FromRequestParts<Site> for Visitor {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, AuthError> {
        if answer::wants_of(&parts.headers) != Wants::Page {
            return Ok(Self(None));
        }
        let user = <CurrentUser<User> as OptionalFromRequestParts<Site>>::from_request_parts(parts, site).await;
        user.map(Self).or_else(|error| match error.failure().reason().kind() {
            // A database that is down is no reason to treat anybody as a stranger.
            FailureKind::Unavailable | FailureKind::Internal => Err(error),
            _ => Ok(Self(None)),
        })
    }
}

/// The frame of a page for someone logged in.
pub(super) fn shell_of<'a>(user: &'a CurrentUser<User>, notice: Option<Notice<'a>>) -> Shell<'a> {
    shell(user, user.token().csrf_token(), notice)
}

/// The same with a CSRF value that is newer than the request.
pub(super) fn shell<'a>(user: &'a User, csrf_token: &'a str, notice: Option<Notice<'a>>) -> Shell<'a> {
    Shell { viewer: Some(Viewer { name: user.name(), csrf_token }), notice }
}
