//! What threads share, from one place: a test compiles the modules that use it once more, with others in the
//! place of these that explore every order of what threads do.

pub(super) use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
pub(super) use std::sync::{Mutex, MutexGuard};

pub(super) use papaya::HashMap;

/// How many words of marks there are: 128 KiB, for a million marks.
pub(super) const MARK_WORDS: usize = 1 << 14;
