//! Tools for tests: a clock that tests advance, a request without a framework, session stores that can fail entirely or
//! in a single call, and the conformance suites of session stores and throttle stores.

mod clock;
mod device;
mod failing_sessions;
mod faulty_sessions;
mod request;
mod store_conformance;
mod throttle_conformance;

pub use clock::TestClock;
pub use device::TestDevice;
pub use failing_sessions::FailingSessions;
pub use faulty_sessions::{Fault, FaultySessions};
pub use request::TestRequest;
pub use store_conformance::store_conformance;
pub use throttle_conformance::throttle_conformance;

use crate::clock::Timestamp;
use crate::session::{Session, SessionRules};

/// Returns a new session of `subject` that begins at `now`, with the default lifetimes.
pub fn session(subject: &str, now: Timestamp) -> Session {
    Session::begin(subject, now, &SessionRules::default())
}
