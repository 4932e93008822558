//! An account's activity: log-ins, log-outs and changes, each with the address and the browser that the request came
//! from. The user can see this list.
//!
//! Refreshes are not recorded, because they happen every few minutes. If a log-in replaces the browser's previous
//! session, the end of that session is not recorded either.

mod kind;
mod recorder;
mod request_info;
mod store;

pub(crate) use kind::ActivityKind;
pub(crate) use recorder::Recorder;
pub(crate) use request_info::RequestInfo;
pub(crate) use store::{Activity, ActivityStore, MAX_FAILED_LOG_INS};
