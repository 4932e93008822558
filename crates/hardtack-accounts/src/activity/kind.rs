//! The kinds of activity that are recorded.

use hardtack::event::EventKind;

/// What happened to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ActivityKind {
    LogIn,
    /// A wrong password was entered, either at log-in or when the site asked for the password again.
    LogInFailed,
    LogOut,
    ReuseDetected,
    Revoked,
    PasswordChanged,
    Reauthenticated,
    EmailChanged,
    EmailConfirmed,
    /// A change of email address was undone through a link sent to the old address.
    EmailRestored,
    /// A password reset link was sent.
    ResetSent,
    /// The user has set a new password through an emailed link, which resets the password or undoes a change of address.
    PasswordReset,
    /// An operator has added the user.
    AccountAdded,
    Renamed,
    /// An operator has set the user's email address.
    EmailSet,
    /// An operator has created a link that lets the user set a new password.
    ResetStarted,
    /// The user has set a new password through a link from an operator.
    PasswordSet,
    Disabled,
    Enabled,
    /// An operator has logged the user out everywhere.
    LoggedOutByOperator,
}

impl ActivityKind {
    const ALL: [Self; 20] = [
        Self::LogIn,
        Self::LogInFailed,
        Self::LogOut,
        Self::ReuseDetected,
        Self::Revoked,
        Self::PasswordChanged,
        Self::Reauthenticated,
        Self::EmailChanged,
        Self::EmailConfirmed,
        Self::EmailRestored,
        Self::ResetSent,
        Self::PasswordReset,
        Self::AccountAdded,
        Self::Renamed,
        Self::EmailSet,
        Self::ResetStarted,
        Self::PasswordSet,
        Self::Disabled,
        Self::Enabled,
        Self::LoggedOutByOperator,
    ];

    /// Returns the kind of activity to record for an event of the `hardtack` crate, or `None` if the event is not
    /// recorded.
    pub(super) fn of_event(event: EventKind) -> Option<Self> {
        match event {
            EventKind::LogIn => Some(Self::LogIn),
            EventKind::LogOut => Some(Self::LogOut),
            EventKind::ReuseDetected | EventKind::ProofFailed => Some(Self::ReuseDetected),
            EventKind::Revoked => Some(Self::Revoked),
            EventKind::PasswordChanged => Some(Self::PasswordChanged),
            EventKind::Reauthenticated => Some(Self::Reauthenticated),
            _ => None,
        }
    }

    /// Returns the stable name that is stored in the database and sent to API clients.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::LogIn => "login",
            Self::LogInFailed => "login_failed",
            Self::LogOut => "logout",
            Self::ReuseDetected => "reuse_detected",
            Self::Revoked => "revoked",
            Self::PasswordChanged => "password_changed",
            Self::Reauthenticated => "reauthenticated",
            Self::EmailChanged => "email_changed",
            Self::EmailConfirmed => "email_confirmed",
            Self::EmailRestored => "email_restored",
            Self::ResetSent => "reset_sent",
            Self::PasswordReset => "password_reset",
            Self::AccountAdded => "account_added",
            Self::Renamed => "renamed",
            Self::EmailSet => "email_set",
            Self::ResetStarted => "reset_started",
            Self::PasswordSet => "password_set",
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
            Self::LoggedOutByOperator => "logged_out_by_operator",
        }
    }

    /// Returns the kind with this name. Returns `None` if the name is unknown, for example because a newer version
    /// wrote it.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Returns the text that the user reads.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::LogIn => "Logged in",
            Self::LogInFailed => "Wrong password entered",
            Self::LogOut => "Logged out",
            Self::ReuseDetected => "Copied cookie detected: device logged out",
            Self::Revoked => "Device logged out",
            Self::PasswordChanged => "Password changed",
            Self::Reauthenticated => "Password confirmed",
            Self::EmailChanged => "Email address changed",
            Self::EmailConfirmed => "Email address confirmed",
            Self::EmailRestored => "Old email address restored with a link from an email",
            Self::ResetSent => "Password reset link sent",
            Self::PasswordReset => "Password set with a link from an email",
            Self::AccountAdded => "Account created by an administrator",
            Self::Renamed => "User name changed by an administrator",
            Self::EmailSet => "Email address set by an administrator",
            Self::ResetStarted => "Password reset link created by an administrator",
            Self::PasswordSet => "Password set with a link from an administrator",
            Self::Disabled => "Account disabled by an administrator",
            Self::Enabled => "Account enabled by an administrator",
            Self::LoggedOutByOperator => "All devices logged out by an administrator",
        }
    }

    /// Returns whether an attacker might have caused activity of this kind.
    pub(crate) const fn is_suspicious(self) -> bool {
        matches!(self, Self::LogInFailed | Self::ReuseDetected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in ActivityKind::ALL {
            assert_eq!(ActivityKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(ActivityKind::from_name("telepathy"), None);
        // The names must match the event names in the core's log.
        for event in [EventKind::LogIn, EventKind::LogOut, EventKind::ReuseDetected, EventKind::Revoked] {
            assert_eq!(ActivityKind::of_event(event).map(ActivityKind::name), Some(event.name()));
        }
        assert_eq!(ActivityKind::of_event(EventKind::Refresh), None);
    }
}
