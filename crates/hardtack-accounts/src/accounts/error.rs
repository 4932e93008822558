//! Why operations on accounts fail.

use std::error::Error;

use hardtack::BackendError;
use hardtack::throttle::TooManyAttempts;
use hardtack_sqlx::MigrateError;

use crate::passwords::{HashError, PasswordProblem};
use crate::users::{Profile, ProfileProblem, UserNameProblem};

/// Why [`Accounts::open`](crate::Accounts::open) failed.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum AccountsError {
    /// The database's tables could not be created or upgraded.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// A test password could not be hashed.
    #[error("a test password could not be hashed at startup; check that the system has free memory")]
    Hash(#[source] Box<dyn Error + Send + Sync>),
}

hardtack::__debug_as_sentence!(AccountsError);

/// Why an operation of [`Accounts`](crate::Accounts) failed. The type `P` describes what is wrong with the input.
#[derive(Debug)]
pub(crate) enum ActionError<P> {
    /// The input is not valid.
    Invalid(P),
    /// There were too many attempts. The input was not checked.
    TooMany(TooManyAttempts),
    /// Too many passwords are being checked.
    Busy,
    /// The database failed, and nothing was changed.
    Backend(BackendError),
    /// The database failed during the commit, so the change may or may not have been stored.
    Unknown(BackendError),
}

impl<P> ActionError<P> {
    /// Converts the value of [`Invalid`](Self::Invalid), and keeps the other variants.
    pub(crate) fn map_invalid<Q>(self, convert: impl FnOnce(P) -> Q) -> ActionError<Q> {
        match self {
            Self::Invalid(problem) => ActionError::Invalid(convert(problem)),
            Self::TooMany(refused) => ActionError::TooMany(refused),
            Self::Busy => ActionError::Busy,
            Self::Backend(error) => ActionError::Backend(error),
            Self::Unknown(error) => ActionError::Unknown(error),
        }
    }
}

impl<P> From<BackendError> for ActionError<P> {
    fn from(error: BackendError) -> Self {
        Self::Backend(error)
    }
}

impl<P> From<TooManyAttempts> for ActionError<P> {
    fn from(refused: TooManyAttempts) -> Self {
        Self::TooMany(refused)
    }
}

impl<P> From<HashError> for ActionError<P> {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::Busy,
            HashError::Failed(error) => Self::Backend(error),
        }
    }
}

/// What is wrong with each field of a sign-up.
#[derive(Debug, Default)]
pub(crate) struct SignUpProblems {
    pub(crate) username: Option<UserNameProblem>,
    pub(crate) email: Option<&'static str>,
    pub(crate) password: Option<PasswordProblem>,
}

/// The password is wrong, no such user exists, or the user is disabled. Callers cannot distinguish these cases.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WrongPassword;

/// What is wrong with a password change.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PasswordChangeProblem {
    /// The current password is wrong.
    WrongCurrent,
    /// The text that was entered as the current password is longer than a password may be.
    CurrentTooLong,
    /// The new password breaks a rule.
    InvalidNew(PasswordProblem),
}

/// What is wrong with a changed profile.
#[derive(Debug)]
pub(crate) struct ProfileChangeProblem {
    /// The profile that was submitted, with surrounding spaces removed.
    pub(crate) profile: Profile,
    /// Whether the profile has a new address, but the current password is missing or wrong. Changing the address
    /// requires the current password.
    pub(crate) is_unproven: bool,
    /// What is wrong with each field.
    pub(crate) fields: Vec<ProfileProblem>,
}

/// What is wrong with a password reset.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PasswordResetProblem {
    /// The link no longer works.
    DeadLink,
    /// The new password breaks a rule. The link still works.
    InvalidNew(PasswordProblem),
}

/// A link that no longer works.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DeadLink;
