//! The refresh URL, which refreshes the tokens and redirects the browser to the page that it originally requested.

use super::Exchange;
use crate::authenticator::TokenVerdict;
use crate::config::RefreshMode;
use crate::cookie::SetCookies;
use crate::jwt::TokenKind;
use crate::refusal::{Failure, FailureKind, NO_STORE, Reply};
use crate::request::{NextPath, Wants};

/// The query parameter of the log-out URL that says that the browser comes back from the refresh URL. Without this
/// parameter, a browser that keeps the refresh token's CSRF cookie would be redirected to the refresh URL for ever.
pub(super) const BACK: &str = "refreshed";

impl Exchange<'_> {
    /// Handles a request to the refresh URL: refreshes the tokens, then redirects to the path in the query parameter
    /// `next`. Without `next`, a browser is redirected to the home page, and an API client gets 200 with JSON.
    ///
    /// A POST is redirected with 307, so that the browser posts the form to `next`. If the browser had posted a
    /// password to the re-authentication page, it is redirected back to that URL and posts there again. If the browser
    /// was logging out, its session ends here, and the browser is then redirected back to the log-out URL. A GET is allowed only with [`RefreshMode::Redirect`](crate::RefreshMode::Redirect), and is redirected with 303.
    ///
    /// If the query has `public=1`, the browser was redirected here from a page whose token is optional. If the refresh
    /// is refused, the browser is redirected back to that page, which then treats the user as logged out.
    ///
    /// With [`RefreshMode::Redirect`](crate::RefreshMode::Redirect), the browser refreshes a bound session with a proof
    /// before it follows the redirect to the refresh URL. In this case, this method does not refresh the session again,
    /// but redirects the browser as usual.
    ///
    /// If a link on another site led the browser to the refresh URL, nothing is refreshed. Instead, the response is a
    /// 403 page that makes the browser repeat the request, this time from this site.
    ///
    /// # Errors
    /// The same errors as [`Self::refresh`].
    pub async fn refresh_and_return(&self) -> Result<Reply, Failure> {
        if self.is_logging_out() {
            return self.log_out_and_go_back().await;
        }
        let refreshed = if self.has_proven_session().await { Ok(SetCookies::default()) } else { self.refresh().await };
        let cookies = match refreshed {
            Err(failure) if self.follows_foreign_link(&failure) => return Ok(self.ask_again()),
            Err(failure) if self.returns_without_user(&failure) => failure.into_reply().cookies,
            answer => answer?,
        };
        let next = self.query_next();
        // With status 307, the browser posts its form again.
        let status = if self.head.is_safe() { 303 } else { 307 };
        let reply = match self.posted_to(next.as_ref()).or_else(|| next.map(|next| next.to_string())) {
            Some(url) => Reply::redirect(status, url),
            None if self.wants() == Wants::Page => Reply::redirect(303, self.authenticator.next_or_home(None)),
            None => Reply::json(200, &serde_json::json!({ "refreshed": true })),
        };
        Ok(Reply { cookies, ..reply })
    }

    /// In redirect mode, returns whether the browser was posting to the log-out URL, and has been redirected to the
    /// refresh URL because it sends the refresh cookie only to this URL.
    fn is_logging_out(&self) -> bool {
        self.authenticator.refresh_mode() == RefreshMode::Redirect
            && !self.head.is_safe()
            && self.head.query("logout").is_some()
    }

    /// Ends the session that the refresh cookie belongs to, and sends the browser back to the log-out URL, where the
    /// application's own handler runs. There is no need to refresh the tokens of a session that ends.
    async fn log_out_and_go_back(&self) -> Result<Reply, Failure> {
        let cookies = self.log_out().await?;
        let logout = self.authenticator.urls().logout_path();
        Ok(Reply { cookies, ..Reply::redirect(307, format!("{logout}?{BACK}=1")) })
    }

    /// In redirect mode, returns whether the browser already refreshed a bound session before it followed the redirect
    /// to the refresh URL. If so, there is nothing left to refresh.
    ///
    /// In the other modes, browsers are not redirected to the refresh URL, so this method returns `false`. If a client
    /// then tries to refresh a bound session without a proof, the refresh is refused.
    async fn has_proven_session(&self) -> bool {
        if self.authenticator.refresh_mode() != RefreshMode::Redirect {
            return false;
        }
        match self.authenticator.cookie_token(&self.head, TokenKind::Access) {
            Ok(Some(TokenVerdict::Valid(token))) if token.claims().proven_at.is_some() => {
                self.verifier().check_session(&token).await.is_ok()
            }
            _ => false,
        }
    }

    /// If the browser was posting a password to the re-authentication page, or was opening the page that asks whether to
    /// log out, when it was redirected to the refresh URL, returns that URL. Its `next` is the page to show afterward.
    fn posted_to(&self, next: Option<&NextPath>) -> Option<String> {
        let routes = self.authenticator.settings().urls.posted_again();
        let (_, url) = routes.into_iter().find(|(name, _)| self.head.query(name).is_some())?;
        Some(next.map_or_else(|| url.to_owned(), |next| next.append_to(url)))
    }

    fn follows_foreign_link(&self, failure: &Failure) -> bool {
        self.head.is_safe() && self.wants() == Wants::Page && failure.reason().kind() == FailureKind::Csrf
    }

    /// Returns whether a failed refresh redirects the browser back to the page `next`, which then treats the user as a
    /// visitor.
    ///
    /// When the page `next` redirects a browser to the refresh URL, the page also deletes the access cookie. If the
    /// browser still sends the access cookie, this method returns `false`, because otherwise the page and the refresh
    /// URL would redirect the browser in an endless loop.
    fn returns_without_user(&self, failure: &Failure) -> bool {
        let kind = failure.reason().kind();
        let is_dead = kind.unsets_cookies() || kind == FailureKind::Missing;
        let access = self.authenticator.cookie_token(&self.head, TokenKind::Access);
        is_dead
            && self.wants() == Wants::Page
            && self.is_from_public_page()
            && self.query_next().is_some()
            && matches!(access, Ok(None))
    }

    fn is_from_public_page(&self) -> bool {
        self.head.query("public").as_deref() == Some("1")
    }

    fn ask_again(&self) -> Reply {
        let refresh = &self.authenticator.settings().urls.refresh;
        let again = match self.query_next() {
            None => refresh.clone(),
            Some(next) if self.is_from_public_page() => next.append_to(refresh) + "&public=1",
            Some(next) => next.append_to(refresh),
        };
        let again = again.replace('&', "&amp;");
        let page = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>One moment</title>\
             <meta http-equiv=\"refresh\" content=\"0;url={again}\">\
             <p>You followed a link from another site. <a href=\"{again}\">Continue</a>."
        );
        Reply::html(403, page).header("cache-control", NO_STORE)
    }
}
