//! A clock that tests advance.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::clock::{Clock, SystemClock, Timestamp};

/// A clock that stands still until a test advances it. Clones share the time.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    /// Creates a clock that stands at the machine's present time, so that browsers accept the cookies, and certificates
    /// are valid.
    pub fn start_now() -> Self {
        Self::start_at(SystemClock.now())
    }

    /// Creates a clock that shows the given time.
    pub fn start_at(now: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(now.unix_seconds())))
    }

    /// Advances the time.
    pub fn advance(&self, span: Duration) {
        let now = self.now() + span;
        self.0.store(now.unix_seconds(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.0.load(Ordering::SeqCst))
    }
}
