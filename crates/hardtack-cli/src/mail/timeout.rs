//! How long sending may take.

use std::time::Duration;

/// How long sending a message may take. The site cancels sending after 30 seconds. This limit is shorter, so that its
/// error is reported: it names the mail server or the program, and the site's error does not.
pub(super) const TIMEOUT: Duration = Duration::from_secs(25);
