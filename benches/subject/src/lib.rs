//! What is measured: an authenticator, someone who is logged in to it, that browser's request, and what answers it.

mod authenticator;
mod ended;
mod hmac;
mod router;
mod user;
mod visitor;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

pub use authenticator::{SITE, generated, hs256_keys, stored, stored_without_cache, without_cache};
pub use ended::EndedSessions;
pub use hmac::Hmac;
pub use router::{Call, bare, get, guarded, layered};
pub use user::user;
pub use visitor::{SUBJECT, Visitor};

/// Why there is no figure.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;

/// The value of a future that has nothing to wait for.
pub fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
