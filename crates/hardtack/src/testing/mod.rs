//! Tools for tests:
//! - users and browsers, to test the routes of an application;
//! - a clock that a test can advance and set;
//! - a request that needs no web framework;
//! - session stores that a test can make fail, in every call or in a single call;
//! - the conformance suites for session stores and throttle stores.
//!
//! To test an application, use the module `testing` of the adapter's crate. Its browsers create requests of the
//! framework's own type.

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

/// Returns a new session of `subject` that begins at `now`, with the default lifetimes.
pub fn session(subject: &str, now: Timestamp) -> Session {
    Session::begin(subject, now, &SessionRules::default())
}
