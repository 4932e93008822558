//! One operation to measure.

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::Failed;

/// The result of an operation. A failed operation may be fast, so its time must not count.
pub(crate) trait Outcome {
    fn is_good(&self) -> bool;
}

impl<T> Outcome for Option<T> {
    fn is_good(&self) -> bool {
        self.is_some()
    }
}

impl<T, E> Outcome for Result<T, E> {
    fn is_good(&self) -> bool {
        self.is_ok()
    }
}

/// A named operation. The loop that repeats the operation is compiled together with it, so the calls can be inlined.
pub(crate) struct Case<'a> {
    name: &'static str,
    repeat: Box<dyn FnMut(u64) -> bool + 'a>,
}

impl<'a> Case<'a> {
    pub(crate) fn new<O: Outcome>(name: &'static str, mut operation: impl FnMut() -> O + 'a) -> Self {
        let repeat = move |count| {
            let mut good = true;
            for _ in 0..count {
                // Drop the result inside the loop, because freeing the result is part of the cost.
                good &= black_box(operation()).is_good();
            }
            good
        };
        Self { name, repeat: Box::new(repeat) }
    }

    /// Repeats the operation and returns the CPU time of this thread. CPU time does not include the time of other
    /// processes. It is the whole cost, because no operation waits for I/O.
    pub(super) fn run(&mut self, count: u64) -> Result<Duration, Failed> {
        let start = thread_time();
        let good = (self.repeat)(count);
        let spent = thread_time().saturating_sub(start);
        if good {
            Ok(spent)
        } else {
            Err(format!("{}: the operation failed, so its time cannot be compared", self.name).into())
        }
    }
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}
