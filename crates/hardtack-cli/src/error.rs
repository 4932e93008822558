//! Why a command fails.

use std::fmt;
use std::process::ExitCode;

/// Why a command fails: one sentence that says what is wrong, what is allowed and what to do. It contains no secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// A setting or an argument has to change.
    #[error("{0}")]
    Config(String),
    /// The command failed although its settings are valid.
    #[error("{0}")]
    Runtime(String),
}

impl Error {
    pub(crate) fn config(text: impl fmt::Display) -> Self {
        Self::Config(text.to_string())
    }

    pub(crate) fn runtime(text: impl fmt::Display) -> Self {
        Self::Runtime(text.to_string())
    }

    /// An error with its causes, which ends the program.
    pub(crate) fn with_causes(error: impl std::error::Error) -> Self {
        Self::Runtime(hardtack::error::WithCauses(&error).to_string())
    }

    /// 2 for a bad setting, as clap exits for a bad command line; otherwise 1.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) => ExitCode::from(2),
            Self::Runtime(_) => ExitCode::from(1),
        }
    }
}
