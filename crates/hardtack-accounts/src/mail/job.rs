//! Jobs for the mail workers.

use std::time::Duration;

use hardtack::clock::Timestamp;

use super::mailbox::is_withheld;
use crate::users::EmailAddress;

/// A message is abandoned once it has been tried this many times and is also at least [`MIN_AGE`] old. With the usual
/// pauses, 30 attempts take about a day. The pauses are shorter while the mail server is down, so without the minimum
/// age, messages would be abandoned too early.
pub(super) const MIN_ATTEMPTS: i64 = 30;
const MIN_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// A queued message is deleted if no server has tried to send it within this time.
pub(super) const UNTRIED_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// The longest pause between two attempts while the mail server is down. Once the mail server has recovered, every
/// waiting message is sent within a minute.
pub(super) const LONGEST_OUTAGE_PAUSE: Duration = Duration::from_secs(20);

/// What an email is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobKind {
    /// A user has replaced a confirmed address. The email goes to the old address and contains a link that undoes the
    /// change. If an operator has ended the user's access since the change, the email contains no link.
    EmailChanged,
    /// A user has set a new password on the account page, or while undoing an email address change.
    PasswordChanged,
    /// A user has set a new password through a link that was sent by email.
    PasswordReset,
    /// A user has set a new password through a link that an operator has created.
    PasswordSet,
    /// A user has logged in on a device for the first time.
    NewDevice,
    /// An operator has changed the user name.
    Renamed,
    /// A user has an unconfirmed address. The email goes to this address and contains a link that confirms the address.
    ConfirmEmail,
    /// Someone has asked to reset the password of a user who has confirmed an address.
    ResetPassword,
}

impl JobKind {
    pub(super) const ALL: [Self; 8] = [
        Self::EmailChanged,
        Self::PasswordChanged,
        Self::PasswordReset,
        Self::PasswordSet,
        Self::NewDevice,
        Self::Renamed,
        Self::ConfirmEmail,
        Self::ResetPassword,
    ];

    /// Returns the name that is stored in the database.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::EmailChanged => "email_changed",
            Self::PasswordChanged => "password_changed",
            Self::PasswordReset => "password_reset",
            Self::PasswordSet => "password_set",
            Self::NewDevice => "new_device",
            Self::Renamed => "renamed",
            Self::ConfirmEmail => "confirm_email",
            Self::ResetPassword => "reset_password",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Returns the subject of the message.
    pub(super) const fn subject(self) -> &'static str {
        match self {
            Self::EmailChanged => "Your email address was changed",
            Self::PasswordChanged | Self::PasswordReset | Self::PasswordSet => "Your password was changed",
            Self::NewDevice => "New device logged in",
            Self::Renamed => "Your user name was changed",
            Self::ConfirmEmail => "Confirm your email address",
            Self::ResetPassword => "Choose a new password",
        }
    }

    /// Returns whether the email tells a user about something that has happened to the account. Anyone can request
    /// emails of the other kinds, so the site limits how many of those it sends.
    pub(crate) const fn is_warning(self) -> bool {
        !matches!(self, Self::ConfirmEmail | Self::ResetPassword)
    }

    pub(super) const fn rank(self) -> Rank {
        match self {
            Self::ConfirmEmail => Rank::Confirmation,
            Self::ResetPassword => Rank::Reset,
            _ => Rank::Warning,
        }
    }
}

/// The order in which messages are sent. Warnings come first. Confirmations come last, because an attacker can sign up
/// with any number of mailboxes that are slow on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rank {
    Warning = 0,
    Reset = 1,
    Confirmation = 2,
}

/// An email that is about to be queued.
#[derive(Clone, Copy)]
pub(crate) struct NewJob<'a> {
    pub(crate) kind: JobKind,
    pub(crate) user_id: &'a str,
    /// The recipient. If it is `None`, the email goes to the user's current address, which must be unconfirmed for a
    /// confirmation, and confirmed for any other email.
    pub(crate) address: Option<&'a EmailAddress>,
    /// Additional text for the message, such as the new device or the former user name. Empty for most kinds.
    pub(crate) detail: &'a str,
    /// The client that caused the email. Empty if no client caused it.
    pub(crate) source: &'a str,
    pub(crate) now: Timestamp,
}

/// A stored job that this process has claimed.
pub(super) struct MailJob {
    pub(super) number: i64,
    /// How many times the job has been claimed.
    pub(super) claim: i64,
    /// How many attempts to run the job have failed.
    pub(super) failures: i64,
    pub(super) kind: JobKind,
    pub(super) user_id: String,
    pub(super) username: String,
    /// The recipient.
    pub(super) address: String,
    /// The key by which emails to the recipient are counted; see `limits::address_key`.
    pub(super) address_key: String,
    /// Additional text for the message, such as the new device or the former user name. Empty for most kinds.
    pub(super) detail: String,
    /// The client that caused the email. Empty if no client caused it.
    pub(super) source: String,
    /// How long ago the job was added, by the database's clock.
    pub(super) age: Duration,
    /// When the email was requested, by the clock of the server that received the request.
    pub(super) requested_at: Timestamp,
}

impl MailJob {
    /// Returns the client that caused the email. If no client is known, returns the user's id. The dispatcher limits
    /// how many emails it sends at once for the same client or user.
    ///
    /// For a warning, always returns the user's id. If a thief changes an account, the warning must reach the owner
    /// soon. It must not wait for warnings to the thief's own accounts, which can have mailboxes that are slow on
    /// purpose.
    pub(super) fn whose(&self) -> &str {
        if self.source.is_empty() || self.kind.is_warning() { &self.user_id } else { &self.source }
    }

    /// Returns whether the email is counted, but not sent.
    pub(super) fn is_withheld(&self) -> bool {
        is_withheld(&self.address_key)
    }

    /// Returns the current time, by the clock of the server that received the request: the time of the request plus the
    /// job's age in whole minutes. If the job runs within a minute, the result is exactly the time of the request, so
    /// the lifetime of the link in the email begins with the request.
    pub(super) fn now(&self) -> Timestamp {
        self.requested_at + Duration::from_secs(self.age.as_secs() / 60 * 60)
    }

    /// Returns how long to wait before the next attempt if this attempt fails, or `None` if this attempt is the last.
    pub(super) fn pause(&self, in_outage: bool) -> Option<Duration> {
        if self.failures + 1 >= MIN_ATTEMPTS && self.age >= MIN_AGE {
            return None;
        }
        let doublings = u32::try_from(2 * self.failures).unwrap_or(u32::MAX).min(16);
        let longest = if in_outage { LONGEST_OUTAGE_PAUSE } else { LONGEST_PAUSE };
        Some((FIRST_PAUSE * 2_u32.pow(doublings)).min(longest))
    }
}

/// A claimed job that stays locked until the current transaction ends.
pub(super) struct Held {
    /// For a warning about a changed address: the user's `email_version` after the change, or `None` if the email must
    /// not contain a link that undoes the change.
    pub(super) undoes: Option<i64>,
}

#[cfg(test)]
impl MailJob {
    /// Returns a job for tests.
    pub(super) fn sample(kind: JobKind) -> Self {
        Self {
            number: 1,
            claim: 1,
            failures: 0,
            kind,
            user_id: String::new(),
            username: String::new(),
            address: String::new(),
            address_key: String::new(),
            detail: String::new(),
            source: String::new(),
            age: Duration::ZERO,
            requested_at: Timestamp::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(failures: i64, age: Duration) -> MailJob {
        MailJob { failures, age, ..MailJob::sample(JobKind::EmailChanged) }
    }

    #[test]
    fn pauses_grow_to_an_hour_and_end_after_a_day() {
        let (mut age, mut pauses) = (Duration::ZERO, Vec::new());
        while let Some(pause) = job(pauses.len() as i64, age).pause(false) {
            age += pause;
            pauses.push(pause.as_secs());
        }
        assert_eq!(pauses[..8], [2, 8, 32, 128, 512, 2048, 3600, 3600]);
        assert!(pauses.is_sorted() && pauses.last() == Some(&3600));
        assert!((24..28).contains(&(age.as_secs() / 3600)), "{age:?}");
    }

    #[test]
    fn pauses_stay_short_while_the_mail_server_is_out_of_order() {
        for failures in 0..10_000 {
            let pause = job(failures, Duration::from_secs(3600)).pause(true).unwrap();
            assert!(pause <= LONGEST_OUTAGE_PAUSE, "{failures}: {pause:?}");
        }
        assert_eq!(job(MIN_ATTEMPTS, MIN_AGE).pause(true), None);
        assert!(job(2, MIN_AGE * 10).pause(false).is_some(), "a wrong clock must not lose a warning");
    }

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        for kind in JobKind::ALL {
            assert_eq!(JobKind::named(kind.name()), Some(kind));
        }
        assert_eq!(JobKind::named("else"), None);
    }
}
