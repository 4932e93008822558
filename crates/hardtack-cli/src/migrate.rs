//! `hardtack migrate`.

use hardtack_accounts::Accounts;

use crate::cli::ServeOptions;
use crate::error::Error;
use crate::output;
use crate::serve::create_data_dir;
use crate::settings::Settings;

/// Brings the tables up to date and says what was done. Nothing else is made or served.
pub(crate) fn run(options: &ServeOptions) -> Result<(), Error> {
    let settings = Settings::load(options)?;
    for warning in &settings.warnings {
        output::complain(warning);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::runtime(format_args!("no thread can be started: {error}")))?;
    runtime.block_on(migrate(&settings))
}

async fn migrate(settings: &Settings) -> Result<(), Error> {
    create_data_dir(settings)?;
    let database = settings.database.open().await.map_err(Error::with_causes)?;
    let sessions = database.sessions().migrate().await.map_err(Error::with_causes)?;
    let accounts = Accounts::migrate(&database).await.map_err(Error::with_causes)?;
    database.close().await;
    let said = |steps| match steps {
        0 => "up to date".to_owned(),
        1 => "1 step applied".to_owned(),
        steps => format!("{steps} steps applied"),
    };
    output::print(format_args!("{}\nsessions: {}\naccounts: {}", settings.database, said(sessions), said(accounts)))
}
