//! The secret of a link that came by mail: out of the address bar, and into a cookie of its one page.

use axum::response::{IntoResponse, Redirect, Response};
use hardtack_axum::Auth;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::answer;
use super::kept::Kept;
use crate::links::LinkToken;
use crate::pages::{FailureView, Shell, failure};

/// A page that such a link leads to.
pub(super) struct LinkPage {
    kept: Kept,
    /// Where to get another link, and what the way there is called.
    again: (&'static str, &'static str),
}

impl LinkPage {
    pub(super) const fn new(path: &'static str, again: (&'static str, &'static str)) -> Self {
        Self { kept: Kept { name: "mail_link", path, max_age: 600 }, again }
    }

    /// Where a link leads first: to the same page without its secret, which histories, screenshots and
    /// `Referer` then lack. Programs that open links ahead of people use nothing up.
    pub(super) fn opened(&self, auth: &Auth) -> Option<Response> {
        let typed = auth.query("token")?;
        let mut response = Redirect::to(self.kept.path).into_response();
        response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        Some(match LinkToken::parse(&typed) {
            Some(token) => self.kept.keep(response, token.as_str(), auth.engine()),
            None => self.kept.clear(response, auth.engine()),
        })
    }

    /// What a program sent with its body, or else what this browser keeps.
    pub(super) fn token(&self, typed: Option<&str>, headers: &HeaderMap) -> Option<LinkToken> {
        LinkToken::parse(typed.or_else(|| self.kept.read(headers))?)
    }

    /// The link does nothing any more: 410, and the way to another one.
    pub(super) fn dead(&self, auth: &Auth) -> Response {
        let detail = "This link does not work any more: it was used, it is too old, or something has changed since. \
                      Ask for another one.";
        let status = StatusCode::GONE;
        let response = match auth.wants() {
            hardtack::Wants::Page => {
                let (status, action) = (status.as_u16(), Some(self.again));
                let view = FailureView { status, title: "That link is used up", explanation: detail, action };
                answer::page(StatusCode::GONE, failure(&Shell::default(), &view))
            }
            wants => answer::problem(wants, status, "link_dead", detail, &[]),
        };
        self.kept.clear(response, auth.engine())
    }

    /// Once the link has done what it is for.
    pub(super) fn used(&self, response: Response, auth: &Auth) -> Response {
        self.kept.clear(response, auth.engine())
    }
}
