//! Requests for a reset link. Anyone can make such requests, so they are kept in memory, not in the database, until the
//! users with the address have been looked up.

use crate::activity::RequestInfo;
use crate::users::EmailAddress;

/// A visitor asked to reset the password of the users who have confirmed this address.
#[derive(Debug)]
pub(crate) struct ResetRequest {
    pub(crate) address: EmailAddress,
    pub(crate) request: RequestInfo,
}
