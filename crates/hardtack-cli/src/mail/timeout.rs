//! How long sending a message may take.

use std::time::Duration;

/// How long sending a message may take. The site itself cancels sending after 30 seconds, but its error does not name
/// the mail server or the program. This limit is shorter, so that an error that names one of them comes first.
pub(super) const TIMEOUT: Duration = Duration::from_secs(25);
