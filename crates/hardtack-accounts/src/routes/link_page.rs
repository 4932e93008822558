//! A page that a single-use link leads to. The page moves the link's token from the address bar into an `HttpOnly`
//! cookie.

use axum::response::{IntoResponse, Redirect, Response};
use hardtack::request::Wants;
use hardtack_axum::{Auth, AuthError};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;

use super::credentials::shell_of_unverified;
use crate::accounts::{ActionError, PasswordResetProblem};
use crate::extract::{JsonBody, JsonType};
use crate::links::LinkToken;
use crate::page_cookie::{PageCookie, names};
use crate::pages::{FieldError, Shell};
use crate::respond;
use crate::site::Site;

/// A page that a single-use link leads to.
pub(super) struct LinkPage {
    cookie: PageCookie,
    /// The explanation on the page for links that no longer work.
    dead_link: fn(&Site) -> String,
    /// The button on the page for links that no longer work: the path that it leads to, and its label.
    action: (&'static str, &'static str),
}

/// The text that explains that a link is incomplete, for example because the user copied only part of it.
const INCOMPLETE: &str = "Part of the link is missing or mistyped. Open the link in the message that you received, or \
                          copy the whole link.";

/// The fields that identify the link that a request uses.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct SentLink {
    /// The link's token, if the request is from an API client.
    pub(super) token: Option<String>,
    /// The [`LinkToken::form_key`] of the link that the form was rendered for. The token itself is in the cookie.
    /// `None` for API clients.
    pub(super) link: Option<String>,
}

impl JsonBody for SentLink {
    const MEMBERS: &'static [(&'static str, JsonType)] = &[("token", JsonType::String)];

    const REQUIRED: &'static [&'static str] = &["token"];
}

impl LinkPage {
    pub(super) const fn new(
        path: &'static str,
        dead_link: fn(&Site) -> String,
        action: (&'static str, &'static str),
    ) -> Self {
        Self { cookie: PageCookie { name: names::MAIL_LINK, path, max_age: 600 }, dead_link, action }
    }

    /// If the query has a token, moves the token into the cookie and redirects to the page without the query. The
    /// redirect keeps the token out of the browser's history, screenshots and `Referer`. Opening a link does not use up
    /// the link, because mail scanners open links, too.
    pub(super) fn move_token_to_cookie(&self, site: &Site, auth: &Auth) -> Option<Response> {
        let token = auth.query("token")?;
        let token = LinkToken::parse(token.trim());
        let location = match token {
            Some(_) => site.path(self.cookie.path),
            None => site.path(&format!("{}?incomplete=1", self.cookie.path)),
        };
        let mut response = Redirect::to(&location).into_response();
        response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        Some(match token {
            Some(token) => self.cookie.set(response, token.as_str(), site.cookies()),
            None => self.cookie.clear(response, site.cookies()),
        })
    }

    /// Returns the link's token from the cookie.
    pub(super) fn token(&self, site: &Site, auth: &Auth) -> Option<LinkToken> {
        LinkToken::parse(self.cookie.find(auth.headers(), site.cookies())?)
    }

    /// Returns the token that an API client sent in the body. If the request instead comes from a form that was
    /// rendered for the token in the cookie, returns the token in the cookie.
    ///
    /// After the form was rendered, the user might have opened a different link, or an attacker might have replaced the
    /// cookie. If the form were not checked against the cookie, a form that shows one user's name could change a
    /// different user's account.
    ///
    /// # Errors
    /// Returns an error if the token in the body is malformed, if the form was not rendered for the token in the
    /// cookie, or if nothing in the request identifies a link. The error is the response to send.
    pub(super) fn sent_token(&self, sent: &SentLink, site: &Site, auth: &Auth) -> Result<LinkToken, Box<Response>> {
        if let Some(token) = &sent.token {
            return LinkToken::parse(token).ok_or_else(|| Box::new(self.unusable(site, auth, true)));
        }
        match (self.token(site, auth), &sent.link) {
            (Some(token), Some(link)) if *link == token.form_key() => Ok(token),
            (None, None) => Err(Box::new(self.dead_link(site, auth))),
            _ => Err(Box::new(other_link(auth))),
        }
    }

    /// Returns the page shell for showing a refused form again. Returns `None` if the form cannot have come from this
    /// site's own page, or if the browser no longer has a link's token.
    pub(super) fn shell_of_unverified<'e>(
        &self,
        site: &'e Site,
        auth: &Auth,
        error: &'e AuthError,
    ) -> Option<Shell<'e>> {
        shell_of_unverified(site, auth, error).filter(|_| self.token(site, auth).is_some())
    }

    /// Handles an error from setting a new password through a link. If the new password breaks a rule and the client is
    /// a browser, returns the text to show above the form. The link still works, so the user can enter a different
    /// password.
    ///
    /// # Errors
    /// In all other cases, the error is the response to send.
    pub(super) fn problem_of_password(
        &self,
        error: ActionError<PasswordResetProblem>,
        site: &Site,
        auth: &Auth,
    ) -> Result<String, Box<Response>> {
        let wants = auth.wants();
        match respond::invalid_input(wants, error)? {
            PasswordResetProblem::DeadLink => Err(Box::new(self.dead_link(site, auth))),
            PasswordResetProblem::InvalidNew(problem) if wants == Wants::Page => Ok(problem.to_string()),
            PasswordResetProblem::InvalidNew(problem) => {
                let errors = [FieldError { field: "new_password", text: &problem.to_string() }];
                Err(Box::new(respond::invalid_fields(wants, &errors)))
            }
        }
    }

    /// Responds with 410 to a link that no longer works.
    pub(super) fn dead_link(&self, site: &Site, auth: &Auth) -> Response {
        self.unusable(site, auth, auth.query("incomplete").is_some())
    }

    /// Responds to a link that is incomplete or no longer works.
    fn unusable(&self, site: &Site, auth: &Auth, is_incomplete: bool) -> Response {
        let (title, detail) = match is_incomplete {
            true => ("This link is incomplete", INCOMPLETE.to_owned()),
            false => ("This link no longer works", (self.dead_link)(site)),
        };
        let status = StatusCode::GONE;
        let response = match auth.wants() {
            Wants::Page => {
                let (path, label) = self.action;
                respond::error(status, title, &detail, Some((path.into(), label)))
            }
            wants => {
                let detail = format!("{title}. {detail}");
                respond::problem(wants, status, "link_dead", &detail, &[])
            }
        };
        self.clear_token(response, site)
    }

    /// Deletes the cookie.
    pub(super) fn clear_token(&self, response: Response, site: &Site) -> Response {
        self.cookie.clear(response, site.cookies())
    }
}

/// Responds to a form that does not belong to the link in the cookie.
fn other_link(auth: &Auth) -> Response {
    let status = StatusCode::FORBIDDEN;
    let title = "This page is out of date";
    let detail = "The page was open for too long, or you have opened a different link since. Nothing was changed. Open \
                  the link again.";
    match auth.wants() {
        Wants::Page => respond::error(status, title, detail, None),
        wants => respond::problem(wants, status, "other_link", &format!("{title}. {detail}"), &[]),
    }
}
