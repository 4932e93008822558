//! Why operations on accounts fail.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use hardtack::BackendError;
use hardtack::error::WithCauses;
use hardtack::refusal::Reason;
use hardtack::throttle::TooManyAttempts;
use hardtack_sqlx::MigrateError;

use crate::passwords::{HashError, PasswordProblem, PasswordTableError};
use crate::users::{INVALID_EMAIL, Profile, ProfileProblem, UserNameProblem};

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

/// The error from an [`Accounts`](crate::Accounts) operation that a user requested. The type `P` describes what is
/// wrong with the user's input.
///
/// An `ActionError` converts into a [`Reason`], so a handler can pass it to `Auth::refuse`. If the input is not valid,
/// the response shows the text of the `P` ([`LogInRefusal`](hardtack::refusal::LogInRefusal)). After too many attempts,
/// the response is 429 with `Retry-After`. If the session has ended, the user has to log in again. For all other
/// errors, the response is 503. If the change may have been stored, the response says so.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ActionError<P> {
    /// The input is not valid. Nothing was changed. `Display` prints a sentence for the user.
    #[error("{0}")]
    Invalid(P),
    /// There were too many attempts. The input was not checked.
    #[error(transparent)]
    TooMany(TooManyAttempts),
    /// The request's session is over. It may have ended before the request arrived or while the request was being
    /// handled. Nothing was changed.
    #[error(transparent)]
    SessionOver(SessionOver),
    /// Too many passwords are being checked at once. The input was not checked.
    #[error("too many passwords are being checked at once; try again in a few seconds")]
    Busy,
    /// The new password could not be checked against the table of passwords, and nothing was changed.
    #[error("the new password could not be checked")]
    PasswordTable(#[source] PasswordTableError),
    /// The database failed, and nothing was changed.
    #[error(transparent)]
    Backend(BackendError),
    /// The database failed during the commit, so the change might or might not have been stored.
    #[error(
        "the database failed during the commit, so the change may or may not have been stored; check before you repeat \
         it"
    )]
    Unknown(#[source] BackendError),
}

impl<P: fmt::Display> fmt::Debug for ActionError<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backend(error) | Self::Unknown(error) => write!(f, "{self}: {}", WithCauses(error)),
            Self::PasswordTable(error) => write!(f, "{self}: {}", WithCauses(error)),
            _ => fmt::Display::fmt(self, f),
        }
    }
}

impl<P: fmt::Display> From<ActionError<P>> for Reason {
    fn from(error: ActionError<P>) -> Self {
        match error {
            ActionError::Invalid(problem) => problem.to_string().into(),
            ActionError::TooMany(refused) => refused.into(),
            ActionError::SessionOver(over) => over.into(),
            busy @ ActionError::Busy => BackendError::new(busy.to_string()).into(),
            ActionError::PasswordTable(error) => BackendError::new(error).into(),
            ActionError::Backend(error) => error.into(),
            ActionError::Unknown(error) => Self::OutcomeUnknown(error),
        }
    }
}

impl<P> ActionError<P> {
    /// Converts the value inside [`Invalid`](Self::Invalid), and leaves the other variants unchanged.
    pub(crate) fn map_invalid<Q>(self, convert: impl FnOnce(P) -> Q) -> ActionError<Q> {
        match self {
            Self::Invalid(problem) => ActionError::Invalid(convert(problem)),
            Self::TooMany(refused) => ActionError::TooMany(refused),
            Self::SessionOver(over) => ActionError::SessionOver(over),
            Self::Busy => ActionError::Busy,
            Self::PasswordTable(error) => ActionError::PasswordTable(error),
            Self::Backend(error) => ActionError::Backend(error),
            Self::Unknown(error) => ActionError::Unknown(error),
        }
    }
}

/// Why a request's session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionOver {
    /// The session has ended, for example because the user logged out on another device, or an operator disabled the
    /// user.
    #[error("the session has ended; log in again")]
    Ended,
    /// A new session in the same browser has replaced the request's session, for example because the user changed the
    /// password in another tab.
    #[error("the session was replaced by a new session in the same browser; try again with the newest cookies")]
    Replaced,
}

impl From<SessionOver> for Reason {
    fn from(over: SessionOver) -> Self {
        match over {
            SessionOver::Ended => Self::Revoked,
            SessionOver::Replaced => Self::Replaced,
        }
    }
}

impl<P> From<SessionOver> for ActionError<P> {
    fn from(over: SessionOver) -> Self {
        Self::SessionOver(over)
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

/// What is wrong with each field of a sign-up. At least one of the fields is set. `Display` joins the sentences from
/// all the fields that are set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignUpProblems {
    /// What is wrong with the user name.
    pub username: Option<UserNameProblem>,
    /// A sentence that says what is wrong with the email address.
    pub email: Option<&'static str>,
    /// What is wrong with the password.
    pub password: Option<PasswordProblem>,
}

impl fmt::Display for SignUpProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { username, email, password } = self;
        let texts =
            [username.map(|one| one.to_string()), email.map(str::to_owned), password.map(|one| one.to_string())];
        f.write_str(&texts.into_iter().flatten().collect::<Vec<_>>().join(" "))
    }
}

impl Error for SignUpProblems {}

/// The error if the password is wrong, if no such user exists, or if the user is disabled. Callers cannot distinguish
/// these cases, so they cannot reveal which users exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("That user name and password do not match.")]
pub struct WrongPassword;

/// What is wrong with a password change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordChangeProblem {
    /// The current password is wrong, or the user was disabled or deleted in the meantime.
    #[error("That is not your current password.")]
    WrongCurrent,
    /// The text entered as the current password is longer than passwords are allowed to be.
    #[error("{}", PasswordProblem::TooLong)]
    CurrentTooLong,
    /// The new password breaks a rule, or is the current password.
    #[error(transparent)]
    InvalidNew(PasswordProblem),
    /// An earlier request in the same session has already set this new password, for example because the browser sent
    /// the form twice.
    #[error("Your password has already been changed.")]
    AlreadyChanged,
}

/// Why a profile change was refused.
#[derive(Debug)]
pub(crate) struct ProfileChangeProblem {
    /// The profile that was submitted, with surrounding spaces removed.
    pub(crate) profile: Profile,
    /// Whether the submitted profile changes the email address although the current password is missing or wrong.
    /// Changing the email address requires the current password.
    pub(crate) is_unproven: bool,
    /// What is wrong with each field.
    pub(crate) fields: Vec<ProfileProblem>,
}

/// What is wrong with a new email address, or with the password that must be entered to change it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmailChangeProblem {
    /// The current password is missing or wrong.
    #[error("Enter your current password to change the email address.")]
    WrongCurrent,
    /// The text is not an email address.
    #[error("{INVALID_EMAIL}")]
    InvalidEmail,
}

/// The display name is too long or contains a control character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DisplayNameProblem(pub(super) &'static str);

/// Why a password reset failed, or why a link that restores an email address was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordResetProblem {
    /// The link no longer works.
    #[error("{DeadLink}")]
    DeadLink,
    /// The new password breaks a rule, or is the current password. The link still works.
    #[error(transparent)]
    InvalidNew(PasswordProblem),
}

/// The link no longer works. It has been used, it has expired, or the account has changed since the link was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("This link no longer works. Request a new link.")]
pub struct DeadLink;

/// Why an email with a link was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MailProblem {
    /// Email is not turned on: see [`Accounts::with_mail`](crate::Accounts::with_mail).
    #[error("This site does not send email.")]
    Off,
    /// Too many emails were requested.
    #[error("{sentence}")]
    Limit {
        /// A sentence for the user. It says that too many emails were requested, and when to try again.
        sentence: String,
        /// How long to wait.
        retry_after: Duration,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_that_a_change_may_have_been_stored() {
        let reason = Reason::from(ActionError::<WrongPassword>::Unknown(BackendError::new("cut off")));
        assert_eq!((reason.code(), reason.status()), ("outcome_unknown", 503));
        assert!(reason.advice().contains("may or may not have been saved"), "{}", reason.advice());
        assert!(reason.explanation().contains("may or may not have been saved"), "{}", reason.explanation());
        let text = WithCauses(&reason).to_string();
        assert!(text.contains("may or may not have been stored") && text.ends_with("cut off"), "{text}");
    }
}
