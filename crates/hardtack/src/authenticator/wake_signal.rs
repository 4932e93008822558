//! A signal that wakes one task from any thread.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Poll, Waker};

/// A signal that one task waits for. If the signal is sent while the task is not waiting, the task receives it the next
/// time it waits.
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
            // Register the waker before checking for the signal, so that a signal that is sent in between either wakes
            // the task or is found by the check.
            *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.waker().clone());
            if self.sent.swap(false, Ordering::AcqRel) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}
