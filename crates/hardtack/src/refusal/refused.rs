//! A refused request, as the handler of a failure receives it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::{FailureKind, Reason, Reply};
use crate::config::Settings;
use crate::request::{NextPath, RequestHead, Wants};
use crate::token::VerifiedToken;

/// A refused request. A handler set with [`AuthenticatorBuilder::on`](crate::AuthenticatorBuilder::on) receives it.
#[non_exhaustive]
pub struct Refused<'a> {
    /// Why the request is refused.
    pub reason: &'a Reason,
    /// What kind of response the client wants.
    pub wants: Wants,
    /// The request.
    pub head: RequestHead<'a>,
    /// The page to return to, if the request names one.
    pub next: Option<NextPath>,
    /// The refused token, as far as it was verified: one that is expired or not fresh, whose session was ended, whose
    /// user is unknown, or whose claims were not accepted.
    pub token: Option<&'a VerifiedToken>,
    pub(crate) settings: &'a Settings,
    /// The message of Flask-JWT-Extended, if it depends on the request.
    pub(crate) detail: Option<&'a str>,
}

impl fmt::Debug for Refused<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused")
            .field("reason", &self.reason.code())
            .field("wants", &self.wants)
            .finish_non_exhaustive()
    }
}

/// The application's own replies.
pub(crate) type Handlers = HashMap<FailureKind, Arc<dyn Fn(&Refused<'_>) -> Reply + Send + Sync>>;
