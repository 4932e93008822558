//! What operators read about refused attempts.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Tried;

/// How often refusals are summarized.
const SUMMARY: Duration = Duration::from_secs(60);

/// Logs the first refusal, and a summary each minute while there are more.
#[derive(Clone, Debug, Default)]
pub(super) struct Refusals(Arc<Mutex<Option<Flood>>>);

/// Counts the refusals since the last log message about refusals.
#[derive(Debug, Default)]
struct Flood {
    refused: u64,
}

impl Refusals {
    pub(super) fn add(&self, tried: Tried, address: Option<&str>) {
        let mut flood = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flood) = &mut *flood {
            flood.refused += 1;
            return;
        }
        *flood = Some(Flood::default());
        tracing::warn!(
            event = "log_in_throttled",
            tried = tried.name(),
            address = address.unwrap_or("unknown"),
            "too many attempts; further refusals are counted and logged once a minute"
        );
        let refusals = self.clone();
        tokio::spawn(async move { while refusals.summarize_after(SUMMARY).await {} });
    }

    /// Returns whether there were refusals.
    async fn summarize_after(&self, time: Duration) -> bool {
        tokio::time::sleep(time).await;
        let mut flood = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = flood.as_mut().map(|flood| std::mem::take(&mut flood.refused)).unwrap_or_default();
        if refused == 0 {
            *flood = None;
            return false;
        }
        let text = "attempts refused in the last minute";
        tracing::warn!(event = "log_in_throttled", refused, seconds = time.as_secs(), "{text}");
        true
    }
}
