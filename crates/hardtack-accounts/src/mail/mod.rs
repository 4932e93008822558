//! Email to users: the messages, and how they are sent.
//!
//! The site composes the messages. The application supplies a [`Mailer`] that sends them, and turns mail on with
//! [`Accounts::with_mail`](crate::Accounts::with_mail). [`Outbox`] writes messages to files for development and
//! tests.
//!
//! No request waits for mail. A background task looks up the user, creates the link and sends the message, so
//! a response does not reveal whether there was anything to send. A message that follows a stored change, such as a new
//! address, is queued in the database in the transaction of that change.

mod job;
mod job_store;
mod lane;
mod mailer;
mod message;
mod outbox;
mod queue;
mod templates;
mod worker;

pub(crate) use job::{JobKind, ResetRequest};
pub(crate) use job_store::MailJobStore;
pub use mailer::{MailError, Mailer};
pub use message::Mail;
pub use outbox::Outbox;
pub(crate) use queue::MailQueue;
pub(crate) use templates::MailTemplates;
pub(crate) use worker::MailWorker;
