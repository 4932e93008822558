//! Measures what sessions cost on each store: an operation's time at two sizes side by side, the memory of
//! ended sessions, and how soon one server knows what another has ended.
//!
//! `scripts/bench stores` prints the tables of `docs/scaling.md`. PostgreSQL and
//! Redis are private servers on this machine, started and ended by the program.

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

/// Why there is no figure.
type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Measures what sessions cost on each store. Leave the machine alone meanwhile.
#[derive(Parser)]
#[command(name = "hardtack-bench-stores", version)]
struct Options {
    /// Only these parts.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// Sessions in the smaller and the larger store.
    #[arg(long, value_delimiter = ',', default_values_t = [100_000, 1_000_000])]
    sessions: Vec<u64>,
    /// Operations of each kind at each size.
    #[arg(long, default_value_t = 2000)]
    operations: usize,
    /// Log-outs of which the delay is measured, for each store.
    #[arg(long, default_value_t = 200)]
    tries: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Memory of ended sessions, and the price of asking for one.
    Memory,
    /// Log-ins, refreshes, look-ups and log-outs.
    Cost,
    /// Bytes a session and a log entry; what a store takes from many callers at once.
    Growth,
    /// From a log-out at one server to the refusal at another.
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
    // First: what else has been allocated by then would be counted.
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
