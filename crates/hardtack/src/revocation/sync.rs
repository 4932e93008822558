//! The synchronization primitives that the modules in this folder use. A test compiles the modules with loom's
//! primitives instead. Loom then explores the possible interleavings of threads (decision 19).

pub(super) use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
pub(super) use std::sync::{Mutex, MutexGuard};

pub(super) use papaya::HashMap;

/// The length of the filter in 64-bit words. The filter has a million bits, which take 128 KiB.
pub(super) const MARK_WORDS: usize = 1 << 14;
