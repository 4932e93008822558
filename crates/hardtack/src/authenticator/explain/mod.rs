//! Explains requests that were recorded during development, and header fields that were copied from a browser or a
//! response.
//!
//! `steps` derives an explanation's steps from the result of the verification. `advice` says what to change. `purpose`
//! says what the site's cookies are for, and `other_name` why a similar name is not one of theirs.

mod absence;
mod advice;
mod found;
mod other_name;
mod page;
mod pasted;
mod purpose;
mod session;
mod steps;
mod token;
mod token_steps;
mod verified;

use std::sync::Arc;

pub(crate) use found::Found;
pub(super) use page::announce;
use verified::{Origin, Verified};

use super::verify::RequestVerifier;
use super::{Authenticator, TokenVerdict};
use crate::event::Observer;
use crate::explain::{Explanation, Recorder};
use crate::jwt::TokenKind;
use crate::refusal::{FailureKind, Rejection};
use crate::request::loggable_path;
use crate::session::SessionId;
use crate::token::VerifiedToken;
use crate::token_source::Need;

/// Returns an observer that reports the events that end sessions to the recorder.
pub(super) fn observer(recorder: &Arc<Recorder>) -> Observer {
    let recorder = Arc::clone(recorder);
    Box::new(move |event| recorder.observe(event))
}

impl Authenticator {
    /// Returns whether refusals are explained: see
    /// [`AuthenticatorBuilder::explain_refusals`](crate::AuthenticatorBuilder::explain_refusals).
    #[inline]
    pub fn explains_refusals(&self) -> bool {
        self.0.recorder.is_some()
    }

    /// Returns the explanations of the latest requests (at most 20), newest first. The list is empty if
    /// [`explain_refusals`](crate::AuthenticatorBuilder::explain_refusals) was not called.
    pub fn explanations(&self) -> Vec<Explanation> {
        self.recorder().map(Recorder::explanations).unwrap_or_default()
    }

    #[inline]
    pub(super) fn recorder(&self) -> Option<&Recorder> {
        self.0.recorder.as_deref()
    }
}

impl RequestVerifier<'_> {
    /// If refusals are explained, records how the request was verified.
    #[inline]
    pub(crate) fn record(&self, need: Need, found: Found<'_>) {
        if let Some(recorder) = self.authenticator.recorder() {
            self.record_in(recorder, need, found);
        }
    }

    #[cold]
    fn record_in(&self, recorder: &Recorder, need: Need, found: Found<'_>) {
        if page::is_page(self.head.path()) {
            return;
        }
        let what = format!("{} {}", self.head.method(), loggable_path(self.head.path()));
        let explanation = Verified::new(self, need, found, Origin::Request).explain(what);
        recorder.record(self.state.record_id(|| recorder.next_id()), explanation);
    }

    /// If refusals are explained and a session may be the reason for this refusal, looks up the sessions of the
    /// request's tokens.
    pub(crate) async fn look_up_sessions(&self, result: &Result<Option<VerifiedToken>, Rejection>) {
        let (Some(recorder), Some(store)) = (self.authenticator.recorder(), self.authenticator.store()) else { return };
        match result {
            Err(rejection) if matches!(rejection.reason.kind(), FailureKind::Revoked | FailureKind::Expired) => {}
            _ => return,
        }
        for kind in [TokenKind::Access, TokenKind::Refresh] {
            let token = self.authenticator.cookie_token(&self.head, kind).ok().flatten().map(TokenVerdict::any_age);
            let session: Option<SessionId> = token.and_then(|token| token.session());
            // If the store fails, the explanation omits what a look-up would have found.
            if let Some(id) = session
                && let Ok(row) = store.find(id).await
            {
                recorder.looked_up(id, row);
            }
        }
    }
}
