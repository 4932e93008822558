//! Tools for tests: users and browsers for tests of an application's routes, a clock that tests advance, a request
//! without a framework, session stores that can fail entirely or in a single call, and the conformance suites of
//! session stores and throttle stores.
//!
//! To test an application, use the module `testing` of its adapter, which makes requests of the framework.

mod browser;
mod clock;
mod cookie_date;
mod device;
mod failing_sessions;
mod faulty_sessions;
mod forward;
mod jar;
mod request;
mod store_conformance;
mod throttle_conformance;
mod user;

pub use browser::{Framework, NoFramework, SetCookieFields, TestBrowser};
pub use clock::TestClock;
pub use device::TestDevice;
pub use failing_sessions::FailingSessions;
pub use faulty_sessions::{Fault, FaultySessions};
pub use jar::{CookieJar, StoredCookie};
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
