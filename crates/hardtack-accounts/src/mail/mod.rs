//! Email to users: the messages, and how they are sent.
//!
//! The site composes the messages. The application supplies a [`Mailer`] that sends them, and turns mail on with
//! [`Accounts::with_mail`](crate::Accounts::with_mail). [`Outbox`] writes messages to files for development and
//! tests.
//!
//! No request waits for mail, so a response does not reveal whether there was anything to send. Messages are queued in
//! the database: those that follow a stored change in the transaction of that change, and those with a reset link by a
//! background task that looks up whose the address is. Messages that anyone can request are limited for each address,
//! user and client.

mod dispatcher;
mod fair_queue;
mod job;
mod job_store;
mod letter;
mod limits;
mod mailer;
mod message;
mod outage;
mod outbox;
mod queue;
mod reset_request;
mod sent;
mod templates;
mod worker;

pub(crate) use job::{JobKind, NewJob};
pub(crate) use job_store::MailJobStore;
pub(crate) use limits::MailLimit;
pub use mailer::{MailError, Mailer};
pub use message::Mail;
pub use outbox::Outbox;
pub(crate) use queue::MailQueue;
pub(crate) use reset_request::ResetRequest;
pub(crate) use sent::{prune as prune_sent, was_sent};
pub(crate) use templates::MailTemplates;
pub(crate) use worker::MailWorker;
