//! `hardtack user`.

mod result;

use std::io::{self, IsTerminal, Write};

use hardtack::clock::{Clock, SystemClock};
use hardtack::jwt::Algorithm;
use hardtack::session::EndedSessions;
use hardtack::{Authenticator, AuthenticatorBuilder, KeySet};
use hardtack_accounts::{Accounts, UserChangeError, UserRecord};
use hardtack_sqlx::Database;
use tokio::runtime::Builder;

use self::result::{Sessions, print_changed, print_link, print_list};
use super::runtime;
use crate::config::{Config, missing_file};
use crate::error::Error;
use crate::stores::SessionStores;
use crate::subcommands::{NamedUser, UserCommand};
use crate::{keys, output, running, stores};

/// What to do if a change may or may not have been saved.
const LOOK_FIRST: &str = "look with `hardtack user list` before you repeat the command";

/// The maximum number of users that one query reads.
const PAGE: u32 = 500;

/// Lists users, or changes a user.
pub(super) fn run(command: &UserCommand) -> Result<(), Error> {
    let config = Config::load(command.flags())?;
    for warning in &config.warnings {
        output::print_error(warning);
    }
    let done = runtime::block_on(Builder::new_current_thread(), run_on_database(&config, command));
    done.map_err(|error| error.naming(&config.database))
}

async fn run_on_database(config: &Config, command: &UserCommand) -> Result<(), Error> {
    if let Some(file) = missing_file(&config.database) {
        return Err(Error::config(format_args!(
            "the database {} does not exist; set --data-dir or --database-url to the value that the servers use",
            file.display()
        )));
    }
    let database = config.database.open().await.map_err(Error::with_causes)?;
    stores::upgrade(config, &database).await?;
    let accounts = Accounts::open_migrated(database.clone()).await.map_err(Error::with_causes)?;
    let accounts = stores::with_sessions(accounts, config.redis.as_ref());
    // This process only queues mail. The servers send it.
    let accounts = if config.mail.is_some() { accounts.with_mail_of_servers() } else { accounts };
    let users = Users { config, database: &database, accounts: &accounts, json: command.json() };
    let result = users.run(command).await;
    // Before this process ends, write the activity to the database, so that the user can see it on the site.
    if !accounts.flush().await {
        output::print_error(
            "warning: the database is slow, so this change may be missing from the user's activity list",
        );
    }
    database.close().await;
    result
}

/// The accounts, plus the configuration and the database, which are needed to end a user's sessions.
struct Users<'a> {
    config: &'a Config,
    database: &'a Database,
    accounts: &'a Accounts,
    /// Whether the result is printed as JSON.
    json: bool,
}

impl Users<'_> {
    async fn run(&self, command: &UserCommand) -> Result<(), Error> {
        match command {
            UserCommand::List(_) => self.list().await,
            UserCommand::Add { user, email } => self.add(&user.name, email.as_deref().unwrap_or_default()).await,
            UserCommand::ResetLink(user) => self.reset_link(&user.name).await,
            UserCommand::SetEmail { user, email, confirmed } => self.set_email(&user.name, email, *confirmed).await,
            UserCommand::Rename { user, new_name } => self.rename(&user.name, new_name).await,
            UserCommand::Disable(user) => self.disable(&user.name).await,
            UserCommand::Enable(user) => self.enable(&user.name).await,
            UserCommand::LogOut(user) => self.log_out(&user.name).await,
            UserCommand::Delete { user, yes } => self.delete(user, *yes).await,
        }
    }

    async fn list(&self) -> Result<(), Error> {
        let (accounts, mut last) = (self.accounts, None::<String>);
        let next_page = async || {
            let page = accounts.list(last.as_deref(), PAGE).await.map_err(|error| Error::database(&error))?;
            last = page.last().map(|known| known.user.username.clone()).or(last.take());
            Ok(page)
        };
        print_list(self.json, next_page).await
    }

    async fn add(&self, name: &str, email: &str) -> Result<(), Error> {
        let site = self.site()?;
        let link = self.accounts.add(name, email, SystemClock.now()).await.map_err(|error| match error {
            UserChangeError::Unknown(error) => Error::outcome_unknown(
                &error,
                &format!(
                    "{LOOK_FIRST}; if the user exists, `hardtack user reset-link {name}` prints a link that sets the \
                     password"
                ),
            ),
            error => refused(error),
        })?;
        let name = &link.user.username;
        let text = format_args!("{name} was added, and can set a password with this link");
        print_link(self.json, text, format_args!("{name} was added"), &link, &site)
    }

    async fn reset_link(&self, name: &str) -> Result<(), Error> {
        let site = self.site()?;
        let link = self.accounts.reset_link(name, SystemClock.now()).await.map_err(refused)?;
        let name = &link.user.username;
        let text = format_args!("{name} can set a new password with this link");
        print_link(self.json, text, format_args!("a link for {name} was created"), &link, &site)
    }

    async fn set_email(&self, name: &str, email: &str, confirmed: bool) -> Result<(), Error> {
        let record = self.accounts.set_email(name, email, confirmed, SystemClock.now()).await.map_err(refused)?;
        let (name, email) = (&record.user.username, &record.user.email);
        let text = match (email.is_empty(), record.user.email_confirmed) {
            (true, _) => format!("{name} has no email address."),
            (false, true) => format!("{name}'s email address is {email}, which counts as confirmed."),
            (false, false) => {
                format!("{name}'s email address is {email}. The user can confirm the address on the account page.")
            }
        };
        print_changed(self.json, text, &record, None)
    }

    async fn rename(&self, name: &str, new: &str) -> Result<(), Error> {
        let store = self.session_store(name).await?;
        let (record, ended) = self.accounts.rename(name, new, SystemClock.now()).await.map_err(refused)?;
        let sessions = finish_ending(store, ended).await;
        let text = format!("{name} is now {}; {sessions}.", record.user.username);
        print_changed(self.json, text, &record, Some(sessions))
    }

    async fn disable(&self, name: &str) -> Result<(), Error> {
        let store = self.session_store(name).await?;
        let (record, ended) = found(self.accounts.disable(name, SystemClock.now()).await, name)?;
        let sessions = finish_ending(store, ended).await;
        let text = format!("{} is disabled; {sessions}.", record.user.username);
        print_changed(self.json, text, &record, Some(sessions))
    }

    async fn enable(&self, name: &str) -> Result<(), Error> {
        let record = found(self.accounts.enable(name, SystemClock.now()).await, name)?;
        print_changed(self.json, format!("{} can log in.", record.user.username), &record, None)
    }

    async fn log_out(&self, name: &str) -> Result<(), Error> {
        let store = self.session_store(name).await?;
        let (record, ended) = found(self.accounts.log_out(name, SystemClock.now()).await, name)?;
        let sessions = finish_ending(store, ended).await;
        let text = format!("{} is logged out; {sessions}.", record.user.username);
        print_changed(self.json, text, &record, Some(sessions))
    }

    async fn delete(&self, user: &NamedUser, yes: bool) -> Result<(), Error> {
        let name = &user.name;
        let store = self.session_store(name).await?;
        if !yes {
            let known = self.find(name).await?;
            ask_to_delete(&known.user.username)?;
        }
        let (record, ended) = self.accounts.delete(name).await.map_err(refused)?;
        let sessions = finish_ending(store, ended).await;
        let text = format!("{} is deleted; {sessions}.", record.user.username);
        print_changed(self.json, text, &record, Some(sessions))
    }

    async fn find(&self, name: &str) -> Result<UserRecord, Error> {
        let found = self.accounts.find_by_name(name).await.map_err(|error| Error::database(&error))?;
        found.ok_or_else(|| unknown(name))
    }

    /// Returns the site's public address, which is the beginning of every link.
    fn site(&self) -> Result<String, Error> {
        self.config.address.public_origin(&self.config.sources)?.ok_or_else(|| {
            Error::config(
                "a link cannot be created, because the site's public address is not set; set --base-url or \
                 HARDTACK_BASE_URL to the value that the servers use, such as https://site.example",
            )
        })
    }

    /// Connects to the session store. Returns an authenticator that uses the store, and the number of the user's
    /// sessions. Returns an inner `Err` if the store cannot be reached, or might not be the store that the servers use.
    /// Even then, the caller can still change the user, and the servers end the user's sessions.
    ///
    /// # Errors
    /// Returns an error if no user has the name, or if the servers keep their sessions elsewhere. In either case,
    /// nothing has been changed.
    async fn session_store(&self, name: &str) -> Result<Result<(Authenticator, usize), Error>, Error> {
        let store = running::check(self.database, self.config.redis.as_ref()).await?;
        // If this command can only record that sessions must end, they are ended by the servers that use the session
        // store with this id.
        self.accounts.set_session_store_id(store.id.as_deref());
        let id = self.find(name).await?.user.id;
        // This authenticator signs no tokens, so any key will do. `configure` lets `accounts` record that sessions must
        // end, even if the session store cannot be used. The servers then end the sessions.
        let builder = self.accounts.configure(Authenticator::builder(KeySet::new(keys::generate(Algorithm::HS256)?)));
        Ok(match store.usable {
            Ok(()) => self.connect(builder, &id).await,
            Err(error) => Err(error),
        })
    }

    async fn connect(&self, builder: AuthenticatorBuilder, id: &str) -> Result<(Authenticator, usize), Error> {
        let SessionStores { builder, .. } =
            stores::add_sessions(builder, self.database, self.config.redis.as_ref()).await?;
        let auth = builder.build().map_err(Error::with_causes)?;
        let failed = if stores::are_in_database(self.config.redis.as_ref()) { Error::database } else { Error::redis };
        let sessions = auth.sessions(id).await.map_err(|error| failed(&error))?.len();
        Ok((auth, sessions))
    }
}

/// Ends a user's sessions, and returns how many were ended. Call this function after the change to the user is
/// committed. The servers learn from the revocation log which sessions ended. If this command cannot reach the session
/// store, the servers end the sessions as soon as they can reach the store themselves.
async fn finish_ending(store: Result<(Authenticator, usize), Error>, ended: EndedSessions) -> Sessions {
    match store {
        Ok((auth, sessions)) if auth.finish_ending(ended).await => Sessions::Ended(sessions),
        Ok(_) => Sessions::EndLater,
        Err(error) => {
            output::print_error(&error);
            Sessions::EndLater
        }
    }
}

/// Asks whether to delete a user.
fn ask_to_delete(name: &str) -> Result<(), Error> {
    if !io::stdin().is_terminal() {
        return Err(Error::config(format_args!(
            "{name:?} was not deleted, because hardtack needs a terminal to ask for confirmation; to delete the \
             user without confirmation, add --yes"
        )));
    }
    let mut answer = String::new();
    let asked = write!(io::stderr(), "Delete {name}, and end their sessions? This cannot be undone. [y/N] ")
        .and_then(|()| io::stderr().flush())
        .and_then(|()| io::stdin().read_line(&mut answer));
    asked.map_err(|error| {
        Error::runtime(format_args!(
            "the answer cannot be read: {error}; to delete the user without confirmation, add --yes"
        ))
    })?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Error::runtime(format_args!("{name} was not deleted"))),
    }
}

/// Returns the result of an operation on the user `name`. If the result is `None`, there is no such user, and this
/// function returns an error that says so.
fn found<T>(result: Result<Option<T>, UserChangeError>, name: &str) -> Result<T, Error> {
    result.map_err(refused)?.ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> Error {
    Error::config(format_args!("no user is named {name:?}; list the users with: hardtack user list"))
}

fn refused(error: UserChangeError) -> Error {
    match error {
        UserChangeError::UnknownUser(name) => unknown(&name),
        UserChangeError::Disabled(name) => Error::config(format_args!(
            "{name} is disabled, so a reset link would not work; enable the user first: hardtack user enable {name}"
        )),
        UserChangeError::Backend(error) => Error::database(&error),
        UserChangeError::Unknown(error) => Error::outcome_unknown(&error, LOOK_FIRST),
        error => Error::config(error),
    }
}
