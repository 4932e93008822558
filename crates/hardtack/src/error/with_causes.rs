//! An error with its causes, on one line.

use std::error::Error;
use std::fmt;

/// Displays an error followed by its causes, separated by colons, for logs.
///
/// The errors of this crate do not repeat the text of their [`source`](Error::source). If an error of another crate
/// ends with the text of its cause, that text is shown once.
///
/// ```
/// use hardtack::BackendError;
/// use hardtack::error::WithCauses;
///
/// let error = BackendError::new("connection refused");
/// assert_eq!(WithCauses(&error).to_string(), "a backend of the application failed: connection refused");
/// ```
#[derive(Clone, Copy)]
pub struct WithCauses<'a>(pub &'a dyn Error);

impl fmt::Display for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.0.to_string();
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let cause_text = error.to_string();
            if !text.ends_with(&cause_text) {
                text = format!("{text}: {cause_text}");
            }
            cause = error.source();
        }
        f.write_str(&text)
    }
}

impl fmt::Debug for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
