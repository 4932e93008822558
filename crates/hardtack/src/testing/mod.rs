//! For tests: a clock that a test sets, a request without a framework, a session store that fails on demand, and the
//! conformance suite for session stores.

mod clock;
mod failing_sessions;
mod request;
mod store_conformance;

pub use clock::TestClock;
pub use failing_sessions::FailingSessions;
pub use request::TestRequest;
pub use store_conformance::store_conformance;
