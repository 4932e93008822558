//! `hardtack migrate`.

use hardtack_accounts::{Accounts, NameCollision};
use tokio::runtime::Builder;

use super::runtime;
use crate::config::{Config, sources::FlagValues};
use crate::error::Error;
use crate::stores::Migrated;
use crate::{output, stores};

/// Upgrades the tables and prints what was done.
pub(super) fn run(flags: &FlagValues) -> Result<(), Error> {
    let config = Config::load(flags)?;
    for warning in &config.warnings {
        output::print_error(warning);
    }
    let done = runtime::block_on(Builder::new_current_thread(), migrate(&config));
    done.map_err(|error| error.naming(&config.database))
}

async fn migrate(config: &Config) -> Result<(), Error> {
    stores::create_folder_of_database(config)?;
    let database = config.database.open().await.map_err(Error::with_causes)?;
    // Include the tables of the sessions even if this command's settings name a Redis for the sessions. The servers might
    // have other settings.
    let Migrated { sessions, accounts } = stores::migrate(config, &database, true).await?;
    let collisions = Accounts::name_collisions(&database).await.map_err(|error| Error::database(&error))?;
    database.close().await;
    let result = |migrations| match migrations {
        0 => "up to date".to_owned(),
        1 => "1 migration applied".to_owned(),
        migrations => format!("{migrations} migrations applied"),
    };
    let (sessions, accounts) = (result(sessions), result(accounts));
    let mut lines = vec![format!("{}\nsessions: {sessions}\naccounts: {accounts}", config.database)];
    lines.extend(collisions.iter().map(|NameCollision { username, other, .. }| {
        format!(
            "warning: the user names {} and {} are the same or look alike; both users can log in as before",
            with_code_points(username),
            with_code_points(other)
        )
    }));
    let done = format_args!(
        "the tables of {} are up to date (sessions: {sessions}; accounts: {accounts}). To see any warnings: hardtack \
         migrate",
        config.database
    );
    output::print_result(lines.join("\n"), done)
}

/// Returns a name for display. If the name has non-ASCII characters, adds its code points, because two different names
/// can look the same.
fn with_code_points(name: &str) -> String {
    let shown = output::escaped(name);
    if name.is_ascii() { shown } else { format!("{shown} ({})", name.escape_default()) }
}
