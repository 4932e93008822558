//! Why a request is refused, and what its client is told.

pub(crate) mod flask;
mod kind;
mod reason;
mod reply;

pub use kind::FailureKind;
pub use reason::{Reason, RefreshFlaw};
pub(crate) use reply::Handlers;
pub use reply::{Failure, NO_STORE, Refused, Reply};
