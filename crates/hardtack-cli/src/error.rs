//! Why a command fails.

use std::error::Error as _;
use std::fmt;
use std::process::ExitCode;

use hardtack::BackendError;
use hardtack::error::WithCauses;
use hardtack_sqlx::DatabaseUrl;

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
    /// The database failed.
    #[error(
        "the database {name}failed: {causes}; check that the database can be reached and written to, and that there is \
         room on its disk{more}"
    )]
    Database {
        /// The URL of the database without the password, and a space. Empty until [`Error::naming`] sets it.
        name: String,
        /// Why the database failed.
        causes: String,
        /// The end of the message, which says what else to do.
        more: String,
    },
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
        Self::Database { name: String::new(), causes: causes(error), more: String::new() }
    }

    /// Creates the error for a command whose Redis failed. The text includes the causes, and says what to do.
    pub(crate) fn redis(error: &BackendError) -> Self {
        Self::runtime(format_args!(
            "Redis failed: {}; check that Redis is running, and that it can be reached and written to",
            causes(error)
        ))
    }

    /// If the database failed, adds its URL to the text.
    pub(crate) fn naming(self, database: &DatabaseUrl) -> Self {
        match self {
            Self::Database { causes, more, .. } => Self::Database { name: format!("{database} "), causes, more },
            error => error,
        }
    }

    /// Creates the error for a change whose commit failed, so the database may have stored the change. `advice` says what
    /// to do before the command is repeated.
    pub(crate) fn outcome_unknown(error: &BackendError, advice: &str) -> Self {
        let more = format!("; the change may or may not have been saved; {advice}");
        Self::Database { name: String::new(), causes: causes(error), more }
    }

    /// Returns the exit code: 2 if a setting or an argument is wrong, and 1 otherwise. clap also exits with 2 if the
    /// command line is wrong.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) => ExitCode::from(2),
            Self::Runtime(_) | Self::Database { .. } => ExitCode::from(1),
        }
    }
}

/// Returns the causes of a failed operation. The error itself says only that a backend failed. Its cause says which one,
/// and why.
fn causes(error: &BackendError) -> String {
    error.source().map(|cause| WithCauses(cause).to_string()).unwrap_or_default()
}
