//! How long sending may take.

use std::time::Duration;

/// How long sending a message may take. The site gives up after 30 seconds. This limit is shorter, because the errors
/// here say more than the site's.
pub(super) const TIMEOUT: Duration = Duration::from_secs(25);
