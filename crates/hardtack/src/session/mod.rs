//! Stored sessions, with one row for each log-in. A row is rotated only if it still has the expected generation
//! (compare-and-swap).

mod changed_claims;
mod cursor;
mod ended;
mod id;
mod lookup;
mod memory;
mod pending;
mod policy;
mod refresh_check;
mod refresh_flaw;
mod row;
mod rules;
mod store;

pub use changed_claims::ChangedClaims;
pub use cursor::{ParseSessionCursorError, SessionCursor, SessionsPage};
pub use ended::EndedSessions;
pub(crate) use ended::Ending;
pub use id::{ParseSessionIdError, SessionId};
pub use lookup::{SessionLookup, SessionOver};
pub use memory::MemorySessions;
pub(crate) use pending::ErasedPendingRevocations;
pub use pending::{PendingRevocation, PendingRevocations};
pub use policy::SessionPolicy;
pub(crate) use refresh_check::{Presented, RefreshVerdict};
pub use refresh_flaw::RefreshFlaw;
pub use row::Session;
pub(crate) use rules::SessionRules;
pub(crate) use store::ErasedStore;
pub use store::{Revocation, RevocationKind, RevocationPage, RevokeTarget, Rotation, SessionStore, StoreAbility};
