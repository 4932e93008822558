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

    #[derive(Debug, thiserror::Error)]
    #[error("the email was not sent")]
    struct NotSent(#[source] std::fmt::Error);

    #[test]
    fn every_cause_is_shown_once() {
        let shown = ErrorChain(&NotSent(std::fmt::Error)).to_string();
        assert_eq!(shown, format!("the email was not sent: {}", std::fmt::Error));
    }
}
