//! An error with its causes, on one line.

use std::error::Error;
use std::fmt;

/// Displays an error and its causes on one line, separated by colons. Use it in logs.
///
/// This crate's errors do not repeat the text of their [`source`](Error::source), but other crates' errors might. If an
/// error's text already ends with the text of its cause, `WithCauses` does not add the cause again.
///
/// ```
/// use hardtack::BackendError;
/// use hardtack::error::WithCauses;
///
/// let error = BackendError::new("connection refused");
/// assert_eq!(WithCauses(&error).to_string(), "one of the application's backends failed: connection refused");
/// ```
#[derive(Clone, Copy)]
pub struct WithCauses<'a>(pub &'a dyn Error);

/// Implements `Debug` for errors so that it prints the text of the error and of its causes. If `main` returns an error,
/// Rust prints the error with `Debug`.
#[doc(hidden)]
#[macro_export]
macro_rules! __debug_as_sentence {
    ($($error:ty),* $(,)?) => {
        $(impl ::core::fmt::Debug for $error {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Display::fmt(&$crate::error::WithCauses(self), f)
            }
        })*
    };
}

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
