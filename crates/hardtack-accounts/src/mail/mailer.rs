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
    /// If this fails, the error is logged, but not the message. A message that follows a stored change, such as a new
    /// address or password, is composed and sent again after a pause, for about a day. One with a link for a forgotten
    /// password is not: the user can request another one. A message may be sent twice if the process is killed.
    ///
    /// Up to four messages are sent at once. One that follows a change is cancelled if it takes longer than a minute.
    fn send(&self, mail: &Mail) -> impl Future<Output = Result<(), MailError>> + Send;
}

/// The error of a [`Mailer`] that could not send a message. The log shows its cause.
#[derive(Debug, thiserror::Error)]
#[error("the email was not sent")]
pub struct MailError(#[source] Box<dyn Error + Send + Sync>);

impl MailError {
    /// Wraps the error of the mail library, or a text that describes it. It must not contain the message, which
    /// may include a link that is as powerful as a password.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
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
