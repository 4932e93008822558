//! The refusal of a request, with the reply to the client.

use std::fmt;

use super::{NO_STORE, Reason, Reply};
use crate::error::BackendError;
use crate::throttle::TooManyAttempts;

/// A refused request: the reason for the refusal, and the reply to the client. Each adapter turns a `Failure` into an
/// error response of its own framework.
pub struct Failure(Box<Parts>);

struct Parts {
    reason: Reason,
    reply: Reply,
}

impl Failure {
    /// Creates a failure. The caller has logged the reason.
    pub(crate) fn new(reason: Reason, reply: Reply) -> Self {
        Self(Box::new(Parts { reason, reply }))
    }

    /// Creates a failure whose reply is plain text, for code that runs outside a request.
    ///
    /// Code that handles a request should call [`Exchange::refuse`](crate::adapter::Exchange::refuse) instead. That
    /// method creates a reply in the format that the client wants, such as a page for a browser.
    ///
    /// ```
    /// use hardtack::Failure;
    /// use hardtack::refusal::Reason;
    ///
    /// let failure = Failure::outside(Reason::NotSetUp("no layer wraps this route".into()));
    /// assert_eq!(failure.reply().status, 500);
    /// ```
    pub fn outside(reason: impl Into<Reason>) -> Self {
        let reason = reason.into();
        let reply = Reply::text(reason.status(), reason.advice()).header("cache-control", NO_STORE);
        let reply = reply.retry_after(&reason);
        reason.log_outside();
        Self::new(reason, reply)
    }

    /// Returns why the request was refused, for logs and tests.
    pub fn reason(&self) -> &Reason {
        &self.0.reason
    }

    /// Returns the reply to the client.
    pub fn reply(&self) -> &Reply {
        &self.0.reply
    }

    /// Consumes the failure and returns the reply.
    pub fn into_reply(self) -> Reply {
        self.0.reply
    }
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        Self::outside(error)
    }
}

impl From<TooManyAttempts> for Failure {
    fn from(refused: TooManyAttempts) -> Self {
        Self::outside(refused)
    }
}

crate::__debug_as_sentence!(Failure);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.reason.fmt(f)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // Do not return the reason itself as the cause, because this error's text is already the reason's text.
        self.0.reason.source()
    }
}
