//! What happened to somebody's account, for themselves to see: who logged in, from where, what was changed.
//!
//! Refreshes are left out, as they come by the minute; so are sessions that the same browser replaced.

mod kind;
mod recorder;
mod source;
mod store;

pub(crate) use kind::Kind;
pub(crate) use recorder::Recorder;
pub(crate) use source::Source;
pub(crate) use store::{Activity, ActivityStore};
