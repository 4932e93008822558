//! The kinds of attempts that are counted.

/// The kinds of attempts. The name of the kind appears in log lines.
/// [`Throttling::by_address`](super::Throttling::by_address) and [`Throttling::by_user`](super::Throttling::by_user)
/// have a separate counter for each kind of attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tried {
    /// A log-in on a device where the user has not logged in before.
    LogIn,
    /// A log-in on a device where the user has logged in before.
    LogInOfDevice,
    /// A password that a logged-in user enters again.
    PasswordAgain,
    SignUp,
    /// A request for a password-reset link.
    ResetRequest,
    /// A request for a link that confirms an email address.
    ConfirmationRequest,
    /// The use of a link that was emailed or came from an administrator.
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
