//! Turns the reason for a refusal into the reply for the client.

use std::borrow::Cow;

use super::Exchange;
use crate::authenticator::Found;
use crate::refusal::{Failure, FailureKind, Reason, Refused, Rejection};
use crate::request::{NextPath, Wants};
use crate::token_source::Need;

impl Exchange<'_> {
    /// Logs the reason, and returns a failure that contains the reply to the client.
    pub fn refuse(&self, reason: impl Into<Reason>) -> Failure {
        self.reject(Rejection { from_cookie: !self.state.is_bearer(), ..Rejection::from(reason) })
    }

    /// Returns a failure for a request that the logged-in user is not allowed to make. The user sees `sentence` and
    /// stays logged in.
    pub fn forbid(&self, sentence: impl Into<Cow<'static, str>>) -> Failure {
        self.refuse(Reason::Forbidden(sentence.into()))
    }

    /// Returns the failure for a rejection. If the browser might be able to prove that it has its device's key, the
    /// reply makes the browser repeat the request with a proof. Otherwise, if the application has set a reply for this
    /// kind of failure, the failure contains that reply.
    pub(super) fn reject(&self, rejection: Rejection) -> Failure {
        self.reject_for(rejection, Need::access())
    }

    /// Returns the failure for a refused request to a route that has this need.
    pub(super) fn reject_for(&self, rejection: Rejection, need: Need) -> Failure {
        self.verifier().record(need, Found::Refused(&rejection.reason));
        let Rejection { reason, from_cookie, optional, token, detail } = rejection;
        if from_cookie && let Some(reply) = self.ask_for_proof(&reason) {
            self.authenticator.log_refusal(&reason);
            return Failure::new(reason, reply);
        }
        let (kind, flask) = (reason.kind(), self.authenticator.settings().flask);
        let refused = Refused {
            reason: &reason,
            // A client that sends a token outside of cookies counts as an API client, so it is not redirected.
            wants: if from_cookie { self.wants() } else { Wants::Api },
            head: self.head,
            next: self.return_path(kind),
            settings: self.authenticator.settings(),
            is_bearer: !from_cookie,
            is_optional: optional,
            token: token.as_deref(),
            detail: detail.as_deref(),
            log: self.authenticator.refusal_log(),
            monotonic: self.authenticator.monotonic(),
        };
        let mut reply = match self.authenticator.handlers().get(&kind) {
            Some(handler) => handler(&refused),
            None => refused.default_reply(),
        };
        let notices = self.authenticator.setup_notices();
        notices.notice_refusal(&reason, &reply, &self.head, self.authenticator.settings());
        if let (Reason::LogInRefused(refusal), false) = (&reason, flask || refused.wants == Wants::Api) {
            reply.cookies.extend(self.notice_cookie(refusal, refused.form_url()));
        }
        if from_cookie && !flask && self.verifier().makes_cookies_useless(&reason) {
            let unset = self.verifier().unset_own_cookies();
            // The session was ended elsewhere. The browser is only finding out now, so clear its cache, as after a
            // log-out.
            reply.cookies.extend(unset.clearing_cache(kind == FailureKind::Revoked));
        }
        // This response deletes the access cookie. If the session is bound to a device, the browser therefore refreshes
        // the session with a proof before it sends the next request.
        if kind == FailureKind::RefreshNeeded || (from_cookie && reason.is_unproven()) {
            reply.cookies.extend(self.verifier().unset_own_access_token());
        }
        self.authenticator.log_refusal(&reason);
        Failure::new(reason, reply)
    }

    /// The page that a browser returns to after a refusal:
    ///
    /// - After a GET: the requested page.
    /// - After a POST: the page with the form (`Referer`).
    /// - After a POST that is redirected to the refresh URL: the requested URL. After the refresh, the browser posts
    ///   the form to this URL again.
    /// - After a refused log-in: the page that the user wanted to see before logging in.
    /// - For htmx, which requests parts of a page: the page in `HX-Current-URL`.
    fn return_path(&self, kind: FailureKind) -> Option<NextPath> {
        if kind == FailureKind::LogInRefused {
            return self.query_next();
        }
        let fragment = self.wants() == Wants::Htmx;
        if !fragment && (self.head.is_safe() || kind == FailureKind::RefreshNeeded) {
            // Do not return to a route of the log-in flow itself. The query of such a route might name the page to
            // return to (`next`).
            let here = self.authenticator.settings().public_path(self.head.target());
            return self.authenticator.next(&here).or_else(|| self.query_next());
        }
        let page = if fragment { self.head.header_text("hx-current-url") } else { None };
        let page = page.or_else(|| self.head.header_text("referer"))?;
        let (origin, path) = page.match_indices('/').nth(2).map(|(at, _)| page.split_at(at))?;
        let ours = match &self.authenticator.settings().base {
            Some(base) => base.is_origin(origin.as_bytes()) || base.is_loopback_origin(origin.as_bytes()),
            None => self.head.host().is_some_and(|host| origin.split("://").nth(1) == Some(host)),
        };
        if ours { self.authenticator.next(path) } else { None }
    }
}
