//! Measures the cost of sessions on each store. It measures the time of each operation at two sizes, and the memory of
//! ended sessions. It also measures how soon one server learns which sessions another server has ended.
//!
//! `scripts/bench stores` prints the tables of `docs/scaling.md`. The program starts
//! private PostgreSQL and Redis servers on this machine and stops them at the end.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "tables and progress")]

mod cost;
mod delay;
mod fill;
mod growth;
mod memory;
mod spread;
mod store;

use std::process::ExitCode;

use clap::{Parser, ValueEnum};

/// The reason why a figure could not be measured.
type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Measures the cost of sessions on each store. Run nothing else on the machine meanwhile.
#[derive(Parser)]
#[command(name = "hardtack-bench-stores", version)]
struct Options {
    /// Measure only these parts.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// The number of sessions in the smaller and in the larger store.
    #[arg(long, value_delimiter = ',', default_values_t = [100_000, 1_000_000])]
    sessions: Vec<u64>,
    /// The number of operations of each kind at each size.
    #[arg(long, default_value_t = 2000)]
    operations: usize,
    /// The number of log-outs for each store whose delay is measured.
    #[arg(long, default_value_t = 200)]
    tries: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The memory of ended sessions in a process.
    Memory,
    /// The time of log-ins, refreshes, look-ups and log-outs.
    Cost,
    /// The bytes per session and per log entry, and the throughput with many concurrent callers.
    Growth,
    /// The time from a log-out at one server to the refusal at another.
    Delay,
}

impl Options {
    fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match measure(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hardtack-bench-stores: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(options: &Options) -> Result<(), Failed> {
    // Measure memory first, because later it would include allocations of other parts.
    if options.wants(Part::Memory) {
        memory::measure().await?;
    }
    if options.wants(Part::Cost) {
        let [small, large] = options.sessions[..] else { return Err("--sessions takes two numbers".into()) };
        cost::measure([small, large], options.operations).await?;
    }
    if options.wants(Part::Growth) {
        growth::measure().await?;
    }
    if options.wants(Part::Delay) {
        delay::measure(options.tries).await?;
    }
    Ok(())
}
