//! The purposes of links, and how long each kind of link stays valid.

use std::time::Duration;

/// The purpose of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkPurpose {
    ConfirmEmail,
    ResetPassword,
    /// Sets a password with a link that an operator has created. No mail is involved.
    SetPassword,
    /// Restores the email address that the link was sent to. The site sends such a link to the old address when someone
    /// replaces the address.
    UndoEmail,
}

impl LinkPurpose {
    /// Returns the name that is stored in the database.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ConfirmEmail => "confirm_email",
            Self::ResetPassword => "reset_password",
            Self::SetPassword => "set_password",
            Self::UndoEmail => "undo_email",
        }
    }

    /// Returns how long a link for this purpose works.
    pub(crate) const fn lifetime(self) -> Duration {
        match self {
            Self::ConfirmEmail | Self::SetPassword => Duration::from_secs(24 * 60 * 60),
            Self::ResetPassword => Duration::from_secs(60 * 60),
            Self::UndoEmail => Duration::from_secs(7 * 24 * 60 * 60),
        }
    }
}
