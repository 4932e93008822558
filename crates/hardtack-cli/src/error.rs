//! Why a command fails.

use std::error::Error as _;
use std::fmt;
use std::process::ExitCode;

use hardtack::BackendError;
use hardtack::error::WithCauses;

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
        Self::Runtime(WithCauses(&error).to_string())
    }

    /// Creates the error for a command whose database failed. The text includes the causes, and says what to do.
    pub(crate) fn database(error: &BackendError) -> Self {
        // The error itself says only that a backend failed. Its cause says which one, and why.
        let causes = error.source().map(|cause| WithCauses(cause).to_string()).unwrap_or_default();
        Self::runtime(format_args!(
            "the database failed: {causes}; check that the database can be reached and written to, and that there is \
             room on its disk"
        ))
    }

    /// Creates the error for a change whose commit failed, so the database may have stored the change. `advice` says what
    /// to do before the command is repeated.
    pub(crate) fn outcome_unknown(error: &BackendError, advice: &str) -> Self {
        Self::runtime(format_args!("{}; the change may or may not have been saved; {advice}", Self::database(error)))
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
