//! The trait for sending emails.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;

use super::Mail;

/// Sends the site's emails. An implementation can use an SMTP library or a program such as `sendmail`.
/// [`Outbox`](super::Outbox) writes the emails to a folder instead.
///
/// ```
/// use hardtack_accounts::mail::{Mail, MailError, Mailer};
///
/// struct Printer;
///
/// impl Mailer for Printer {
///     async fn send(&self, mail: &Mail) -> Result<(), MailError> {
///         println!("{} to {}", mail.subject(), mail.to().as_str());
///         Ok(())
///     }
/// }
/// ```
pub trait Mailer: Send + Sync + 'static {
    /// Sends one message.
    ///
    /// If this method returns an error, the error is logged, but the email is not. After a pause, the site composes the
    /// message again and retries. It keeps retrying for about a day, but never retries after [`MailError::refused`]. If
    /// the process is killed while it is sending a message, or if a message was delivered although this method returned
    /// an error, the user may get that message twice. The links in both messages work.
    ///
    /// Up to 50 messages are sent at once. An attempt to send a message is canceled after 30 seconds and counts as a
    /// failure.
    fn send(&self, mail: &Mail) -> impl Future<Output = Result<(), MailError>> + Send;
}

/// Why a [`Mailer`] could not send a message. The cause appears in the log.
#[derive(thiserror::Error)]
#[error("the email was not sent, or its delivery was not confirmed")]
pub struct MailError {
    #[source]
    cause: Box<dyn Error + Send + Sync>,
    kind: FailureKind,
}

/// What a failure means for this message and for other messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailureKind {
    /// The site will try to send this message again later.
    Temporary,
    /// No message can be sent now.
    Outage,
    /// This message will never be sent.
    Refused,
}

hardtack::__debug_as_sentence!(MailError);

impl MailError {
    /// Wraps an error from the mail library, or a string that describes the error. The cause must not contain the email
    /// itself, because an email may include a link that is as powerful as a password.
    ///
    /// The site retries after 2 seconds. As long as the attempts fail, the delay between them grows, up to an hour. If
    /// three different emails in a row cannot be sent, the site assumes an outage, and the delay grows to at most 20
    /// seconds.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { cause: cause.into(), kind: FailureKind::Temporary }
    }

    /// Like [`new`](Self::new), but for an error that is unrelated to the email itself, such as a mail server that is
    /// unreachable or rejects the site's log-in. After such an error, the site tries to send only one email at a time,
    /// with pauses of up to 20 seconds. As soon as one email has been sent, all the others are sent, too.
    ///
    /// Do not use this error if the problem may be with the recipient, for example because the mailbox is slow or full.
    /// Otherwise, strangers who sign up with such addresses could delay other users' emails.
    pub fn outage(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { cause: cause.into(), kind: FailureKind::Outage }
    }

    /// Like [`new`](Self::new), but for an email that the mail server permanently rejects, for example because the
    /// mailbox does not exist (SMTP reply 5xx). The site discards the email and logs `mail_refused`.
    pub fn refused(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { cause: cause.into(), kind: FailureKind::Refused }
    }

    pub(super) const fn kind(&self) -> FailureKind {
        self.kind
    }
}

type SendFuture<'a> = Pin<Box<dyn Future<Output = Result<(), MailError>> + Send + 'a>>;

/// An object-safe [`Mailer`].
pub(super) trait ErasedMailer: Send + Sync {
    fn send<'a>(&'a self, mail: &'a Mail) -> SendFuture<'a>;
}

impl<M: Mailer> ErasedMailer for M {
    fn send<'a>(&'a self, mail: &'a Mail) -> SendFuture<'a> {
        Box::pin(Mailer::send(self, mail))
    }
}
