//! One thing to measure.

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::Failed;

/// Whether an operation did what it is measured for. What refuses is fast, and must not count.
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

/// An operation with its name. The loop around it is compiled together with it.
pub(crate) struct Case<'a> {
    name: &'static str,
    repeat: Box<dyn FnMut(u64) -> bool + 'a>,
}

impl<'a> Case<'a> {
    pub(crate) fn new<O: Outcome>(name: &'static str, mut operation: impl FnMut() -> O + 'a) -> Self {
        let repeat = move |count| {
            let mut good = true;
            for _ in 0..count {
                // What it returns is dropped here: freeing it is part of the price.
                good &= black_box(operation()).is_good();
            }
            good
        };
        Self { name, repeat: Box::new(repeat) }
    }

    /// Repeats the operation and answers how long that took this thread: its own processor time, from which
    /// nothing is missing, as no operation waits, and to which no other process adds its turns.
    pub(super) fn run(&mut self, count: u64) -> Result<Duration, Failed> {
        let start = thread_time();
        let good = (self.repeat)(count);
        let spent = thread_time().saturating_sub(start);
        if good {
            Ok(spent)
        } else {
            Err(format!("{}: an operation failed, so its time means nothing", self.name).into())
        }
    }
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}
