//! Tools for tests:
//! - users and browsers, for testing an application's routes;
//! - a clock that a test can advance and set;
//! - a request type that needs no web framework;
//! - session stores that a test can cause to fail, on every call or on a single call;
//! - the conformance suites for session stores and throttle stores.
//!
//! To test an application, use the `testing` module of the adapter's crate. Its test browsers create requests in the
//! type that the framework itself uses.

mod browser;
mod clock;
mod device;
mod failing_sessions;
mod faulty_sessions;
mod forward;
mod jar;
mod request;
mod store_conformance;
mod throttle_conformance;
mod user;

pub use crate::cookie::StoredCookie;
pub use browser::{Framework, NoFramework, SetCookieFields, TestBrowser};
pub use clock::TestClock;
pub use device::TestDevice;
pub use failing_sessions::FailingSessions;
pub use faulty_sessions::{Fault, FaultySessions, PausedCall};
pub use jar::CookieJar;
pub use request::{TestRequest, TestRequestParts};
pub use store_conformance::store_conformance;
pub use throttle_conformance::throttle_conformance;
pub use user::TestUser;

use crate::clock::Timestamp;
use crate::session::{Session, SessionRules};

/// Returns a new session for `subject` that begins at `now` and has the default lifetimes.
pub fn session(subject: &str, now: Timestamp) -> Session {
    Session::begin(subject, now, &SessionRules::default())
}
