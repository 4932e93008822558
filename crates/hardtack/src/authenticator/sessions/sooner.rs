//! Waits for a future with a time limit, without an async runtime.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

/// Waits for a future until a timer ends. If the timer ends first, returns `None`. The future can then be polled again.
pub(super) async fn sooner<T>(
    answer: &mut Pin<Box<dyn Future<Output = T> + Send + '_>>,
    timer: impl Future<Output = ()>,
) -> Option<T> {
    let mut timer = pin!(timer);
    poll_fn(|context| match answer.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending => timer.as_mut().poll(context).map(|()| None),
    })
    .await
}
