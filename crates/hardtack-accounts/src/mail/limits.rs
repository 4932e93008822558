//! Limits how many emails are sent in an hour.
//!
//! Each kind of email has its own limits, so that emails of one kind cannot hold back emails of another. The kinds
//! differ in who can trigger them:
//!
//! - Anyone can request a confirmation, for any address.
//! - Anyone can request a reset link, but it is sent only to an address that a user has confirmed.
//! - Only someone who has the account's password or a single-use link can trigger a warning.
//!
//! The counts are in the database, which all servers share. Emails that are still in the queue count as well. The
//! limits therefore hold even in the hour after a mail server outage, when the queued emails are sent.

use std::time::Duration;

use hardtack::clock::Timestamp;

use super::JobKind;
use super::mailbox::{address, mailbox};

/// The period over which emails are counted.
pub(super) const WINDOW: Duration = Duration::from_secs(60 * 60);

/// The maximum number of confirmations to one mailbox, for all users and clients together.
const CONFIRMATIONS: usize = 4;

/// The maximum number of reset links to one address. If several users have confirmed the address, up to five of them
/// get a link.
const RESETS: usize = 5;

/// The maximum number of emails of one kind to one address for the same user. One client also cannot request more than
/// this many confirmations to one mailbox.
const OF_USER: usize = 3;

/// The maximum number of emails of one kind for the same user, to all addresses together.
const OF_USER_IN_ALL: usize = 10;

/// The maximum number of emails of one kind that one client can request, to all addresses together. The limit is high
/// because many people might share a client's IP address.
const OF_SOURCE: usize = 100;

/// Returns how many warnings of this kind may be sent to one user at one address within the [`WINDOW`]. Further
/// warnings wait. Returns `None` if warnings of this kind never wait.
pub(super) const fn warnings(kind: JobKind) -> Option<usize> {
    match kind {
        // This warning needs no limit, because it is rare: each change requires an address that was confirmed after the
        // previous change.
        JobKind::EmailChanged => None,
        // One email is enough, because the next email lists all devices that are new since the last email.
        JobKind::NewDevice => Some(1),
        _ => Some(5),
    }
}

/// The earlier emails of the same kind that count toward the limits when another email is requested.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// For each email to the same mailbox, the client that requested it.
    pub(super) to_mailbox: Vec<String>,
    /// When each email for the same user to the same address was sent. For a queued email, this is the current time.
    /// Includes emails that were withheld.
    pub(super) of_user: Vec<Timestamp>,
    /// Like `of_user`, but for the same user's emails to all addresses. Includes emails that were withheld.
    pub(super) of_user_in_all: Vec<Timestamp>,
    /// Like `of_user`, but for the emails that the same client has requested. Includes emails that were withheld.
    pub(super) of_source: Vec<Timestamp>,
}

/// What happens to a requested email.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The email is sent.
    Send,
    /// The email is not sent, because too many emails have gone to its recipient. Other people might have requested
    /// these emails. The user must not be told, because this would reveal that other people have entered the address.
    Withhold,
    /// The email is not sent, because the user or the client has requested too many emails. It is safe to tell the user
    /// why.
    Refuse(MailLimit),
}

impl Decision {
    /// Returns the limit that was reached, if the user may be told about it.
    pub(crate) fn refusal(self) -> Option<MailLimit> {
        match self {
            Self::Refuse(limit) => Some(limit),
            Self::Send | Self::Withhold => None,
        }
    }

    /// Returns the limit's name for the log, or `None` if the email is sent.
    pub(super) const fn limit_name(&self) -> Option<&'static str> {
        match self {
            Self::Send => None,
            Self::Withhold => Some("address"),
            Self::Refuse(MailLimit { reached: Reached::Source, .. }) => Some("client"),
            Self::Refuse(_) => Some("user"),
        }
    }
}

/// A limit that an email request has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MailLimit {
    pub(super) reached: Reached,
    /// How long to wait until the next request can succeed.
    pub(crate) retry_after: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    User,
    UserInAll,
    Source,
}

impl MailLimit {
    /// Returns a message that says why no email was sent to `address`, and what the user can do.
    pub(crate) fn explain(&self, address: &str) -> String {
        let minutes = self.retry_after.as_secs().div_ceil(60).max(1);
        let again = match minutes {
            1 => "in a minute".to_owned(),
            _ => format!("in {minutes} minutes"),
        };
        match self.reached {
            Reached::User => format!(
                "We have already sent three emails to {address} in the last hour. Check your spam folder, or try again \
                 {again}."
            ),
            Reached::UserInAll => {
                format!("Too many emails were requested for this account in the last hour. Try again {again}.")
            }
            Reached::Source => {
                format!("Too many emails were requested from your network in the last hour. Try again {again}.")
            }
        }
    }
}

/// Decides whether a newly requested email is sent, withheld or refused.
pub(super) fn decide(kind: JobKind, source: &str, sent: Sent, now: Timestamp) -> Decision {
    let own = [
        (Reached::User, OF_USER, sent.of_user),
        (Reached::UserInAll, OF_USER_IN_ALL, sent.of_user_in_all),
        (Reached::Source, OF_SOURCE, sent.of_source),
    ];
    let waits = own.into_iter().filter_map(|(reached, bound, mut at)| {
        // If the maximum is reached, the next email has to wait until enough of the counted emails are older than the
        // window.
        at.sort_unstable();
        let oldest = *at.get(at.len().checked_sub(bound)?)?;
        Some(MailLimit { reached, retry_after: (oldest + WINDOW).since(now) })
    });
    // If several limits require the same wait, the first one is returned.
    if let Some(limit) =
        waits.reduce(|longest, next| if next.retry_after > longest.retry_after { next } else { longest })
    {
        return Decision::Refuse(limit);
    }
    let of_client = sent.to_mailbox.iter().filter(|own| !source.is_empty() && *own == source).count();
    let is_full = match kind {
        // One request for a reset link triggers an email to each user with this address, so [`OF_USER`] does not limit
        // the client here.
        JobKind::ResetPassword => sent.to_mailbox.len() >= RESETS,
        _ => sent.to_mailbox.len() >= CONFIRMATIONS || of_client >= OF_USER,
    };
    if is_full { Decision::Withhold } else { Decision::Send }
}

/// Returns the key under which emails of this kind to this address are counted. An address that someone has entered
/// might belong to a stranger, so confirmations are counted per mailbox. All other emails go to confirmed addresses,
/// and are counted per address. With some providers, `ada+1@…` and `ada@…` are different people's mailboxes, and the
/// owner of `ada+1@…` must not be able to use up the emails to `ada@…`.
pub(super) fn address_key(kind: JobKind, text: &str) -> String {
    match kind {
        JobKind::ConfirmEmail => mailbox(text),
        _ => address(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_796_040_000);

    fn minutes_ago(minutes: u64) -> Timestamp {
        NOW - Duration::from_secs(60 * minutes)
    }

    fn refusal(sent: Sent) -> Option<(Reached, u64)> {
        match decide(JobKind::ConfirmEmail, "192.0.2.1", sent, NOW) {
            Decision::Refuse(limit) => Some((limit.reached, limit.retry_after.as_secs() / 60)),
            Decision::Send => None,
            Decision::Withhold => panic!("withheld"),
        }
    }

    #[test]
    fn l3_each_bound_ends_when_the_oldest_email_is_an_hour_old() {
        let three = || (0..3).map(|n| minutes_ago(10 * n)).collect::<Vec<_>>();
        assert_eq!(refusal(Sent { of_user: three(), ..Sent::default() }), Some((Reached::User, 40)));
        assert_eq!(refusal(Sent { of_user: three()[..2].to_vec(), ..Sent::default() }), None);
        // The maximum has been lowered, and more emails have already been sent than it now allows. The next email has
        // to wait until enough of the earlier ones are an hour old.
        let seven = (0..7).map(minutes_ago).collect();
        assert_eq!(refusal(Sent { of_user: seven, ..Sent::default() }), Some((Reached::User, 58)));
        let both = |of_user, of_source| {
            let (of_user_in_all, of_source) = (vec![NOW; of_user], vec![NOW; of_source]);
            refusal(Sent { of_user_in_all, of_source, ..Sent::default() }).map(|(reached, _)| reached)
        };
        assert_eq!(both(OF_USER_IN_ALL - 1, OF_SOURCE - 1), None);
        assert_eq!(both(0, OF_SOURCE), Some(Reached::Source));
        assert_eq!(both(OF_USER_IN_ALL, 0), Some(Reached::UserInAll));
    }

    #[test]
    fn l3_emails_that_others_caused_withhold_the_next_one_silently() {
        use JobKind::{ConfirmEmail, ResetPassword};
        let is_withheld = |kind, source, sources: &[&str]| {
            let to_mailbox = sources.iter().map(|source| (*source).to_owned()).collect();
            let decision = decide(kind, source, Sent { to_mailbox, ..Sent::default() }, NOW);
            assert!(matches!(decision, Decision::Send | Decision::Withhold), "{decision:?}");
            decision == Decision::Withhold
        };
        // Confirmations to one mailbox can be requested by one client (for example, one that creates accounts) or by
        // several clients.
        assert!(is_withheld(ConfirmEmail, "a", &["a", "a", "a"]));
        assert!(!is_withheld(ConfirmEmail, "b", &["a", "a", "a"]));
        assert!(!is_withheld(ConfirmEmail, "", &["", "", ""]));
        assert!(is_withheld(ConfirmEmail, "e", &["a", "b", "c", "d"]));
        assert!(!is_withheld(ResetPassword, "a", &["a", "a", "a", "a"]));
        assert!(is_withheld(ResetPassword, "a", &["a", "a", "a", "a", "b"]));
    }

    #[test]
    fn l3_the_text_says_what_to_do() {
        let limit = |reached, seconds| MailLimit { reached, retry_after: Duration::from_secs(seconds) };
        let text = limit(Reached::User, 601).explain("ada@mail.example");
        assert!(text.starts_with("We have already sent three emails to ada@mail.example in the last hour."), "{text}");
        assert!(text.ends_with("Check your spam folder, or try again in 11 minutes."), "{text}");
        assert!(limit(Reached::Source, 0).explain("").ends_with("Try again in a minute."));
    }

    #[test]
    fn l3_only_confirmations_are_counted_for_the_mailbox() {
        assert_eq!(address_key(JobKind::ConfirmEmail, "Ada+1@Mail.Example"), "ada@mail.example");
        for kind in [JobKind::ResetPassword, JobKind::NewDevice] {
            assert_eq!(address_key(kind, "Ada+1@Mail.Example"), "ada+1@mail.example");
        }
    }
}
