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
mod tokens;
mod uncertain_write;
mod undelivered;

pub use change_claims::CheckedClaims;
pub(crate) use device_binding::{Binding, BoundRefresh};
pub(super) use undelivered::UndeliveredSessions;

use crate::cookie::SetCookies;
use crate::session::dead;
use crate::token::VerifiedToken;

/// The result of a refresh: the new access token, and the cookies to set.
pub(crate) struct Refreshed {
    pub(crate) access: VerifiedToken,
    pub(crate) cookies: SetCookies,
}
