//! Compares the cost of Hardtack with that of other crates and of the bare cryptography, in one run.
//!
//! `scripts/bench` prints the table of `docs/performance.md`.

// Progress and errors go to stderr, so that stdout contains only the table.
#![allow(clippy::print_stderr)]

mod allocations;
mod load;
mod options;
mod peers;
mod report;
mod rows;
mod run;
mod server;
mod table;

use std::process::ExitCode;

pub use allocations::{Counter, count_allocations};
use clap::Parser;

use hardtack_bench_subject::Failed;

/// Runs the program.
pub fn main() -> ExitCode {
    let options = options::Options::parse();
    let done = match options.command {
        Some(options::Command::Serve { auth }) => server::serve(auth),
        None => report::print(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hardtack-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
