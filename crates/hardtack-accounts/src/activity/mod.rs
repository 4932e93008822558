//! The record of what happened to an account, shown to its user: log-ins, log-outs, changes, and where each
//! came from.
//!
//! Refreshes are not recorded because they happen every few minutes. Neither is the end of a session that a new
//! log-in in the same browser replaced.

mod kind;
mod recorder;
mod request_info;
mod store;

pub(crate) use kind::ActivityKind;
pub(crate) use recorder::Recorder;
pub(crate) use request_info::RequestInfo;
pub(crate) use store::{Activity, ActivityStore, MAX_FAILED_LOG_INS};
