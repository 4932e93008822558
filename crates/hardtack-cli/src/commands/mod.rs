//! One module for each command.

mod check_config;
mod explain;
mod keys;
mod migrate;
mod passwords;
mod runtime;
mod serve;
mod user;

use crate::error::Error;
use crate::subcommands::Command;

/// Runs a command.
pub(crate) fn run(command: Command) -> Result<(), Error> {
    match command {
        Command::Serve(flags) => serve::run(flags.values()),
        Command::Migrate(flags) => migrate::run(flags.values()),
        Command::CheckConfig(flags) => check_config::run(flags.values()),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Keys { command } => keys::run(command),
        Command::Passwords { command } => passwords::run(&command),
        Command::User { command } => user::run(&command),
    }
}
