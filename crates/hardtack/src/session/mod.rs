//! Log-ins that a server keeps: one row each, rotated by compare-and-swap.

mod id;
mod log;
mod memory;
mod revocations;
mod row;
mod rules;
mod store;

pub use id::{ParseSessionIdError, SessionId};
pub(crate) use log::{LogPosition, Turn};
pub use memory::MemorySessions;
pub(crate) use revocations::{Notes, Revocations, Standing};
pub use row::Session;
pub use rules::{Judgement, SessionRules};
pub(crate) use store::ErasedStore;
pub use store::{Ends, Revocation, RevocationPage, Revoked, Rotation, SessionStore, StoreError};
