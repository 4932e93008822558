//! Limits how many lines are logged about events that strangers can cause any number of times.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often a summary of further events is logged.
const SUMMARY: Duration = Duration::from_secs(60);

/// Logs the first event in full. After that, logs a summary each minute as long as further events occur. Clones share
/// the count.
///
/// Use a [`LogLimit`](hardtack::adapter::LogLimit) for faults: an operator wants to know about them within a second,
/// and their log lines differ. An attack, such as a flood of log-ins, can last for days, and its events are all alike.
/// One line a minute with a count is therefore enough.
#[derive(Clone, Debug)]
pub(crate) struct FloodLog {
    /// Logs a number of events.
    summarize: fn(count: u64),
    flood: Arc<Mutex<Option<Flood>>>,
}

/// Counts the events since the last log message about such events.
#[derive(Debug, Default)]
struct Flood {
    count: u64,
}

impl FloodLog {
    /// Creates a log for one kind of event. `summarize` logs how many further events occurred in the last minute.
    pub(crate) fn new(summarize: fn(u64)) -> Self {
        Self { summarize, flood: Arc::default() }
    }

    /// Counts an event. For the first event, calls `log` and starts a background task, which logs a summary each
    /// minute. The task ends after a minute without events, and the next event is then treated as a first event again.
    /// Call this method within a Tokio runtime.
    pub(crate) fn add(&self, log: impl FnOnce()) {
        let mut flood = self.flood.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flood) = &mut *flood {
            flood.count += 1;
            return;
        }
        *flood = Some(Flood::default());
        drop(flood);
        log();
        let events = self.clone();
        tokio::spawn(async move { while events.summarize_after(SUMMARY).await {} });
    }

    /// Waits for `time`, and then logs how many events were counted in the meantime. If there were none, logs nothing
    /// and returns `false`.
    async fn summarize_after(&self, time: Duration) -> bool {
        tokio::time::sleep(time).await;
        let mut flood = self.flood.lock().unwrap_or_else(PoisonError::into_inner);
        let count = flood.as_mut().map(|flood| std::mem::take(&mut flood.count)).unwrap_or_default();
        if count == 0 {
            *flood = None;
            return false;
        }
        (self.summarize)(count);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    static SUMMARIZED: AtomicU64 = AtomicU64::new(0);

    #[tokio::test]
    async fn one_line_and_then_a_summary_while_there_are_more() {
        let events = FloodLog::new(|count| {
            SUMMARIZED.fetch_add(count, Ordering::SeqCst);
        });
        let lines = AtomicU64::new(0);
        let add = || {
            events.add(|| {
                lines.fetch_add(1, Ordering::SeqCst);
            });
        };
        (0..1000).for_each(|_| add());
        assert_eq!((lines.load(Ordering::SeqCst), SUMMARIZED.load(Ordering::SeqCst)), (1, 0));
        assert!(events.summarize_after(Duration::ZERO).await);
        assert_eq!(SUMMARIZED.load(Ordering::SeqCst), 999);
        // After a quiet minute, the next event is logged in full.
        assert!(!events.summarize_after(Duration::ZERO).await);
        add();
        assert_eq!((lines.load(Ordering::SeqCst), SUMMARIZED.load(Ordering::SeqCst)), (2, 999));
    }
}
