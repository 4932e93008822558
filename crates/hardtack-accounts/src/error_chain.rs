//! An error with its causes on one line, for the log.

use std::error::Error;
use std::fmt;

/// Displays an error and each of its sources, separated by `: `.
pub(crate) struct ErrorChain<'a>(pub(crate) &'a (dyn Error + 'static));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::MailError;

    #[test]
    fn every_cause_is_shown_once() {
        let error = MailError::new("connection refused");
        assert_eq!(ErrorChain(&error).to_string(), "the email was not sent: connection refused");
    }
}
