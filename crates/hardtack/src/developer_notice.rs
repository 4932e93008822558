//! Warnings for a developer who has not set up a log yet.

use std::fmt::Display;
use std::sync::{Mutex, PoisonError};

/// The maximum number of warnings that a process prints.
const MOST: usize = 20;

/// The names of the warnings that have been printed.
static PRINTED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Prints a warning to stderr, unless a `tracing` subscriber is set. For each `name`, a process prints only one
/// warning.
///
/// Call this function in addition to `tracing::error!` or `tracing::warn!`. In `text`, say what is wrong and which line
/// of the application's code to change.
#[cold]
pub(crate) fn print(name: &str, text: &dyn Display) {
    if tracing::dispatcher::has_been_set() {
        return;
    }
    let mut printed = PRINTED.lock().unwrap_or_else(PoisonError::into_inner);
    if printed.len() >= MOST || printed.iter().any(|own| own == name) {
        return;
    }
    let hint = if printed.is_empty() {
        "\nhardtack: the log has more details; to see the log, call tracing_subscriber::fmt().init() in main"
    } else {
        ""
    };
    printed.push(name.to_owned());
    // If stderr is closed, the warning is lost.
    let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), format!("hardtack: {text}{hint}\n").as_bytes());
}
