//! Why a command fails.

use std::fmt;
use std::process::ExitCode;

/// Why a command failed, in one sentence that says what is wrong, what is allowed and what to do. The sentence contains
/// no secrets.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// A setting or an argument is wrong.
    #[error("{0}")]
    Config(String),
    /// The command failed even though its settings are valid.
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

    /// Creates a runtime error whose text includes `error` and its causes.
    pub(crate) fn with_causes(error: impl std::error::Error) -> Self {
        Self::Runtime(hardtack::error::WithCauses(&error).to_string())
    }

    /// Returns the exit code: 2 if a setting or an argument is wrong, and 1 otherwise. clap also exits with 2 if the
    /// command line is wrong.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) => ExitCode::from(2),
            Self::Runtime(_) => ExitCode::from(1),
        }
    }
}
