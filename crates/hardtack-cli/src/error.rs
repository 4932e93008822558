//! Why the program ends early.

use std::fmt;
use std::process::ExitCode;

/// One sentence for the operator: what was wrong, what is allowed, what to do. Never a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// Something that was set, and has to be set otherwise.
    #[error("{0}")]
    Config(String),
    /// Something that failed although it was set well.
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

    /// An error's sentence and its causes.
    pub(crate) fn with_causes(error: impl std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        Self::Runtime(text)
    }

    /// 2 as for a wrong command line, and 1 for the rest.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) => ExitCode::from(2),
            Self::Runtime(_) => ExitCode::from(1),
        }
    }
}
