//! A clock that can be cloned. All clones use the same underlying clock.

use std::fmt;
use std::sync::Arc;

use hardtack::clock::{Clock, SystemClock, Timestamp};

#[derive(Clone)]
pub(super) struct SharedClock(Arc<dyn Clock>);

impl SharedClock {
    pub(super) fn new(clock: impl Clock) -> Self {
        Self(Arc::new(clock))
    }

    pub(super) fn now(&self) -> Timestamp {
        self.0.now()
    }
}

impl Default for SharedClock {
    fn default() -> Self {
        Self::new(SystemClock)
    }
}

impl fmt::Debug for SharedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedClock")
    }
}
