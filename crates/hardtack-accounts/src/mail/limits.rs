//! Limits how many confirmations and reset links are sent in an hour.
//!
//! A stranger can enter the address to which such an email is sent. So these emails are limited for each address, user
//! and client. The counts are in the database, which all servers share. Emails that wait in the queue are counted too,
//! so the limits hold even in the hour after an outage of the mail server. Warnings are counted as well, but these
//! limits do not hold them back.

use std::time::Duration;

use hardtack::clock::Timestamp;

use super::JobKind;

/// The time in which emails are counted.
pub(super) const WINDOW: Duration = Duration::from_secs(60 * 60);

/// How many emails of all kinds go to one address.
const TO_ADDRESS: usize = 5;

/// How many of the [`TO_ADDRESS`] emails may be of one kind. Even if strangers request that many confirmations, a reset
/// link can still be sent.
const TO_ADDRESS_OF_KIND: usize = 4;

/// How many emails of one kind go to one address for the same user, or because of requests from the same client.
const OF_USER: usize = 3;

/// How many emails of one kind are sent for the same user, to all addresses together.
const OF_USER_IN_ALL: usize = 10;

/// How many emails of one kind are sent because of requests from the same client, to all addresses together. The limit
/// is high because many people may share a client's IP address.
const OF_SOURCE: usize = 100;

/// How many warnings go to one address before further ones wait.
pub(super) const WARNINGS: usize = 5;

/// An email that has been sent to an address within the [`WINDOW`], or is queued for that address.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    pub(super) kind: String,
    pub(super) user_id: String,
    pub(super) source: String,
    /// When the email was sent. If it is still queued, the current time.
    pub(super) at: Timestamp,
}

/// The earlier emails that count when another email is requested.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) to_address: Vec<Counted>,
    /// For each email of the same kind for the same user, to any address: when the email was sent, or the current time
    /// if it is still queued.
    pub(super) of_user: Vec<Timestamp>,
    /// The same times for emails of the same kind that the same client has requested.
    pub(super) of_source: Vec<Timestamp>,
}

/// A limit that a request for an email has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MailLimit {
    pub(super) reached: Reached,
    /// When the next request can succeed.
    pub(crate) retry_after: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    OfUser,
    OfUserInAll,
    ToAddress,
    OfSource,
}

impl MailLimit {
    /// Says why no email was sent to `address`, and what to do.
    pub(crate) fn explain(&self, address: &str) -> String {
        let minutes = self.retry_after.as_secs().div_ceil(60).max(1);
        let again = match minutes {
            1 => "in a minute".to_owned(),
            _ => format!("in {minutes} minutes"),
        };
        match self.reached {
            Reached::OfUser => format!(
                "We have already sent three emails to {address} in the last hour. Look in the spam folder, or try \
                 again {again}."
            ),
            Reached::OfUserInAll => {
                format!("Too many emails were requested for this account in the last hour. Try again {again}.")
            }
            Reached::ToAddress => format!(
                "We have already sent the maximum number of emails for one hour to {address}. Look in the spam \
                 folder, or try again {again}."
            ),
            Reached::OfSource => {
                format!("Too many emails were requested from your network in the last hour. Try again {again}.")
            }
        }
    }

    /// Returns the name that the log uses for this limit.
    pub(crate) const fn name(&self) -> &'static str {
        match self.reached {
            Reached::OfUser | Reached::OfUserInAll => "user",
            Reached::ToAddress => "address",
            Reached::OfSource => "client",
        }
    }
}

/// Returns the limit that one more email would exceed.
pub(super) fn limit(kind: JobKind, user_id: &str, source: &str, sent: Sent, now: Timestamp) -> Option<MailLimit> {
    let at = |matches: &dyn Fn(&Counted) -> bool| -> Vec<Timestamp> {
        sent.to_address.iter().filter(|counted| matches(counted)).map(|counted| counted.at).collect()
    };
    let of_kind = |counted: &Counted| counted.kind == kind.name();
    let by_client = |counted: &Counted| !source.is_empty() && counted.source == source;
    let bounds = [
        (Reached::OfUser, OF_USER, at(&|counted| of_kind(counted) && counted.user_id == user_id)),
        (Reached::ToAddress, OF_USER, at(&|counted| of_kind(counted) && by_client(counted))),
        (Reached::ToAddress, TO_ADDRESS_OF_KIND, at(&of_kind)),
        (Reached::ToAddress, TO_ADDRESS, at(&|_| true)),
        (Reached::OfUserInAll, OF_USER_IN_ALL, sent.of_user),
        (Reached::OfSource, OF_SOURCE, sent.of_source),
    ];
    let waits = bounds.into_iter().filter_map(|(reached, bound, mut at)| {
        // If the bound is reached, the next email has to wait until enough of the counted ones are older than the
        // window.
        at.sort_unstable();
        let oldest = *at.get(at.len().checked_sub(bound)?)?;
        Some(MailLimit { reached, retry_after: (oldest + WINDOW).since(now) })
    });
    // If several limits last equally long, the first one is returned.
    waits.reduce(|longest, next| if next.retry_after > longest.retry_after { next } else { longest })
}

/// Returns the key by which emails to an address are counted. It omits a tag such as `+shop` and ignores case, because
/// many providers deliver `ada+shop@…` and `Ada@…` to `ada@…`.
pub(super) fn address_key(address: &str) -> String {
    let address = address.to_lowercase();
    match address.split_once('@').and_then(|(local, domain)| Some((local.split_once('+')?.0, domain))) {
        Some((local, domain)) if !local.is_empty() => format!("{local}@{domain}"),
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_796_040_000);

    fn sent(kind: JobKind, user: &str, source: &str, minutes_ago: u64) -> Counted {
        let at = NOW - Duration::from_secs(60 * minutes_ago);
        Counted { kind: kind.name().to_owned(), user_id: user.to_owned(), source: source.to_owned(), at }
    }

    fn next(kind: JobKind, user: &str, source: &str, counted: &[Counted]) -> Option<(Reached, u64)> {
        let sent = Sent { to_address: counted.to_vec(), ..Sent::default() };
        let limit = limit(kind, user, source, sent, NOW)?;
        Some((limit.reached, limit.retry_after.as_secs() / 60))
    }

    #[test]
    fn l3_each_bound_ends_when_the_oldest_email_is_an_hour_old() {
        use JobKind::{ConfirmEmail, PasswordChanged, ResetPassword};
        let three: Vec<_> = (0..3).map(|n| sent(ConfirmEmail, "ada", "", 10 * n)).collect();
        assert_eq!(next(ConfirmEmail, "ada", "", &three), Some((Reached::OfUser, 40)));
        assert_eq!(next(ConfirmEmail, "ada", "", &three[..2]), None);
        assert_eq!(next(ResetPassword, "ada", "", &three), None);
        assert_eq!(next(ConfirmEmail, "bob", "", &three), None);
        // A client that makes accounts.
        let three: Vec<_> = (0..3).map(|n| sent(ConfirmEmail, &n.to_string(), "192.0.2.1", 5)).collect();
        assert_eq!(next(ConfirmEmail, "bob", "192.0.2.1", &three), Some((Reached::ToAddress, 55)));
        assert_eq!(next(ConfirmEmail, "bob", "192.0.2.2", &three), None);
        // Clients that make accounts leave one email for another purpose.
        let mut four: Vec<_> = (0..4).map(|n| sent(ConfirmEmail, &n.to_string(), &n.to_string(), 5)).collect();
        assert_eq!(next(ConfirmEmail, "bob", "9", &four), Some((Reached::ToAddress, 55)));
        assert_eq!(next(ResetPassword, "bob", "9", &four), None);
        four.push(sent(PasswordChanged, "bob", "", 59));
        assert_eq!(next(ResetPassword, "bob", "9", &four), Some((Reached::ToAddress, 1)));
        // More than the bound, after a change of the bound: as many have to be old as there are too many.
        let seven: Vec<_> = (0..7).map(|n| sent(PasswordChanged, "bob", "", n)).collect();
        assert_eq!(next(ResetPassword, "bob", "", &seven), Some((Reached::ToAddress, 56)));
        let limit = |of_user, of_source| {
            let sent = Sent { to_address: Vec::new(), of_user: vec![NOW; of_user], of_source: vec![NOW; of_source] };
            limit(ConfirmEmail, "eve", "192.0.2.1", sent, NOW).map(|limit| (limit.reached, limit.retry_after))
        };
        assert_eq!(limit(OF_USER_IN_ALL - 1, OF_SOURCE - 1), None);
        assert_eq!(limit(0, OF_SOURCE), Some((Reached::OfSource, WINDOW)));
        assert_eq!(limit(OF_USER_IN_ALL, 0), Some((Reached::OfUserInAll, WINDOW)));
    }

    #[test]
    fn l3_the_text_says_what_to_do() {
        let limit = |reached, seconds| MailLimit { reached, retry_after: Duration::from_secs(seconds) };
        let text = limit(Reached::OfUser, 601).explain("ada@mail.example");
        assert!(text.starts_with("We have already sent three emails to ada@mail.example in the last hour."), "{text}");
        assert!(text.ends_with("Look in the spam folder, or try again in 11 minutes."), "{text}");
        assert!(limit(Reached::OfSource, 0).explain("").ends_with("Try again in a minute."));
    }

    #[test]
    fn l3_tags_do_not_make_another_address() {
        for (address, key) in [
            ("Ada@Mail.Example", "ada@mail.example"),
            ("ada+1@mail.example", "ada@mail.example"),
            ("ada+1+2@mail.example", "ada@mail.example"),
            ("+ada@mail.example", "+ada@mail.example"),
            ("ada@mail+1.example", "ada@mail+1.example"),
        ] {
            assert_eq!(address_key(address), key);
        }
    }
}
