//! A failure of a store or callback that the application supplied.

use std::error::Error;
use std::fmt;

use super::WithCauses;

/// A failure of a backend that the application supplied, such as the session store, the user look-up or the blocklist.
///
/// The client gets a 503 response that does not contain the cause. Hardtack logs the cause, and [`Error::source`]
/// returns it.
///
/// ```
/// use hardtack::BackendError;
///
/// let error = BackendError::new("connection refused");
/// assert_eq!(error.to_string(), "one of the application's backends failed");
/// assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "connection refused");
/// ```
pub struct BackendError(Box<dyn Error + Send + Sync>);

impl BackendError {
    /// Wraps an error that a backend returned, or text that describes the error.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }

    /// Creates the error for an operation that the backend does not support. For example, a newer version of Hardtack
    /// might add a variant to a `#[non_exhaustive]` enum, and a session store that does not support the variant returns
    /// this error.
    pub fn unsupported(operation: &str) -> Self {
        Self::new(format!("{operation} is not supported"))
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one of the application's backends failed")
    }
}

impl Error for BackendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

/// Writes the message and its causes. Rust uses `Debug` to print an error that `main` returns.
impl fmt::Debug for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&WithCauses(self), f)
    }
}
