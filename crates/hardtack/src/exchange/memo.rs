//! What a layer remembers of a request from its arrival to its response.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::Peeked;
use crate::authenticator::{Authenticator, VerifiedToken};
use crate::cookie::SetCookies;

/// The layer's memory of one request, and the engine that the request is for. An adapter keeps it behind
/// an `Arc` in the request's extensions.
#[derive(Debug)]
pub struct Memo {
    engine: Authenticator,
    layered: bool,
    body: Peeked,
    authenticated: AtomicBool,
    refreshed: OnceLock<VerifiedToken>,
    cookies: Mutex<SetCookies>,
}

impl Memo {
    /// For a request that a layer wraps: cookies that come up can reach the response.
    pub fn layered(engine: Authenticator, body: impl Into<Peeked>) -> Self {
        Self {
            engine,
            layered: true,
            body: body.into(),
            authenticated: AtomicBool::new(false),
            refreshed: OnceLock::new(),
            cookies: Mutex::default(),
        }
    }

    /// For an extractor on its own: nothing can be refreshed in place and no body was read.
    pub fn without_layer(engine: Authenticator) -> Self {
        Self { layered: false, ..Self::layered(engine, Peeked::Nothing) }
    }

    /// The engine.
    pub fn engine(&self) -> &Authenticator {
        &self.engine
    }

    pub(super) fn is_layered(&self) -> bool {
        self.layered
    }

    /// What was read of the body before the handler.
    pub(super) fn body(&self) -> &Peeked {
        &self.body
    }

    /// Notes that somebody was recognised: what is answered is for their eyes.
    pub(super) fn note_authenticated(&self) {
        self.authenticated.store(true, Ordering::Relaxed);
    }

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
    pub(super) fn refreshed(&self) -> Option<&VerifiedToken> {
        self.refreshed.get()
    }

    /// The cookies that the response is to carry.
    pub(super) fn cookies(&self) -> MutexGuard<'_, SetCookies> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
