//! Log-ins that a server keeps: one row each, rotated by compare-and-swap.

mod id;
mod log;
mod marks;
mod memory;
mod position;
mod revocations;
mod row;
mod rules;
mod store;
mod sync;
#[cfg(test)]
mod tests;

pub use id::{ParseSessionIdError, SessionId};
pub(crate) use log::{LogReader, Turn};
pub use memory::MemorySessions;
pub(crate) use position::LogPosition;
pub(crate) use revocations::{Notes, Revocations, Standing};
pub use row::Session;
pub use rules::{Judgement, SessionRules};
pub(crate) use store::ErasedStore;
pub use store::{Ends, Revocation, RevocationPage, Revoked, Rotation, SessionStore, StoreError};
