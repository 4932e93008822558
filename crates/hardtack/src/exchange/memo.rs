//! What a layer remembers of a request from its arrival to its response.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::Peeked;
use crate::authenticator::{Authenticator, VerifiedToken};
use crate::cookie::SetCookies;

/// The layer's memory of one request, and the engine that the request is for. An adapter keeps it behind
/// an `Arc` in the request's extensions.
///
/// It is small, as each request has one: what few requests have is in a box.
#[derive(Debug)]
pub struct Memo {
    engine: Authenticator,
    layered: bool,
    authenticated: AtomicBool,
    body: Option<Box<Peeked>>,
    refreshed: OnceLock<VerifiedToken>,
    owed: OnceLock<Box<Mutex<SetCookies>>>,
}

impl Memo {
    /// For a request that a layer wraps: cookies that come up can reach the response.
    #[inline]
    pub fn layered(engine: Authenticator, body: impl Into<Peeked>) -> Self {
        let body = match body.into() {
            Peeked::Nothing => None,
            peeked => Some(Box::new(peeked)),
        };
        Self { layered: true, body, ..Self::without_layer(engine) }
    }

    /// For an extractor on its own: nothing can be refreshed in place and no body was read.
    #[inline]
    pub fn without_layer(engine: Authenticator) -> Self {
        Self {
            engine,
            layered: false,
            authenticated: AtomicBool::new(false),
            body: None,
            refreshed: OnceLock::new(),
            owed: OnceLock::new(),
        }
    }

    /// The engine.
    #[inline]
    pub fn engine(&self) -> &Authenticator {
        &self.engine
    }

    #[inline]
    pub(super) fn is_layered(&self) -> bool {
        self.layered
    }

    /// What was read of the body before the handler.
    #[inline]
    pub(super) fn body(&self) -> &Peeked {
        self.body.as_deref().unwrap_or(&Peeked::Nothing)
    }

    /// Notes that somebody was recognised: what is answered is for their eyes.
    #[inline]
    pub(super) fn note_authenticated(&self) {
        self.authenticated.store(true, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn is_authenticated(&self) -> bool {
        self.authenticated.load(Ordering::Relaxed)
    }

    /// Notes the token that acts for the rest of this request, and the cookies that its client is owed.
    pub(super) fn note_refreshed(&self, token: VerifiedToken, cookies: SetCookies) {
        *self.cookies() = cookies;
        // Of two that refresh side by side, the first token is as good as the second.
        let _ = self.refreshed.set(token);
    }

    /// The access token that acts in place of the one that came, if there is one.
    #[inline]
    pub(super) fn refreshed(&self) -> Option<&VerifiedToken> {
        self.refreshed.get()
    }

    /// The cookies that the response is to carry.
    pub(super) fn cookies(&self) -> MutexGuard<'_, SetCookies> {
        self.owed.get_or_init(Box::default).lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same for the response itself, which carries them once.
    pub(super) fn take_cookies(&self) -> SetCookies {
        if self.owes_cookies() { std::mem::take(&mut *self.cookies()) } else { SetCookies::default() }
    }

    /// Whether there may be any.
    #[inline]
    pub(super) fn owes_cookies(&self) -> bool {
        self.owed.get().is_some()
    }
}
