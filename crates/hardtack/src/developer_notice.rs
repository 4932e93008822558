//! Warnings for developers who have not set up logging yet.

use std::fmt::Display;
use std::io::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The maximum number of warnings that a process prints.
const MOST: usize = 20;

/// The warnings that this process has printed, or would have printed without a `tracing` subscriber.
static NOTICED: Mutex<Vec<Notice>> = Mutex::new(Vec::new());

struct Notice {
    name: String,
    text: String,
}

/// If no `tracing` subscriber is set, prints a warning to stderr. A process prints only one warning for each `name`.
///
/// Call this function in addition to `tracing::error!` or `tracing::warn!`. In `text`, say what is wrong and which line
/// of the application's code to change.
#[cold]
pub(crate) fn print(name: &str, text: &dyn Display) {
    let mut noticed = noticed();
    if noticed.len() >= MOST || noticed.iter().any(|own| own.name == name) {
        return;
    }
    let hint = if noticed.is_empty() {
        "\nhardtack: the log has more details; to see the log, call tracing_subscriber::fmt().init() in main"
    } else {
        ""
    };
    let text = text.to_string();
    write_to_stderr(&format!("{text}{hint}"));
    noticed.push(Notice { name: name.to_owned(), text });
}

/// Prints an announcement, rather than a warning, to stderr if no `tracing` subscriber is set.
pub(crate) fn announce(text: &str) {
    write_to_stderr(text);
}

/// Returns the texts of the warnings, oldest first. The page that explains refusals shows them.
pub(crate) fn texts() -> Vec<String> {
    noticed().iter().map(|notice| notice.text.clone()).collect()
}

fn write_to_stderr(text: &str) {
    if !tracing::dispatcher::has_been_set() {
        // If stderr is closed, the text is lost.
        let _ = std::io::stderr().lock().write_all(format!("hardtack: {text}\n").as_bytes());
    }
}

fn noticed() -> MutexGuard<'static, Vec<Notice>> {
    NOTICED.lock().unwrap_or_else(PoisonError::into_inner)
}
