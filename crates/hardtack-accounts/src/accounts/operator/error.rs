//! Why an operator's change failed.

use hardtack::BackendError;

/// Why an operator's change through [`Accounts`](crate::Accounts) failed. If the error is [`Unknown`](Self::Unknown),
/// the change might have been stored. For any other error, nothing has changed.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum UserChangeError {
    /// The new name breaks a rule for user names. `problem` is the text that the sign-up form would show.
    #[error("the user name {name:?} is not allowed: {problem}")]
    InvalidName {
        /// The name.
        name: String,
        /// Which name to choose instead.
        problem: String,
    },
    /// Another user already has the new name, possibly in a different case.
    #[error("the user name {0:?} is taken; choose another name")]
    NameTaken(String),
    /// Another user has a name that looks like the new name.
    #[error("the user name {0:?} looks like the name of another user; choose another name")]
    NameLooksTaken(String),
    /// The user already has the new name.
    #[error("the user is already named {0:?}; nothing was changed")]
    AlreadyNamed(String),
    /// The new address is not an email address.
    #[error("{0:?} is not an email address; expected an address such as you@site.example")]
    InvalidEmail(String),
    /// No user has this name.
    #[error("no user is named {0:?}; check the spelling of the name")]
    UnknownUser(String),
    /// The user is disabled, so a reset link would not work.
    #[error("the user {0:?} is disabled, so a reset link would not work; enable the user first")]
    Disabled(String),
    /// The database failed, or a password could not be hashed. Nothing was changed.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The database failed during the commit, so the change might or might not have been stored.
    #[error(
        "the database failed during the commit, so the change may or may not have been stored; check before you repeat \
         it"
    )]
    Unknown(#[source] BackendError),
}

hardtack::__debug_as_sentence!(UserChangeError);
