//! The measured code: an authenticator, a logged-in browser with its request, and the routers that handle it.

mod authenticator;
mod ended;
mod hmac;
mod router;
mod user;
mod visitor;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

pub use authenticator::{SITE, binding, generated, hs256_keys, stored, stored_without_cache, without_cache};
pub use ended::EndedSessions;
pub use hmac::Hmac;
pub use router::{Call, bare, get, guarded, layered};
pub use user::{bind, user, visit};
pub use visitor::{SUBJECT, Visitor};

/// The reason why a figure could not be measured.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Polls a future once, and returns its value if it is ready.
pub fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
