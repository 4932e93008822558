//! How long sending may take.

use std::time::Duration;

/// How long sending a message may take. The site cancels sending after 30 seconds. This limit is shorter, because its
/// error names the mail server or the program. The site's error does not name them.
pub(super) const TIMEOUT: Duration = Duration::from_secs(25);
