//! The jobs of the mail worker.

use hardtack::clock::Timestamp;

use crate::activity::RequestInfo;
use crate::users::EmailAddress;

/// A reason to send an email. The worker decides whether to send one.
pub(crate) enum MailJob {
    /// A visitor asked to reset the password of the users who have confirmed this address.
    ForgotPassword { address: EmailAddress, request: RequestInfo },
    /// A user has an unconfirmed address.
    ConfirmEmail { user_id: String, at: Timestamp },
    /// A user has a new password, set by a reset link, or by a link that an operator has created.
    PasswordWasReset { user_id: String, by_operator: bool, at: Timestamp },
    /// A user has replaced a confirmed address; `old_address` gets a link that undoes it.
    EmailWasChanged {
        user_id: String,
        username: String,
        old_address: EmailAddress,
        /// The number of the change.
        email_version: i64,
        at: Timestamp,
    },
}
