//! Stored sessions: one row for each log-in, rotated by compare-and-swap.

mod id;
mod memory;
mod policy;
mod refresh_check;
mod refresh_flaw;
mod row;
mod rules;
mod store;

pub use id::{ParseSessionIdError, SessionId};
pub use memory::MemorySessions;
pub use policy::SessionPolicy;
pub(crate) use refresh_check::RefreshVerdict;
pub use refresh_flaw::RefreshFlaw;
pub use row::Session;
pub(crate) use rules::SessionRules;
pub(crate) use store::ErasedStore;
pub use store::{Revocation, RevocationKind, RevocationPage, RevokeTarget, Rotation, SessionStore};
