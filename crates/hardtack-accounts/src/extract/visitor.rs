//! Extracts the visitor, whose name is shown in the header of each page.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use hardtack::FailureKind;
use hardtack::request::Wants;
use hardtack_axum::{AuthError, CurrentUser, RefreshToken};
use http::request::Parts;
use http::{HeaderMap, Uri};

use crate::pages::{Notice, Shell, Viewer};
use crate::settings::SiteSettings;
use crate::site::Site;
use crate::users::User;

/// The logged-in user, if there is one. API clients get no pages, so for them, the value is always `None`. If the
/// request's token is refused, the value is also `None`, because the user might need the log-in page.
/// (`Option<CurrentUser>` would return an error.) If the server fails or a body cannot be read, this extractor returns
/// an error.
pub(crate) struct Visitor {
    site: Arc<SiteSettings>,
    user: Option<CurrentUser<User>>,
}

impl Visitor {
    /// Returns the page shell for this visitor.
    pub(crate) fn shell<'a>(&'a self, notice: Option<Notice<'a>>) -> Shell<'a> {
        let visitor = Shell::visitor(&self.site, notice);
        self.user.as_ref().map_or(visitor, |user| shell_of(&self.site, user, notice))
    }

    /// Returns whether a user is logged in.
    pub(crate) const fn is_logged_in(&self) -> bool {
        self.user.is_some()
    }

    /// Returns the user who is logged in.
    pub(crate) fn user(&self) -> Option<&User> {
        self.user.as_deref()
    }
}

impl FromRequestParts<Site> for Visitor {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, AuthError> {
        if hardtack_axum::wants(&parts.headers) != Wants::Page {
            return Ok(Self { site: Arc::clone(&site.settings), user: None });
        }
        let user = <CurrentUser<User> as OptionalFromRequestParts<Site>>::from_request_parts(parts, site).await;
        let user = user.or_else(|error| match error.failure().reason().kind() {
            // If the database is down, return an error, because a page would wrongly say that the user is logged out.
            FailureKind::Unavailable | FailureKind::Internal | FailureKind::BodyNotRead => Err(error),
            _ => Ok(None),
        })?;
        Ok(Self { site: Arc::clone(&site.settings), user })
    }
}

/// Returns the page shell for a logged-in user.
pub(crate) fn shell_of<'a>(
    site: &'a SiteSettings,
    user: &'a CurrentUser<User>,
    notice: Option<Notice<'a>>,
) -> Shell<'a> {
    let csrf_token = user.token().csrf_token().to_string().into();
    Shell { viewer: Some(Viewer { name: user.name(), csrf_token }), ..Shell::visitor(site, notice) }
}

/// Who sent a request, as far as the site can tell without refreshing tokens.
pub(crate) enum Sender {
    /// This user.
    User(Box<CurrentUser<User>>),
    /// Someone who is not logged in.
    Visitor,
    /// Someone who may be logged in: the access token has expired or is not valid yet, or a store is down.
    Unknown,
}

impl Sender {
    /// Finds out who sent a request. Like [`user_of_refused`], this function checks no CSRF token.
    pub(crate) async fn of(headers: &HeaderMap, uri: &Uri, site: &Site) -> Self {
        let mut parts = parts_to_verify(headers, uri, site);
        match <CurrentUser<User> as OptionalFromRequestParts<Site>>::from_request_parts(&mut parts, site).await {
            Ok(Some(user)) => return Self::User(Box::new(user)),
            // In redirect mode, the browser could still refresh its tokens.
            Err(_) => return Self::Unknown,
            Ok(None) => {}
        }
        match <RefreshToken as OptionalFromRequestParts<Site>>::from_request_parts(&mut parts, site).await {
            Ok(None) => Self::Visitor,
            Ok(Some(_)) | Err(_) => Self::Unknown,
        }
    }

    /// Returns the page shell for the sender.
    pub(crate) fn shell<'a>(&'a self, site: &'a SiteSettings) -> Shell<'a> {
        match self {
            Self::User(user) => shell_of(site, user, None),
            Self::Visitor => Shell::visitor(site, None),
            Self::Unknown => Shell::unknown(site),
        }
    }

    /// Returns the user, if known.
    pub(crate) fn user(&self) -> Option<&User> {
        match self {
            Self::User(user) => Some(user),
            Self::Visitor | Self::Unknown => None,
        }
    }
}

/// Returns the user who sent a request that was refused, or one that does not require a log-in. This function does not
/// refresh tokens, and does not check the CSRF token. Use the result only to render a page, or to end the user's
/// session.
pub(crate) async fn user_of_refused(headers: &HeaderMap, uri: &Uri, site: &Site) -> Option<CurrentUser<User>> {
    let mut parts = parts_to_verify(headers, uri, site);
    <CurrentUser<User> as OptionalFromRequestParts<Site>>::from_request_parts(&mut parts, site).await.ok().flatten()
}

/// Returns a request whose tokens can be verified but not refreshed, because it lacks the layer's state.
fn parts_to_verify(headers: &HeaderMap, uri: &Uri, site: &Site) -> Parts {
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.headers = headers.clone();
    parts.uri = uri.clone();
    parts.extensions.insert(site.auth.clone());
    parts
}
