//! What a layer remembers of a request from its arrival to its response.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::authenticator::VerifiedToken;
use crate::cookie::SetCookies;
use crate::csrf::FormToken;

/// The layer's memory of one request. An adapter keeps it behind an `Arc` in the request's extensions.
#[derive(Debug, Default)]
pub struct Memo {
    layered: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) form: FormToken,
    pub(super) refreshed: Option<VerifiedToken>,
    pub(super) cookies: SetCookies,
    pub(super) authenticated: bool,
}

impl Memo {
    /// For a request that a layer wraps: cookies that come up can reach the response.
    pub fn layered(form: FormToken) -> Self {
        Self { layered: true, state: Mutex::new(State { form, ..State::default() }) }
    }

    /// For an extractor on its own: nothing can be refreshed in place and no form was read.
    pub fn without_layer() -> Self {
        Self::default()
    }

    pub(super) fn is_layered(&self) -> bool {
        self.layered
    }

    pub(super) fn form_token(&self) -> FormToken {
        self.state().form.clone()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
