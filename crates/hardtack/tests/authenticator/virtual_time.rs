//! A timer that a test advances.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A timer that stands still until a test advances it. Clones share the time.
#[derive(Clone, Default)]
pub(crate) struct VirtualTime(Arc<AtomicU64>);

impl VirtualTime {
    pub(crate) fn advance(&self, span: Duration) {
        self.0.fetch_add(span.as_secs(), Ordering::SeqCst);
    }

    /// Returns the `sleep` function of this timer. Parts of seconds are cut off.
    pub(crate) fn sleep(&self) -> impl Fn(Duration) -> Sleep + Send + Sync + 'static {
        let time = self.clone();
        move |span| {
            let until = time.0.load(Ordering::SeqCst).saturating_add(span.as_secs());
            let time = time.clone();
            let over = move |_: &mut Context<'_>| match time.0.load(Ordering::SeqCst) >= until {
                true => Poll::Ready(()),
                false => Poll::Pending,
            };
            Box::pin(poll_fn(over))
        }
    }
}

pub(crate) type Sleep = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// Polls a future once, and returns whether it is ready.
pub(crate) fn is_ready(future: &mut (impl Future + Unpin)) -> bool {
    std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}
