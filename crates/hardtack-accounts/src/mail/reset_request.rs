//! Requests for a reset link. Anyone can make them, so they are kept in memory until it is known whose the address is.

use crate::activity::RequestInfo;
use crate::users::EmailAddress;

/// A visitor asked to reset the password of the users who have confirmed this address.
#[derive(Debug)]
pub(crate) struct ResetRequest {
    pub(crate) address: EmailAddress,
    pub(crate) request: RequestInfo,
}
