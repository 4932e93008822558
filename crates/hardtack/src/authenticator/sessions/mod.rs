//! Sessions: log-in, refresh, changed claims, revocation, and the revocation log.

mod advance;
mod change_claims;
mod device_binding;
mod finish_ending;
mod follow_log;
mod login;
mod lost_reply;
mod lost_sessions;
mod prune;
mod refresh;
mod revoke;
mod sooner;
mod tokens;
mod uncertain_write;
mod undelivered;
mod undelivered_list;

pub use change_claims::CheckedClaims;
pub(crate) use device_binding::{Binding, BoundRefresh};
pub(super) use undelivered_list::UndeliveredSessions;

use crate::cookie::SetCookies;
use crate::refusal::Reason;
use crate::session::Session;
use crate::token::VerifiedToken;

/// The result of a refresh: the new access token, and the cookies to set.
pub(crate) struct Refreshed {
    pub(crate) access: VerifiedToken,
    pub(crate) cookies: SetCookies,
}

/// Returns the reason why a session that is not live is refused.
fn dead(row: &Session) -> Reason {
    if row.replaced { Reason::Replaced } else { Reason::Revoked }
}
