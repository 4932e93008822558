//! What a case found to differ from what it expected.

use std::sync::{Arc, Mutex};

/// The findings of one case. Clones share one list, so that a case that panics or hangs keeps those it had.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings(Arc<Mutex<Vec<String>>>);

impl Findings {
    pub(crate) fn add(&self, finding: impl Into<String>) {
        self.0.lock().unwrap().push(finding.into());
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}
