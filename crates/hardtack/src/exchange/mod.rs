//! One request and its response: what an adapter translates to and from.

mod arrival;
mod body;
mod carried;
mod finish;
mod memo;
mod pre_session;
mod refresh_route;
mod rejection;
mod session;
mod settle;
mod token;
mod user;

pub use body::{BodyPeek, Peeked};
pub use finish::Finish;
pub use memo::Memo;
pub use settle::{Settled, Waiting};

use rejection::Rejection;

use crate::authenticator::{Authenticator, Found, VerifiedToken};
use crate::config::RefreshMode;
use crate::csrf::{FormToken, check_origin};
use crate::event::{Client, cut_user_agent};
use crate::failure::{Failure, FailureKind, Reason, Refused};
use crate::jwt::{TokenError, TokenKind};
use crate::request::{NextPath, RequestHead, Wants};

/// One request as the engine sees it: all that a handler may ask, with every check that belongs to it.
///
/// An adapter makes one from its framework's request, and turns [`Failure`] into its response.
#[derive(Clone, Copy)]
pub struct Exchange<'a> {
    engine: &'a Authenticator,
    head: RequestHead<'a>,
    memo: &'a Memo,
}

impl<'a> Exchange<'a> {
    /// Joins a request with what its layer remembers of it.
    #[inline]
    pub fn new(head: RequestHead<'a>, memo: &'a Memo) -> Self {
        Self { engine: memo.engine(), head, memo }
    }

    /// The form in which the client wants its answer.
    pub fn wants(&self) -> Wants {
        Wants::of(self.head.headers())
    }

    /// The first value of a query parameter, percent-decoded.
    pub fn query(&self, name: &str) -> Option<String> {
        self.head.query(name)
    }

    /// The page to return to, from the query's `next`, or else home.
    pub fn next_or_home(&self) -> String {
        self.engine.next_or_home(self.head.query("next").as_deref())
    }

    /// The query's `next`, if it is a page to return to.
    fn asked_next(&self) -> Option<NextPath> {
        self.head.query("next").and_then(|next| self.engine.next(&next))
    }

    /// Turns a reason into what its client gets, and into an event for the log.
    pub fn refuse(&self, reason: impl Into<Reason>) -> Failure {
        self.reject(Rejection::from(reason))
    }

    fn reject(&self, rejection: Rejection) -> Failure {
        let Rejection { reason, carried, token, detail } = rejection;
        let (kind, flask) = (reason.kind(), self.engine.settings().flask);
        let refused = Refused {
            reason: &reason,
            // Whoever carries tokens about is a program, and is sent nowhere.
            wants: if carried { Wants::Api } else { self.wants() },
            head: self.head,
            next: self.return_path(kind),
            settings: self.engine.settings(),
            token: token.as_deref(),
            detail: detail.as_deref(),
        };
        let mut reply = match self.engine.handlers().get(&kind) {
            Some(handler) => handler(&refused),
            None => refused.default_reply(),
        };
        if !carried && !flask && self.ends_here(&reason) {
            reply.cookies.extend(self.engine.unset_jwt_cookies());
        }
        if kind == FailureKind::RefreshNeeded {
            reply.cookies.extend(self.engine.unset_access_cookies());
        }
        Failure::new(reason, reply)
    }

    /// Whether the cookies are useless after this refusal. Behind an expired access token there may be
    /// a good refresh token, which belongs to the application wherever nothing refreshes in place.
    fn ends_here(&self, reason: &Reason) -> bool {
        if matches!(reason, Reason::Token(TokenError::Expired)) && self.leaves_refreshing() {
            return matches!(self.engine.read(&self.head, TokenKind::Refresh), Ok(Found::Expired(_)));
        }
        // The browser has other cookies by now, or is about to get them.
        !matches!(reason, Reason::Replaced) && reason.kind().unsets_cookies()
    }

    /// Whether refreshing is left to the application: by its settings, or because no layer is there.
    fn leaves_refreshing(&self) -> bool {
        match self.engine.refresh_mode() {
            RefreshMode::Off => true,
            RefreshMode::Transparent => !self.memo.is_layered(),
            RefreshMode::Redirect | RefreshMode::Sliding => false,
        }
    }

    /// Where a refused client comes back to: the page it asked for, or the page with the form it
    /// posted; the posting itself only if its body travels along. htmx asks for parts of a page and
    /// says which page they are for.
    fn return_path(&self, kind: FailureKind) -> Option<NextPath> {
        let fragment = self.wants() == Wants::Htmx;
        if !fragment && (self.head.is_safe() || kind == FailureKind::RefreshNeeded) {
            // A route of the flow is no place to return to, but it may carry one.
            return self.engine.next(self.head.target()).or_else(|| self.asked_next());
        }
        let page = if fragment { self.head.header_text("hx-current-url") } else { None };
        let page = page.or_else(|| self.head.header_text("referer"))?;
        let (origin, path) = page.match_indices('/').nth(2).map(|(at, _)| page.split_at(at))?;
        let ours = self.engine.settings().base.as_ref().is_some_and(|base| base.origin() == origin)
            || self.head.host().is_some_and(|host| origin.split("://").nth(1) == Some(host));
        if ours { self.engine.next(path) } else { None }
    }

    /// Refuses requests of other sites: for whatever changes something. WebSocket handshakes count,
    /// as browsers let any site make them with the user's cookies (ASVS 5.0 V4.4.2).
    #[inline]
    fn check_origin(&self) -> Result<(), Reason> {
        if self.head.is_safe() && !self.head.is_websocket_handshake() {
            return Ok(());
        }
        Ok(check_origin(&self.head, self.engine.settings())?)
    }

    /// Refuses requests of other sites whatever their method.
    ///
    /// # Errors
    /// A [`FailureKind::Csrf`] failure.
    pub fn require_same_origin(&self) -> Result<(), Failure> {
        check_origin(&self.head, self.engine.settings()).map_err(|error| self.refuse(error))
    }

    /// Refuses changes asked for by GET (ASVS 5.0 V3.5.3).
    fn check_changing(&self) -> Result<(), Reason> {
        if self.head.is_safe() { Err(Reason::Method) } else { self.check_origin() }
    }

    /// Both CSRF layers for a request that acts with `token`.
    #[inline]
    fn check_csrf(&self, token: &VerifiedToken) -> Result<(), Reason> {
        self.check_origin()?;
        if self.engine.settings().csrf.applies_to(&self.head) {
            self.check_csrf_value(token, token.kind())?;
        }
        Ok(())
    }

    /// Who asks, for those who are told of it.
    fn client(&self) -> Client<'a> {
        let address = self.head.peer().map(|peer| peer.to_string().into());
        Client { address, user_agent: self.head.header_text("user-agent").map(cut_user_agent) }
    }

    fn form_token(&self, kind: TokenKind) -> &'a FormToken {
        self.memo.body().form_token(kind)
    }
}
