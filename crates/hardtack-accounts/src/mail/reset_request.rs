//! Requests for a reset link. Anyone can make such requests, so each one stays in memory at first. Nothing is written
//! to the database until the users with the requested address have been looked up.
//!
//! Neither the response nor any later response may reveal whether an address belongs to a user (ASVS 5.0 V6.3.8):
//!
//! 1. The request only adds an item to a queue, whether or not the address belongs to a user.
//! 2. After a random delay, a background task handles all requests that have arrived in the meantime, and looks up the
//!    users. This work can slow down other responses, but a client cannot tell which ones.
//! 3. A request that does not trigger an email still adds a job to the table of emails. This job runs the same SQL
//!    statements as a job that sends an email, but sends nothing. Because emails are limited, only a few requests an
//!    hour trigger an email.

use crate::activity::RequestInfo;
use crate::users::EmailAddress;

/// A visitor's request to reset the passwords of the users who have confirmed this address.
#[derive(Debug)]
pub(crate) struct ResetRequest {
    pub(crate) address: EmailAddress,
    pub(crate) request: RequestInfo,
}
