//! The client that caused a recorded activity.

use hardtack::clock::Timestamp;

/// When a request arrived, and from which address and browser.
#[derive(Clone, Debug)]
pub(crate) struct RequestInfo {
    pub(crate) at: Timestamp,
    pub(crate) address: Option<String>,
    pub(crate) user_agent: Option<String>,
}
