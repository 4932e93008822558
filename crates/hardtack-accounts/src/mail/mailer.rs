//! The trait that sends emails.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;

use super::Mail;

/// Sends emails: over SMTP with a library of the application's choice, through a program such as `sendmail`, or
/// into a folder ([`Outbox`](super::Outbox)).
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
    /// If this fails, the error is logged, but not the message. The message is composed and sent again after a pause, for
    /// about a day. It may be sent twice if the process is killed.
    ///
    /// Up to eight messages are sent at once. One that takes longer than 30 seconds is cancelled, and counts as failed.
    fn send(&self, mail: &Mail) -> impl Future<Output = Result<(), MailError>> + Send;
}

/// The error of a [`Mailer`] that could not send a message. The log shows its cause.
#[derive(Debug, thiserror::Error)]
#[error("the email was not sent")]
pub struct MailError {
    #[source]
    cause: Box<dyn Error + Send + Sync>,
    is_outage: bool,
}

impl MailError {
    /// Wraps the error of the mail library, or a text that describes it. It must not contain the message, which
    /// may include a link that is as powerful as a password.
    ///
    /// The pauses before the message is sent again grow from 2 seconds to an hour.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { cause: cause.into(), is_outage: false }
    }

    /// Like [`new`](Self::new), for an error that has nothing to do with this message: the mail server cannot be reached,
    /// or refuses the log-in. One message is then tried every 20 seconds, and all of them as soon as one is sent.
    ///
    /// If three different messages in a row fail, that is assumed anyway.
    pub fn outage(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { cause: cause.into(), is_outage: true }
    }

    pub(super) const fn is_outage(&self) -> bool {
        self.is_outage
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
