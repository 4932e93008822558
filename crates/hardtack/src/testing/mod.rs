//! For tests: a clock that is set, a request without a framework, and the suite that every session store passes.

mod clock;
mod request;
mod store_conformance;

pub use clock::TestClock;
pub use request::TestRequest;
pub use store_conformance::store_conformance;

/// Holds the guide's store to what compiles, and to the suite.
#[cfg(doctest)]
#[doc = include_str!("../../../../docs/another-store.md")]
struct AnotherStore;
