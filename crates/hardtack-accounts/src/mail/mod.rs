//! Email to users: the messages, and how they are sent.
//!
//! The site composes the messages. The application supplies a [`Mailer`] that sends them, and passes it to
//! [`Accounts::with_mail`](crate::Accounts::with_mail), which turns mail on. [`Outbox`] writes messages to files, for
//! development and tests.
//!
//! No request waits until mail is sent, so a response does not reveal whether an email is sent. Messages wait in a
//! queue in the database. A message that reports a change is queued in the same transaction that stores the change. The
//! number of messages is limited for each kind of message, address, user and client.
//!
//! A background task queues the messages that contain reset links. The task waits a random amount of time, and then
//! looks up the users with the requested address. If there is no such user, the task does the same work.

mod dispatcher;
mod fair_queue;
mod job;
mod job_store;
mod letter;
mod limits;
mod mailbox;
mod mailer;
mod message;
mod outage;
mod outbox;
mod places;
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
