//! The time limit for sending a message.

use std::time::Duration;

/// The time limit for sending a message. The site itself cancels sending after 30 seconds, but its error names neither
/// the mail server nor the mail program. This limit is shorter, so that an error that does name it comes first.
pub(super) const TIMEOUT: Duration = Duration::from_secs(25);
