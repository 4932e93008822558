//! Measures what Hardtack costs, beside other crates and beside the bare cryptography, in one run.
//!
//! `scripts/bench` prints the table of `docs/performance.md`.

// Progress and errors go to the standard error, the table alone to the standard output.
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

/// The whole program.
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
