//! The kinds of things that are written down.

use hardtack::event::EventKind;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    LogIn,
    /// A wrong password, at the log-in or where it is asked for again.
    LogInFailed,
    LogOut,
    ReuseDetected,
    Revoked,
    PasswordChanged,
    Reauthenticated,
    EmailChanged,
    EmailConfirmed,
    /// A link for a new password was sent.
    ResetSent,
    PasswordReset,
}

impl Kind {
    const ALL: [Self; 11] = [
        Self::LogIn,
        Self::LogInFailed,
        Self::LogOut,
        Self::ReuseDetected,
        Self::Revoked,
        Self::PasswordChanged,
        Self::Reauthenticated,
        Self::EmailChanged,
        Self::EmailConfirmed,
        Self::ResetSent,
        Self::PasswordReset,
    ];

    /// What is written down of the authenticator's events.
    pub(super) fn of(event: EventKind) -> Option<Self> {
        match event {
            EventKind::LogIn => Some(Self::LogIn),
            EventKind::LogOut => Some(Self::LogOut),
            EventKind::ReuseDetected => Some(Self::ReuseDetected),
            EventKind::Revoked => Some(Self::Revoked),
            EventKind::PasswordChanged => Some(Self::PasswordChanged),
            EventKind::Reauthenticated => Some(Self::Reauthenticated),
            _ => None,
        }
    }

    /// A stable name: what stands in the database, and what programs get.
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
            Self::ResetSent => "reset_sent",
            Self::PasswordReset => "password_reset",
        }
    }

    /// The kind of that name; none for one that a newer program wrote.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What its owner reads.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::LogIn => "Logged in",
            Self::LogInFailed => "Wrong password",
            Self::LogOut => "Logged out",
            Self::ReuseDetected => "Stolen cookie used: that device was logged out",
            Self::Revoked => "Device logged out from elsewhere",
            Self::PasswordChanged => "Password changed",
            Self::Reauthenticated => "Password confirmed",
            Self::EmailChanged => "Email address changed",
            Self::EmailConfirmed => "Email address confirmed",
            Self::ResetSent => "Link for a new password sent",
            Self::PasswordReset => "Password reset by email",
        }
    }

    /// Whether it may be somebody else's doing.
    pub(crate) const fn is_grave(self) -> bool {
        matches!(self, Self::LogInFailed | Self::ReuseDetected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_again_by_its_name() {
        for kind in Kind::ALL {
            assert_eq!(Kind::named(kind.name()), Some(kind));
        }
        assert_eq!(Kind::named("telepathy"), None);
        // As the log has them.
        for event in [EventKind::LogIn, EventKind::LogOut, EventKind::ReuseDetected, EventKind::Revoked] {
            assert_eq!(Kind::of(event).map(Kind::name), Some(event.name()));
        }
        assert_eq!(Kind::of(EventKind::Refresh), None);
    }
}
