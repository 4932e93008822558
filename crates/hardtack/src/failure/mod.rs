//! Why a request is refused, and what its client is told.

pub(crate) mod flask;
mod kind;
mod reason;
mod reply;

pub use kind::FailureKind;
pub use reason::{Reason, RefreshFlaw};
pub use reply::{Failure, Refused, Reply};
pub(crate) use reply::{Handlers, NO_STORE};
