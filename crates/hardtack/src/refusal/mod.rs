//! Why a request is refused, and the reply to the client.
//!
//! A [`Reason`] says what is wrong, in as much detail as a log needs. Each reason belongs to a [`FailureKind`], for
//! which an application can set its own reply. A [`Failure`] contains the reason and the [`Reply`] to the client.

mod default_reply;
mod failure;
mod kind;
mod log;
mod log_in_refusal;
mod reason;
mod refused;
mod rejection;
mod reply;

pub(crate) use default_reply::flask;
pub use failure::Failure;
pub use kind::FailureKind;
pub(crate) use log::RefusalLog;
pub use log_in_refusal::LogInRefusal;
pub use reason::Reason;
pub(crate) use refused::Handlers;
pub use refused::Refused;
pub(crate) use rejection::Rejection;
pub use reply::{NO_STORE, Reply};
