//! Measures what Hardtack costs, beside other crates and beside the bare cryptography, in one run.
//!
//! `cargo run --release -p hardtack-bench` prints the table of `docs/performance.md`.

// Progress and errors go to the standard error, the table alone to the standard output.
#![allow(clippy::print_stderr)]

mod options;
mod peers;
mod report;
mod rows;
mod run;
mod subject;
mod table;

use std::process::ExitCode;

use clap::Parser;

/// Why there is no figure.
type Failed = Box<dyn std::error::Error + Send + Sync>;

/// The whole program.
pub fn main() -> ExitCode {
    match report::print(&options::Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hardtack-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
