//! `hardtack user`.

use hardtack::clock::{Clock, SystemClock};
use hardtack::jwt::Algorithm;
use hardtack::session::StoreError;
use hardtack::{Authenticator, KeySet};
use hardtack_accounts::{Accounts, KnownUser};
use hardtack_sqlx::Database;

use crate::cli::UserCommand;
use crate::error::Error;
use crate::keys;
use crate::output;
use crate::serve::with_sessions;
use crate::settings::Settings;

/// How many users are read at once.
const PAGE: u32 = 500;

pub(crate) fn run(command: &UserCommand) -> Result<(), Error> {
    let settings = Settings::load(command.options())?;
    for warning in &settings.warnings {
        output::complain(warning);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::runtime(format_args!("no thread can be started: {error}")))?;
    runtime.block_on(act(&settings, command))
}

async fn act(settings: &Settings, command: &UserCommand) -> Result<(), Error> {
    // A database that is made here would answer that there is nobody.
    if let Some(file) = settings.database.file().filter(|file| !file.exists()) {
        return Err(Error::config(format_args!(
            "there is no database {}; expected --data-dir or --database-url as the servers have it",
            file.display()
        )));
    }
    let database = settings.database.open().await.map_err(Error::with_causes)?;
    let accounts = Accounts::open(database.clone()).await.map_err(Error::with_causes)?;
    let done = match command {
        UserCommand::List(_) => list(&accounts).await,
        UserCommand::Disable(named) => disable(settings, &database, &accounts, &named.name).await,
        UserCommand::Enable(named) => enable(&accounts, &named.name).await,
        UserCommand::LogOut(named) => log_out(settings, &database, &accounts, &named.name).await,
    };
    // What happened is written down for its user to see.
    accounts.settle().await;
    database.close().await;
    done
}

async fn list(accounts: &Accounts) -> Result<(), Error> {
    let mut last: Option<String> = None;
    loop {
        let page = accounts.list(last.as_deref(), PAGE).await.map_err(Error::runtime)?;
        for KnownUser { user, disabled_at, .. } in &page {
            let state = disabled_at.map_or_else(String::new, |at| format!("  disabled {}", output::date(at)));
            output::print(format_args!("{}  signed up {}{state}", user.username, output::date(user.created_at)))?;
        }
        match page.last() {
            Some(known) => last = Some(known.user.username.clone()),
            None if last.is_none() => return output::print("Nobody has signed up."),
            None => return Ok(()),
        }
    }
}

async fn disable(settings: &Settings, database: &Database, accounts: &Accounts, name: &str) -> Result<(), Error> {
    let disabled = accounts.disable(name, SystemClock.now()).await;
    let user = known(disabled, name)?.user;
    let ended = end_sessions(settings, database, accounts, &user.id).await.map_err(|error| {
        let name = &user.username;
        Error::runtime(format_args!("{name} is disabled, but their sessions were not ended: {error}; try again"))
    })?;
    output::print(format_args!("{} is disabled; {ended}.", user.username))
}

async fn enable(accounts: &Accounts, name: &str) -> Result<(), Error> {
    let user = known(accounts.enable(name).await, name)?.user;
    output::print(format_args!("{} may log in.", user.username))
}

async fn log_out(settings: &Settings, database: &Database, accounts: &Accounts, name: &str) -> Result<(), Error> {
    let user = known(accounts.find_by_name(name).await, name)?.user;
    let ended = end_sessions(settings, database, accounts, &user.id).await?;
    output::print(format_args!("{} is logged out; {ended}.", user.username))
}

fn known(found: Result<Option<KnownUser>, StoreError>, name: &str) -> Result<KnownUser, Error> {
    let nobody = || Error::config(format_args!("nobody is called {name:?}; see: hardtack user list"));
    found.map_err(Error::runtime)?.ok_or_else(nobody)
}

/// Ends all sessions of a user where the servers keep them; they read of it in the log. Answers how many, in
/// words.
async fn end_sessions(
    settings: &Settings,
    database: &Database,
    accounts: &Accounts,
    id: &str,
) -> Result<String, Error> {
    // No token is made: any key will do.
    let builder = accounts.wire(Authenticator::builder(KeySet::new(keys::generate(Algorithm::HS256)?)));
    let builder = with_sessions(builder, database, settings.redis.as_ref()).await?;
    let auth = builder.build().map_err(Error::runtime)?;
    Ok(match auth.revoke_all_sessions(id).await.map_err(Error::runtime)? {
        0 => "there was no session to end".to_owned(),
        1 => "1 session was ended".to_owned(),
        sessions => format!("{sessions} sessions were ended"),
    })
}
