//! `hardtack user`.

use hardtack::BackendError;
use hardtack::clock::{Clock, SystemClock};
use hardtack::jwt::Algorithm;
use hardtack::session::EndedSessions;
use hardtack::{Authenticator, KeySet};
use hardtack_accounts::{Accounts, UserRecord};
use hardtack_sqlx::Database;
use tokio::runtime::Builder;

use super::runtime;
use crate::config::Config;
use crate::error::Error;
use crate::stores::StoreUser;
use crate::subcommands::UserCommand;
use crate::{keys, output, session_place, stores};

/// How many users one query reads.
const PAGE: u32 = 500;

/// Lists users, or changes one.
pub(super) fn run(command: &UserCommand) -> Result<(), Error> {
    let config = Config::load(command.flags())?;
    for warning in &config.warnings {
        output::print_error(warning);
    }
    runtime::block_on(Builder::new_current_thread(), run_on_database(&config, command))
}

async fn run_on_database(config: &Config, command: &UserCommand) -> Result<(), Error> {
    // Opening would create an empty database without users.
    if let Some(file) = config.database.file().filter(|file| !file.exists()) {
        return Err(Error::config(format_args!(
            "the database {} does not exist; set --data-dir or --database-url to the value that the servers use",
            file.display()
        )));
    }
    let database = config.database.open().await.map_err(Error::with_causes)?;
    let accounts = Accounts::open(database.clone()).await.map_err(Error::with_causes)?;
    let accounts = stores::with_sessions(accounts, config.redis.as_ref());
    if !matches!(command, UserCommand::List(_)) {
        // Before anything changes.
        session_place::check(&database, config.redis.as_ref()).await?;
    }
    let users = Users { config, database: &database, accounts: &accounts };
    let result = match command {
        UserCommand::List(_) => users.list().await,
        UserCommand::Disable(named) => users.disable(&named.name).await,
        UserCommand::Enable(named) => users.enable(&named.name).await,
        UserCommand::LogOut(named) => users.log_out(&named.name).await,
    };
    // Store the activity that the user will see.
    accounts.flush().await;
    database.close().await;
    result
}

/// The accounts, with the configuration and database to end the sessions of a user.
struct Users<'a> {
    config: &'a Config,
    database: &'a Database,
    accounts: &'a Accounts,
}

impl Users<'_> {
    async fn list(&self) -> Result<(), Error> {
        let mut last: Option<String> = None;
        loop {
            let page = self.accounts.list(last.as_deref(), PAGE).await.map_err(Error::with_causes)?;
            for UserRecord { user, disabled_at, .. } in &page {
                let state = disabled_at.map_or_else(String::new, |at| format!("  disabled {}", output::date(at)));
                let signed_up = output::date(user.created_at);
                output::print(format_args!("{}  signed up {signed_up}{state}", user.username))?;
            }
            match page.last() {
                Some(known) => last = Some(known.user.username.clone()),
                None if last.is_none() => return output::print("There are no users yet."),
                None => return Ok(()),
            }
        }
    }

    async fn disable(&self, name: &str) -> Result<(), Error> {
        let user = found(self.accounts.find_by_name(name).await, name)?.user;
        let store = self.session_store(&user.id).await;
        let (_, ended) = found(self.accounts.disable(name, SystemClock.now()).await, name)?;
        let ended = finish_ending(store, ended).await;
        output::print(format_args!("{} is disabled; {ended}.", user.username))
    }

    async fn enable(&self, name: &str) -> Result<(), Error> {
        let user = found(self.accounts.enable(name).await, name)?.user;
        output::print(format_args!("{} can log in.", user.username))
    }

    async fn log_out(&self, name: &str) -> Result<(), Error> {
        let user = found(self.accounts.find_by_name(name).await, name)?.user;
        let store = self.session_store(&user.id).await;
        let (_, ended) = found(self.accounts.log_out(name).await, name)?;
        let ended = finish_ending(store, ended).await;
        output::print(format_args!("{} is logged out; {ended}.", user.username))
    }

    /// Returns an authenticator on the session store, and the number of a user's sessions.
    async fn session_store(&self, id: &str) -> Result<(Authenticator, usize), Error> {
        // No token is signed, so any key will do.
        let builder = self.accounts.configure(Authenticator::builder(KeySet::new(keys::generate(Algorithm::HS256)?)));
        let builder =
            stores::add_sessions(builder, self.database, self.config.redis.as_ref(), StoreUser::Command).await?;
        let auth = builder.build().map_err(Error::with_causes)?;
        let sessions = auth.sessions(id).await.map_err(Error::with_causes)?.len();
        Ok((auth, sessions))
    }
}

/// Ends the sessions of a user, whose end is stored, and says whether they have ended. The servers learn about it from
/// the revocation log. If the session store cannot be reached, they end the sessions when it is back.
async fn finish_ending(store: Result<(Authenticator, usize), Error>, ended: EndedSessions) -> String {
    let (have_ended, sessions) = match store {
        Ok((auth, sessions)) => (auth.finish_ending(ended).await, sessions),
        Err(error) => {
            output::print_error(&error);
            (false, 0)
        }
    };
    match (have_ended, sessions) {
        (false, _) => "the servers end their sessions as soon as they reach the session store".to_owned(),
        (true, 0) => "there were no sessions to end".to_owned(),
        (true, 1) => "1 session was ended".to_owned(),
        (true, sessions) => format!("{sessions} sessions were ended"),
    }
}

/// Returns what a change or look-up by name found, or an error.
fn found<T>(result: Result<Option<T>, BackendError>, name: &str) -> Result<T, Error> {
    let unknown = || Error::config(format_args!("no user is named {name:?}; list them with: hardtack user list"));
    result.map_err(Error::with_causes)?.ok_or_else(unknown)
}
