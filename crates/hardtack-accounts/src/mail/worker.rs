//! Errands that end in a letter, done behind a queue.

use std::fmt;
use std::sync::Arc;

use hardtack::Timestamp;
use hardtack::session::StoreError;

use super::letter::{News, Sender};
use super::mailer::ErasedMailer;
use super::{Mail, Mailer};
use crate::activity::{Kind, Recorder, Source};
use crate::links::{LinkStore, Purpose};
use crate::queue::Queue;
use crate::users::{EmailAddress, UserStore};

/// How many errands may wait.
const WAITING: usize = 256;

/// How many are taken from the queue at once.
const BATCH: usize = 16;

/// Something that may end in a letter.
pub(crate) enum Errand {
    /// Someone says that they forgot the password of whoever has this address.
    Forgotten { address: EmailAddress, source: Source },
    /// A user has an address that nobody has confirmed.
    Unconfirmed { user: String, at: Timestamp },
    /// A user has a new password by a link.
    PasswordReset { user: String, at: Timestamp },
    /// A confirmed address is no longer a user's.
    AddressChanged { username: String, before: EmailAddress, at: Timestamp },
}

/// The way to letters. Clones share the queue.
#[derive(Clone)]
pub(crate) struct Post(Queue<Errand>);

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Post")
    }
}

struct Office {
    users: UserStore,
    links: LinkStore,
    recorder: Recorder,
    sender: Sender,
    mailer: Box<dyn ErasedMailer>,
}

impl Post {
    /// Starts the task that writes letters. It ends with the last clone.
    pub(crate) fn start(
        users: UserStore,
        links: LinkStore,
        recorder: Recorder,
        sender: Sender,
        mailer: impl Mailer,
    ) -> Self {
        let office = Arc::new(Office { users, links, recorder, sender, mailer: Box::new(mailer) });
        Self(Queue::start("mail", WAITING, BATCH, move |errands: Vec<Errand>| {
            let office = Arc::clone(&office);
            async move {
                for errand in errands {
                    if let Err(error) = office.run(errand).await {
                        tracing::error!(event = "mail_lost", %error);
                    }
                }
            }
        }))
    }

    /// Nobody learns from this whether there is anything to do.
    pub(crate) fn send(&self, errand: Errand) {
        self.0.put(errand);
    }

    /// Waits until the errands before this are run, but not for long.
    pub(crate) async fn settle(&self) {
        self.0.settle().await;
    }
}

impl Office {
    async fn run(&self, errand: Errand) -> Result<(), StoreError> {
        match errand {
            Errand::Forgotten { address, source } => {
                for (id, username, own) in self.users.with_confirmed_email(&address).await? {
                    let Some(own) = EmailAddress::parse(&own) else { continue };
                    let Some(token) = self.links.make(&id, Purpose::ResetPassword, &own, source.at).await? else {
                        continue;
                    };
                    self.recorder.note(&id, Kind::ResetSent, &source);
                    self.deliver(self.sender.reset(own, &username, token.as_str(), source.at)).await;
                }
            }
            Errand::Unconfirmed { user, at } => {
                let Some(user) = self.users.active(&user).await?.filter(|user| !user.email_confirmed) else {
                    return Ok(());
                };
                let Some(address) = EmailAddress::parse(&user.email) else { return Ok(()) };
                if let Some(token) = self.links.make(&user.id, Purpose::ConfirmEmail, &address, at).await? {
                    self.deliver(self.sender.confirm(address, &user.username, token.as_str(), at)).await;
                }
            }
            Errand::PasswordReset { user, at } => {
                let Some(user) = self.users.active(&user).await? else { return Ok(()) };
                if let Some(address) = EmailAddress::parse(&user.email) {
                    self.deliver(self.sender.news(address, &user.username, News::PasswordReset, at)).await;
                }
            }
            Errand::AddressChanged { username, before, at } => {
                self.deliver(self.sender.news(before, &username, News::AddressChanged, at)).await;
            }
        }
        Ok(())
    }

    async fn deliver(&self, mail: Mail) {
        match self.mailer.send(&mail).await {
            Ok(()) => tracing::info!(event = "mail_sent", subject = mail.subject()),
            Err(error) => tracing::error!(event = "mail_failed", subject = mail.subject(), %error),
        }
    }
}
