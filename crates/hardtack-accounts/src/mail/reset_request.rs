//! Requests for a reset link. Anyone can make such requests, so they stay in memory at first. They reach the database
//! only after the users with the address have been looked up.
//!
//! Neither the response nor any later response may reveal whether an address belongs to a user (ASVS 5.0 V6.3.8):
//!
//! 1. For every address, the request only adds an item to a queue.
//! 2. A background task looks up the users after a random delay, and then handles all requests that have arrived in the
//!    meantime. A client therefore cannot tell which response this work delays.
//! 3. A request that triggers no email also adds a job to the table of emails. This job runs the same statements as
//!    other jobs, but sends nothing. Only a few requests an hour trigger an email, because emails are limited.

use crate::activity::RequestInfo;
use crate::users::EmailAddress;

/// A visitor's request to reset the password of the users who have confirmed this address.
#[derive(Debug)]
pub(crate) struct ResetRequest {
    pub(crate) address: EmailAddress,
    pub(crate) request: RequestInfo,
}
