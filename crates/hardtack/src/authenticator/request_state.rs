//! The state that the adapter's layer keeps for a request, from its arrival to its response.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::Authenticator;
use super::setup_notices::LogInPage;
use crate::body::Peeked;
use crate::cookie::{CookieSlot, SetCookies};
use crate::token::VerifiedToken;
use crate::token_source::TokenLocation;

/// The state of one request, from its arrival to its response. An adapter keeps this state behind an `Arc` in the
/// request's extensions.
///
/// Every request allocates a `RequestState`. To keep it small, fields that few requests need are boxed.
#[derive(Debug)]
pub struct RequestState {
    authenticator: Authenticator,
    in_layer: bool,
    authenticated: AtomicBool,
    /// Whether the head of the response is complete. The body might still be streaming.
    head_sent: AtomicBool,
    /// Whether the request is authenticated by a token that was not in a cookie.
    is_bearer: AtomicBool,
    /// Whether the response depends on whether the request has a token.
    varies: AtomicBool,
    /// Whether the layer lets extractors read the beginning of the body.
    keeps_body: bool,
    /// The id of the request's explanation, or zero if the request has none.
    record_id: AtomicU16,
    body: OnceLock<Box<Peeked>>,
    refreshed: OnceLock<VerifiedToken>,
    pending_cookies: OnceLock<Box<Mutex<SetCookies>>>,
    external: OnceLock<Box<FinishedExternal>>,
    /// The page of the log-in flow that the request asks for. This field is set only if an earlier refusal might have
    /// redirected a browser to this page. If the response is 404, the page does not exist, and a warning is logged.
    log_in_page: OnceLock<LogInPage>,
}

/// The state of a request that has finished a log-in at another site.
#[derive(Debug)]
struct FinishedExternal {
    /// The `Set-Cookie` value that deletes the cookie that holds the log-in's state.
    deletion: Mutex<SetCookies>,
    /// Whether the user has been logged in.
    is_taken: AtomicBool,
}

/// What the adapter's layer adds to a response.
#[derive(Debug, Default)]
#[must_use = "the response must get these cookies and headers"]
pub struct ResponseChanges {
    /// `Set-Cookie` fields to append.
    pub cookies: SetCookies,
    /// Whether the response is for one user only. If so, no cache is allowed to store it (ASVS 5.0 V14.3.2). Replace
    /// the response's `Cache-Control` fields with [`NO_STORE`](crate::refusal::NO_STORE).
    pub private: bool,
    /// The names of the request fields that the response depends on.
    vary: Option<Cow<'static, str>>,
}

impl ResponseChanges {
    /// Returns a `Vary` value to append to the response, or `None` if `fields`, the response's `Vary` values so far,
    /// are already complete. If `Vary` were incomplete, a cache could show a logged-in user the page that it has stored
    /// for visitors (RFC 9110 section 12.5.5).
    pub fn missing_vary<'r>(&self, fields: impl IntoIterator<Item = &'r [u8]>) -> Option<&str> {
        let vary = self.vary.as_deref()?;
        let present: Vec<&[u8]> =
            fields.into_iter().flat_map(|field| field.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii).collect();
        let covers = |name: &str| present.iter().any(|own| *own == b"*" || own.eq_ignore_ascii_case(name.as_bytes()));
        if vary.split(", ").all(covers) { None } else { Some(vary) }
    }
}

impl Authenticator {
    /// Returns whether [`Self::may_read_body`] can return `true` for a request. This depends on `is_safe`, which says
    /// whether the request's method is safe (RFC 9110 section 9.2.1). An adapter calls this method first, because it is
    /// cheap and rules out most requests.
    #[inline]
    pub fn method_may_need_body(&self, is_safe: bool) -> bool {
        if is_safe { self.0.fast_path.peeks_safe_methods } else { self.0.fast_path.peeks_unsafe_methods }
    }
}

impl RequestState {
    /// Creates the state of a request that passes through the adapter's layer. The layer can add cookies to the
    /// response.
    #[inline]
    pub fn in_layer(authenticator: Authenticator, body: Peeked) -> Self {
        let state = Self { in_layer: true, ..Self::without_layer(authenticator) };
        if !body.is_unread() {
            state.set_body(body);
        }
        state
    }

    /// Records that the layer makes the body available to extractors.
    #[must_use]
    pub fn keeping_body(mut self) -> Self {
        self.keeps_body = true;
        self
    }

    /// Returns whether the beginning of the body can still be read. If so, an extractor calls
    /// [`Exchange::body_peek`](crate::adapter::Exchange::body_peek) before it verifies the request.
    #[inline]
    pub fn has_unread_body(&self) -> bool {
        self.keeps_body && self.body.get().is_none()
    }

    /// Stores what was found at the beginning of the body.
    pub fn set_body(&self, body: Peeked) {
        // If the body has already been set, keep the first result.
        let _ = self.body.set(Box::new(body));
    }

    /// Creates the state of a request that does not pass through the layer. Such a request cannot refresh its tokens,
    /// and its body is not read.
    #[inline]
    pub fn without_layer(authenticator: Authenticator) -> Self {
        Self {
            authenticator,
            in_layer: false,
            authenticated: AtomicBool::new(false),
            head_sent: AtomicBool::new(false),
            is_bearer: AtomicBool::new(false),
            varies: AtomicBool::new(false),
            keeps_body: false,
            record_id: AtomicU16::new(0),
            body: OnceLock::new(),
            refreshed: OnceLock::new(),
            pending_cookies: OnceLock::new(),
            external: OnceLock::new(),
            log_in_page: OnceLock::new(),
        }
    }

    /// Returns the authenticator that handles the request.
    #[inline]
    pub fn authenticator(&self) -> &Authenticator {
        &self.authenticator
    }

    /// Returns whether the adapter's layer wraps the route.
    pub(crate) fn is_in_layer(&self) -> bool {
        self.in_layer
    }

    /// Returns the id of the request's explanation. If there is no id yet, stores the result of `next` as the id.
    pub(crate) fn record_id(&self, next: impl FnOnce() -> u16) -> u16 {
        match self.record_id.load(Ordering::Relaxed) {
            0 => {
                let id = next();
                self.record_id.store(id, Ordering::Relaxed);
                id
            }
            id => id,
        }
    }

    /// Returns whether this request can refresh its tokens. Three conditions must hold: a layer adds the cookies to the
    /// response, the head of the response has not been sent yet, and the request has not already refreshed its tokens.
    #[inline]
    pub(crate) fn can_refresh(&self) -> bool {
        self.in_layer && !self.is_head_sent() && self.refreshed().is_none()
    }

    /// Records that the head of the response can no longer be changed. From then on, the request does not refresh its
    /// tokens, because the response could not carry the new cookies.
    ///
    /// [`finish`](Self::finish) calls this method. An adapter also calls it if the client disconnects and the handler
    /// is cancelled, because a task that the handler has spawned may still use the state.
    #[inline]
    pub fn close_head(&self) {
        self.head_sent.store(true, Ordering::Release);
    }

    /// Whether it is too late to add a cookie to the response.
    #[inline]
    pub(crate) fn is_head_sent(&self) -> bool {
        self.head_sent.load(Ordering::Acquire)
    }

    /// Returns what was found in the body before the handler ran, or `None` if the body was not read.
    #[inline]
    pub(crate) fn body(&self) -> Option<&Peeked> {
        self.body.get().map(|body| &**body)
    }

    /// Records that the request is authenticated, so that its response is private.
    #[inline]
    pub(crate) fn set_authenticated(&self) {
        self.authenticated.store(true, Ordering::Relaxed);
    }

    /// Records that the request is authenticated by a token that was not in a cookie.
    pub(crate) fn set_bearer(&self) {
        self.is_bearer.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_bearer(&self) -> bool {
        self.is_bearer.load(Ordering::Relaxed)
    }

    /// Records that the response depends on whether the request has a token.
    #[inline]
    pub(crate) fn set_varies(&self) {
        self.varies.store(true, Ordering::Relaxed);
    }

    #[inline]
    fn vary(&self) -> Option<Cow<'static, str>> {
        if self.varies.load(Ordering::Relaxed) { Some(self.varying_fields()) } else { None }
    }

    #[cold]
    fn varying_fields(&self) -> Cow<'static, str> {
        let sources = &self.authenticator.settings().sources;
        match (sources.may_be_in(TokenLocation::Cookies), sources.may_be_in(TokenLocation::Headers)) {
            (_, false) => "Cookie".into(),
            (true, true) => format!("Cookie, {}", sources.header_name).into(),
            (false, true) => sources.header_name.clone().into(),
        }
    }

    #[inline]
    fn is_authenticated(&self) -> bool {
        self.authenticated.load(Ordering::Relaxed)
    }

    /// Stores the token to use for the rest of the request, and the cookies to add to the response.
    pub(crate) fn set_refreshed(&self, token: VerifiedToken, cookies: SetCookies) {
        self.set_cookies(cookies);
        // If two extractors refresh concurrently, both tokens are valid, so keep the first.
        let _ = self.refreshed.set(token);
    }

    /// Returns the access token to use for the rest of the request, if this request has refreshed its tokens.
    #[inline]
    pub(crate) fn refreshed(&self) -> Option<&VerifiedToken> {
        self.refreshed.get()
    }

    /// Replaces the cookies that the layer will add to the response.
    pub(crate) fn set_cookies(&self, cookies: SetCookies) {
        *self.lock_cookies() = cookies;
    }

    /// Checks whether an earlier refusal redirected a browser to the page that this request asks for. If so, records
    /// the page. An adapter's layer calls this method for each request. `path` returns the request's path. It is called
    /// only while such a request is expected.
    #[inline]
    pub fn note_path<'p>(&self, path: impl FnOnce() -> &'p str) {
        let notices = self.authenticator.setup_notices();
        if notices.awaits_page()
            && let Some(page) = notices.awaited_page(path(), self.authenticator.settings())
        {
            let _ = self.log_in_page.set(page);
        }
    }

    /// If [`Self::note_path`] has recorded a page, logs a warning that the page does not exist. The warning is logged
    /// only once for each page. An adapter's layer calls this method if the response has the status 404.
    #[cold]
    pub fn notice_not_found(&self) {
        if let Some(page) = self.log_in_page.get() {
            self.authenticator.setup_notices().notice_missing_page(*page, self.authenticator.settings());
        }
    }

    /// Records that the request has finished a log-in at another site. The response then deletes the cookie that holds
    /// the state of that log-in.
    pub(crate) fn finish_external(&self, deletion: SetCookies) {
        let finished = FinishedExternal { deletion: Mutex::new(deletion), is_taken: AtomicBool::new(false) };
        // An application should not finish two log-ins in one request. If it does, the second log-in's state cookie is
        // not deleted, but expires after a few minutes.
        let _ = self.external.set(Box::new(finished));
    }

    /// Returns `true` on the first call after the request has finished a log-in at another site. The caller is then
    /// allowed to log the user in. On any other call, returns `false`.
    pub(crate) fn take_finished_external(&self) -> bool {
        self.external.get().is_some_and(|finished| !finished.is_taken.swap(true, Ordering::Relaxed))
    }

    fn lock_cookies(&self) -> MutexGuard<'_, SetCookies> {
        self.pending_cookies.get_or_init(Box::default).lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides what the layer adds to the head of a response. Call this method after the handler has returned. From
    /// then on, the request's tokens are no longer refreshed.
    ///
    /// `set_cookies` are the `Set-Cookie` values that the response already has. In most cases, this method does not
    /// read them. If the handler itself has set or deleted tokens, this method leaves out the cookies from a refresh,
    /// because they could undo a log-out. It also leaves them out if the session has ended since the refresh, because
    /// the browser may already have the cookies of a new session.
    #[inline]
    pub fn finish<'r>(&self, set_cookies: impl IntoIterator<Item = &'r [u8]>) -> ResponseChanges {
        self.close_head();
        // Usually, the response is private no matter which cookies it sets, so there is no need to read them.
        if self.is_authenticated() && self.pending_cookies.get().is_none() && self.external.get().is_none() {
            return ResponseChanges { cookies: SetCookies::default(), private: true, vary: self.vary() };
        }
        self.finish_with_cookies(&mut set_cookies.into_iter())
    }

    /// Returns whether, as far as this process knows, the session has ended since this request refreshed it.
    fn has_lost_session(&self) -> bool {
        let session = self.refreshed().and_then(VerifiedToken::session);
        session.is_some_and(|id| self.authenticator.is_known_to_have_ended(id))
    }

    fn finish_with_cookies(&self, set_cookies: &mut dyn Iterator<Item = &[u8]>) -> ResponseChanges {
        let policy = self.authenticator.cookies();
        let log_in_state = policy.log_in_state.name.as_str().as_bytes();
        let names = |value: &[u8], slot: &CookieSlot| {
            value.strip_prefix(slot.name.as_str().as_bytes()).is_some_and(|rest| rest.starts_with(b"="))
        };
        let (mut tokens_set, mut any_set) = (false, false);
        for value in set_cookies {
            tokens_set |= names(value, &policy.access) || names(value, &policy.refresh);
            any_set |= policy.slots().iter().any(|slot| names(value, slot)) || value.starts_with(log_in_state);
        }
        // Take the cookies out, so that they are sent only once.
        let pending = match self.pending_cookies.get() {
            Some(_) => std::mem::take(&mut *self.lock_cookies()),
            None => SetCookies::default(),
        };
        let mut cookies = if tokens_set || self.has_lost_session() { SetCookies::default() } else { pending };
        if let Some(finished) = self.external.get() {
            cookies.extend(std::mem::take(&mut *finished.deletion.lock().unwrap_or_else(PoisonError::into_inner)));
        }
        let private = self.is_authenticated() || any_set || !cookies.is_empty();
        ResponseChanges { cookies, private, vary: self.vary() }
    }
}
