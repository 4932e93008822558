//! Runs the suite.

use crate::adapter::Adapter;
use crate::cases;

/// Runs all cases of the suite, each against its own server. Prints how many cases ran and how many failed.
///
/// Call this function on a multi-threaded Tokio runtime, because some cases send many requests at once.
///
/// # Panics
/// Panics if a case fails. The message lists all cases that failed, each with the expected and the actual responses.
pub async fn run(adapter: &impl Adapter) {
    let cases = cases::all();
    let count = cases.len();
    let mut failed = Vec::new();
    for case in cases {
        let name = case.name().to_owned();
        let findings = case.run(adapter).await;
        if !findings.is_empty() {
            failed.push(format!("{name}\n{}", findings.join("\n")));
        }
    }
    println!("HTTP conformance suite: {count} cases, {} failed", failed.len());
    assert!(failed.is_empty(), "{} of {count} cases failed:\n\n{}\n", failed.len(), failed.join("\n\n"));
}
