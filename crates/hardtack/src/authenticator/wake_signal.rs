//! Wakes one task from any thread.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Poll, Waker};

/// A signal that one task waits for. If the signal is sent while the task does not wait, the task receives it at the
/// next wait.
#[derive(Debug, Default)]
pub(super) struct WakeSignal {
    sent: AtomicBool,
    waiting: Mutex<Option<Waker>>,
}

impl WakeSignal {
    pub(super) fn send(&self) {
        self.sent.store(true, Ordering::Release);
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        waiting.inspect(Waker::wake_by_ref);
    }

    /// Waits for the signal. If the signal was sent since the last call, returns at once.
    pub(super) async fn received(&self) {
        poll_fn(|context| {
            // Register the waker before you check for the signal. If the signal is sent in between, it either wakes the
            // task or is found by the check.
            *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.waker().clone());
            if self.sent.swap(false, Ordering::AcqRel) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}
