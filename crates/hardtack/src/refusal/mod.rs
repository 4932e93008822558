//! Why a request is refused, and what its client is told.

mod kind;
mod reason;
mod rejection;
mod reply;

pub use kind::FailureKind;
pub use reason::Reason;
pub(crate) use rejection::Rejection;
pub use reply::{Failure, NO_STORE, Refused, Reply};
pub(crate) use reply::{Handlers, flask};
