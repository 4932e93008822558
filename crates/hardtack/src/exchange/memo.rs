//! What a layer remembers of a request from its arrival to its response.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

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
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) refreshed: Option<VerifiedToken>,
    pub(super) cookies: SetCookies,
}

impl Memo {
    /// For a request that a layer wraps: cookies that come up can reach the response.
    pub fn layered(engine: Authenticator, body: impl Into<Peeked>) -> Self {
        let authenticated = AtomicBool::new(false);
        Self { engine, layered: true, body: body.into(), authenticated, state: Mutex::default() }
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

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
