//! The kinds of attempts that are counted.

/// The kinds of attempts. Log lines contain the name of the kind.
/// [`Throttling::by_address`](super::Throttling::by_address) and [`Throttling::by_user`](super::Throttling::by_user)
/// have a separate counter for each kind of attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tried {
    /// A log-in from a device on which the user has not logged in before.
    LogIn,
    /// A log-in from a device on which the user has logged in before.
    LogInOfDevice,
    /// The password of a user who is logged in and enters it again.
    PasswordAgain,
    SignUp,
    /// A request for a link to reset the password.
    ResetRequest,
    /// A request for a link to confirm an address.
    ConfirmationRequest,
    /// A link from an email or an administrator.
    Link,
}

impl Tried {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::LogIn => "log_in",
            Self::LogInOfDevice => "log_in_of_known_device",
            Self::PasswordAgain => "password",
            Self::SignUp => "sign_up",
            Self::ResetRequest => "reset_request",
            Self::ConfirmationRequest => "confirmation_request",
            Self::Link => "link",
        }
    }
}
