//! A page that an emailed link leads to. The page moves the link's token from the address bar into a cookie that
//! the browser sends only to this page.

use axum::response::{IntoResponse, Redirect, Response};
use hardtack::request::Wants;
use hardtack_axum::Auth;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::links::LinkToken;
use crate::page_cookie::PageCookie;
use crate::pages::{ErrorView, Shell, error_page};
use crate::respond;

/// A page that an emailed link leads to.
pub(super) struct LinkPage {
    cookie: PageCookie,
    /// The path and the label of the button on the page for dead links.
    action: (&'static str, &'static str),
}

impl LinkPage {
    pub(super) const fn new(path: &'static str, action: (&'static str, &'static str)) -> Self {
        Self { cookie: PageCookie { name: "mail_link", path, max_age: 600 }, action }
    }

    /// If the query has a token, redirects to the page without it and sets the cookie. This keeps the token out of
    /// the history, screenshots and `Referer`. Opening a link does not use it up, since mail scanners open links
    /// too.
    pub(super) fn move_token_to_cookie(&self, auth: &Auth) -> Option<Response> {
        let token = auth.query("token")?;
        let mut response = Redirect::to(self.cookie.path).into_response();
        response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        Some(match LinkToken::parse(&token) {
            Some(token) => self.cookie.set(response, token.as_str(), auth.authenticator()),
            None => self.cookie.clear(response, auth.authenticator()),
        })
    }

    /// Returns the token that a program sent in the body, or else the one in the cookie.
    pub(super) fn token(&self, sent: Option<&str>, headers: &HeaderMap) -> Option<LinkToken> {
        LinkToken::parse(sent.or_else(|| self.cookie.find(headers))?)
    }

    /// Responds with 410 to a link that no longer works.
    pub(super) fn dead_link(&self, auth: &Auth) -> Response {
        let detail = "It may have expired or already been used, or your account has changed since it was sent. \
                      Request a new link.";
        let status = StatusCode::GONE;
        let response = match auth.wants() {
            Wants::Page => {
                let view = ErrorView {
                    status: status.as_u16(),
                    title: "This link no longer works",
                    explanation: detail,
                    action: Some(self.action),
                };
                respond::page(status, error_page(&Shell::default(), &view))
            }
            wants => {
                let detail = format!("This link no longer works. {detail}");
                respond::problem(wants, status, "link_dead", &detail, &[])
            }
        };
        self.clear_token(response, auth)
    }

    /// Deletes the cookie.
    pub(super) fn clear_token(&self, response: Response, auth: &Auth) -> Response {
        self.cookie.clear(response, auth.authenticator())
    }
}
