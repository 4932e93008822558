//! The jobs of the mail workers.

use std::time::Duration;

use hardtack::clock::Timestamp;

use crate::activity::RequestInfo;
use crate::users::EmailAddress;

/// How many times a message is tried. Together with the pauses, that takes about a day.
pub(super) const MAX_ATTEMPTS: i64 = 30;

const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// A visitor asked to reset the password of the users who have confirmed this address. Anybody can ask, and nothing is
/// stored, so this job is only kept in memory.
pub(crate) struct ResetRequest {
    pub(crate) address: EmailAddress,
    pub(crate) request: RequestInfo,
}

/// The kind of email that follows a stored change of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobKind {
    /// A user has replaced a confirmed address, which is sent a link that undoes it.
    EmailChanged,
    /// A user has a new password, set by a link that was sent by mail.
    PasswordReset,
    /// A user has a new password, set by a link that an operator has created.
    PasswordSet,
    /// A user has an unconfirmed address, which is sent a link that confirms it.
    ConfirmEmail,
}

impl JobKind {
    const ALL: [Self; 4] = [Self::EmailChanged, Self::PasswordReset, Self::PasswordSet, Self::ConfirmEmail];

    /// Returns the name that is stored in the database.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::EmailChanged => "email_changed",
            Self::PasswordReset => "password_reset",
            Self::PasswordSet => "password_set",
            Self::ConfirmEmail => "confirm_email",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Returns the subject of the message.
    pub(super) const fn subject(self) -> &'static str {
        match self {
            Self::EmailChanged => "Your email address was changed",
            Self::PasswordReset | Self::PasswordSet => "Your password was changed",
            Self::ConfirmEmail => "Confirm your email address",
        }
    }

    pub(super) const fn rank(self) -> Rank {
        match self {
            Self::EmailChanged | Self::PasswordReset | Self::PasswordSet => Rank::Warning,
            Self::ConfirmEmail => Rank::Other,
        }
    }
}

/// The order of jobs. Warnings are sent first.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rank {
    Warning = 0,
    Other = 1,
}

/// A stored job that this process has claimed.
pub(super) struct MailJob {
    pub(super) number: i64,
    /// The number of this attempt, from 1.
    pub(super) attempt: i64,
    pub(super) kind: JobKind,
    pub(super) user_id: String,
    pub(super) username: String,
    /// The recipient.
    pub(super) address: String,
    /// The user's `email_version` after the change.
    pub(super) email_version: i64,
    /// The current time by the clock of the request: the time of the request plus the age of the job.
    pub(super) now: Timestamp,
}

impl MailJob {
    /// Returns how long to wait before the next attempt, or `None` if this one was the last.
    pub(super) fn pause(&self) -> Option<Duration> {
        let doublings = u32::try_from(2 * (self.attempt - 1)).unwrap_or_default().min(16);
        (self.attempt < MAX_ATTEMPTS).then(|| (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_an_hour_and_end_after_a_day() {
        let job = |attempt| MailJob {
            number: 1,
            attempt,
            kind: JobKind::EmailChanged,
            user_id: String::new(),
            username: String::new(),
            address: String::new(),
            email_version: 1,
            now: Timestamp::default(),
        };
        let pauses: Vec<_> = (1..).map_while(|attempt| job(attempt).pause()).map(|pause| pause.as_secs()).collect();
        assert_eq!(pauses[..8], [2, 8, 32, 128, 512, 2048, 3600, 3600]);
        assert!(pauses.is_sorted() && pauses.last() == Some(&3600));
        let total: u64 = pauses.iter().sum();
        assert!((20 * 3600..28 * 3600).contains(&total), "{total}");
    }

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        for kind in JobKind::ALL {
            assert_eq!(JobKind::named(kind.name()), Some(kind));
        }
        assert_eq!(JobKind::named("else"), None);
    }
}
