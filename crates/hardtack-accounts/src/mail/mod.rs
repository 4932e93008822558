//! Letters to users: what they say, and how they leave.
//!
//! No request waits for one: what has to be looked up and written is done by a task behind a queue, so that
//! an answer tells nobody whether there was anything to send.

mod letter;
mod mailer;
mod outbox;
mod post;

pub use letter::Mail;
pub(crate) use letter::Sender;
pub use mailer::{MailError, Mailer};
pub use outbox::Outbox;
pub(crate) use post::{Errand, Post};
