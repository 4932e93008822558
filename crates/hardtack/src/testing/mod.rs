//! For tests: a clock that is set, and the suite that every session store passes.

mod clock;
mod store_conformance;

pub use clock::TestClock;
pub use store_conformance::store_conformance;

/// Holds the guide's store to what compiles, and to the suite.
#[cfg(doctest)]
#[doc = include_str!("../../../../docs/another-store.md")]
struct AnotherStore;
