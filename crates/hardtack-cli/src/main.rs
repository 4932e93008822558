//! `hardtack`: the ready site by itself, its configuration and its keys.

mod check_config;
mod cli;
mod error;
mod keys;
mod logs;
mod mail;
mod migrate;
mod output;
mod prune;
mod serve;
mod server;
mod settings;
mod stop;
mod users;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(options) => serve::run(&options),
        Command::Migrate(options) => migrate::run(&options),
        Command::CheckConfig(options) => check_config::run(&options),
        Command::Keys { command } => keys::commands::run(command),
        Command::User { command } => users::run(&command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&error);
            error.exit_code()
        }
    }
}
