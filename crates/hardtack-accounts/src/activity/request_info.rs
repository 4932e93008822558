//! The client behind a recorded activity.

use hardtack::clock::Timestamp;

/// When a request arrived, from which address and which browser.
#[derive(Clone, Debug)]
pub(crate) struct RequestInfo {
    pub(crate) at: Timestamp,
    pub(crate) address: Option<String>,
    pub(crate) user_agent: Option<String>,
}
