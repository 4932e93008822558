//! Warnings that a developer needs on the first day, even if no log is set up.

use std::fmt::Display;
use std::sync::{Mutex, PoisonError};

/// The most warnings that one process prints.
const MOST: usize = 20;

/// The warnings that were printed, by their names.
static PRINTED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Prints a warning to the standard error, unless a `tracing` subscriber shows the log. Each `name` is printed once per
/// process.
///
/// Call it in addition to `tracing::error!` or `tracing::warn!`. The text says what is wrong and which line to change.
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
        "\nhardtack: the log has more; to see it, call tracing_subscriber::fmt().init() in main"
    } else {
        ""
    };
    printed.push(name.to_owned());
    // Nothing can be done if the standard error is closed.
    let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), format!("hardtack: {text}{hint}\n").as_bytes());
}
