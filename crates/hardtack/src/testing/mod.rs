//! For tests: a clock that is set, and the suite that every session store passes.

mod clock;

pub use clock::TestClock;
