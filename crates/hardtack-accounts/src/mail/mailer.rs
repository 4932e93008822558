//! What sends letters.

use std::future::Future;
use std::pin::Pin;

use super::Mail;

/// Sends letters: over SMTP by whatever library the application has, by a program, or into a folder
/// ([`Outbox`](super::Outbox)).
///
/// ```
/// use hardtack_accounts::{Mail, MailError, Mailer};
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
    /// Hands a letter on. What fails is logged, without the letter, and not tried again: whoever waits for it
    /// asks for another.
    fn send(&self, mail: &Mail) -> impl Future<Output = Result<(), MailError>> + Send;
}

/// Why a letter did not leave.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct MailError(String);

impl MailError {
    /// In words that go to the log: without the letter, which has a link in it that is as good as a password.
    pub fn new(why: impl std::fmt::Display) -> Self {
        Self(why.to_string())
    }
}

type Sent<'a> = Pin<Box<dyn Future<Output = Result<(), MailError>> + Send + 'a>>;

/// [`Mailer`] behind a pointer.
pub(super) trait ErasedMailer: Send + Sync {
    fn send<'a>(&'a self, mail: &'a Mail) -> Sent<'a>;
}

impl<M: Mailer> ErasedMailer for M {
    fn send<'a>(&'a self, mail: &'a Mail) -> Sent<'a> {
        Box::pin(Mailer::send(self, mail))
    }
}
