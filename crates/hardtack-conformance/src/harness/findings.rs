//! Records how a test case's responses differ from the expected ones.

use std::sync::{Arc, Mutex};

/// The findings of one case. All clones share one list, so the suite still has the list if the case panics or hangs.
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
