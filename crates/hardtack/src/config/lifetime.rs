//! How long tokens live.

use std::time::Duration;

use crate::error::ConfigError;

/// How long a token lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// How long the token lives, in whole seconds.
    For(Duration),
    /// The token is valid until its key is removed from the key set. Until then, a stolen copy of the token is valid as
    /// well.
    InsecureForever,
}

impl Lifetime {
    pub(crate) const fn duration(self) -> Option<Duration> {
        match self {
            Self::For(span) => Some(span),
            Self::InsecureForever => None,
        }
    }

    pub(super) fn check(self, what: &'static str) -> Result<(), ConfigError> {
        match self {
            Self::For(span) if span.as_secs() == 0 => Err(ConfigError::ZeroLifetime { what }),
            _ => Ok(()),
        }
    }
}

impl From<Duration> for Lifetime {
    fn from(span: Duration) -> Self {
        Self::For(span)
    }
}
