//! `hardtack`: a ready-made site with accounts, log-in and sessions, and the commands to operate it.

mod commands;
mod config;
mod error;
mod keys;
mod log;
mod mail;
mod output;
mod private_file;
mod running;
mod server;
mod stores;
mod subcommands;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match commands::run(subcommands::Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::print_error(&error);
            error.exit_code()
        }
    }
}
