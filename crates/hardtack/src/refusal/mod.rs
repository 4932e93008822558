//! Why a request is refused, and what its client gets.
//!
//! A [`Reason`] says what is wrong, in the detail that a log needs. Its [`FailureKind`] is what an application can
//! reply to in its own way. A [`Failure`] joins the reason with the [`Reply`] for the client.

mod default_reply;
mod failure;
mod kind;
mod reason;
mod refused;
mod rejection;
mod reply;

pub(crate) use default_reply::flask;
pub use failure::Failure;
pub use kind::FailureKind;
pub use reason::Reason;
pub(crate) use refused::Handlers;
pub use refused::Refused;
pub(crate) use rejection::Rejection;
pub use reply::{NO_STORE, Reply};
