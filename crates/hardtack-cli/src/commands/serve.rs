//! `hardtack serve`.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hardtack::Authenticator;
use hardtack_accounts::{Accounts, Site};
use hardtack_axum::serve::StopSignal;
use hardtack_sqlx::Database;
use tokio::net::TcpListener;
use tokio::runtime::Builder;

use super::runtime;
use crate::config::{Config, default_file, settings, sources::FlagValues};
use crate::error::Error;
use crate::mail::with_mail;
use crate::running::{GivenKeys, Presence};
use crate::server::{Hosts, Limits, serve};
use crate::stores::SessionStores;
use crate::{keys, log, output, stores};

/// Serves the site until a signal stops it.
pub(super) fn run(flags: &FlagValues) -> Result<(), Error> {
    let config = Arc::new(Config::load(flags)?);
    log::init(config.log_format)?;
    for warning in &config.warnings {
        tracing::warn!(event = "configuration", "{warning}");
    }
    // Refuse an invalid configuration before creating files or tables.
    config.check(keys::placeholder(&config)?)?;
    let limits = config.limits.clone().within_open_files()?;
    let runtime = runtime::build(Builder::new_multi_thread())?;
    let mut opened = None;
    let served = runtime.block_on(start(&config, limits, &mut opened));
    if let Some(database) = opened {
        runtime::stop_and_close(runtime, &database)?;
    }
    if served.is_ok() {
        tracing::info!(event = "stopped");
    }
    served.map_err(|error| error.naming(&config.database))
}

/// Starts the server, and serves until a signal arrives. Puts the database into `opened`, so that the caller can close
/// it.
async fn start(config: &Arc<Config>, limits: Limits, opened: &mut Option<Database>) -> Result<(), Error> {
    let stop = StopSignal::listen().map_err(no_signals)?;
    let _too_large = survive_limits_on_files()?;
    let hangup = keys::Hangup::listen()?;
    let (listener, bound) = bind(config).await?;
    stores::prepare_folders(config)?;
    // Before the database is created or upgraded, refuse keys that cannot be used.
    keys::load(config)?;
    let database = opened.insert(config.database.open().await.map_err(Error::with_causes)?).clone();
    tracing::info!(event = "database", database = %config.database);
    stores::migrate(config, &database, stores::are_in_database(config.redis.as_ref())).await?;
    let accounts = Accounts::open_migrated(database.clone()).await.map_err(Error::with_causes)?;
    warn_of_name_collisions(&database).await?;
    warn_of_unused_database(config, &accounts).await?;
    let accounts = stores::with_sessions(accounts, config.redis.as_ref());
    let accounts = accounts.with_log_in_limits(config.log_in_limits);
    let accounts = config.account_rules.apply(accounts, &config.address.base_url(bound));
    let accounts = with_mail(accounts, config.mail.as_ref(), &config.address.base_url(bound))?;
    let keys = keys::load_or_create(config)?;
    let builder = config.apply(accounts.configure(Authenticator::builder(keys)), bound);
    let SessionStores { builder, sessions, counters } =
        stores::add_sessions(builder, &database, config.redis.as_ref()).await?;
    // If `counters` is `None`, the counters are in the accounts' database.
    let accounts = counters.into_iter().fold(accounts, Accounts::with_throttle_store);
    let auth = config.build(builder)?;

    // All settings are checked before this call, so that a server with invalid settings records nothing.
    let given_keys = GivenKeys::of(config, bound);
    let mut presence = Presence::begin((&database, &accounts), &auth, sessions, given_keys).await?;
    let served = async {
        keys::record_use(config, presence.others_have_given_keys().await?)?;
        // Start the background work now. The adapter would start it only on the first request, but a crashed server
        // might have left sessions that must end sooner.
        tokio::spawn(auth.background_work(tokio::time::sleep));
        announce(config, bound)?;
        let hosts = Hosts::new(&config.address.base_url(bound), bound);
        let site = Site::demo(auth.clone(), accounts.clone());
        let site = config.contact.iter().fold(site, |site, contact| site.with_contact(contact)).router();
        tokio::select! {
            () = serve(listener, site, hosts, limits, stop) => Ok(()),
            failed = keys::watch(config, &auth, hangup) => failed,
            error = presence.keep(keys::overlap(config)) => Err(error),
        }
    }
    .await;
    presence.end().await;
    if !accounts.flush().await {
        tracing::warn!(
            event = "work_left",
            "some background work was not finished in time; queued emails will be sent after the next start"
        );
    }
    auth.log_not_logged();
    served
}

/// Handles the signal that the server gets when a file reaches its size limit (`ulimit -f`). Without this handler, the
/// signal would silently end the server. With it, the write fails instead, as it does on a full disk.
#[cfg(unix)]
fn survive_limits_on_files() -> Result<tokio::signal::unix::Signal, Error> {
    use tokio::signal::unix::{SignalKind, signal};

    signal(SignalKind::from_raw(nix::libc::SIGXFSZ)).map_err(no_signals)
}

#[cfg(not(unix))]
const fn survive_limits_on_files() -> Result<(), Error> {
    Ok(())
}

fn no_signals(error: io::Error) -> Error {
    Error::runtime(format_args!("signals cannot be handled: {error}"))
}

/// Warns the operator if some user names are the same or look alike.
async fn warn_of_name_collisions(database: &Database) -> Result<(), Error> {
    let collisions = Accounts::name_collisions(database).await.map_err(|error| Error::database(&error))?.len();
    if collisions > 0 {
        tracing::warn!(
            event = "name_collisions",
            collisions,
            "some user names are the same or look alike; to list them, run: hardtack migrate"
        );
    }
    Ok(())
}

/// Warns the operator if the site has no users, but the data folder contains another database, which may contain the
/// accounts that the operator expects. Accounts do not move to another database by themselves.
async fn warn_of_unused_database(config: &Config, accounts: &Accounts) -> Result<(), Error> {
    let unused = default_file(&config.data_dir);
    let file = config.database.file();
    let is_used = file.is_some_and(|file| file == unused || file.canonicalize().ok() == unused.canonicalize().ok());
    if is_used || !unused.is_file() {
        return Ok(());
    }
    if accounts.list(None, 1).await.map_err(|error| Error::database(&error))?.is_empty() {
        tracing::warn!(
            event = "database_unused",
            database = %config.database,
            unused = %unused.display(),
            "the database contains no users, and the data folder contains a database that is not used; accounts do not \
             move to another database; to use the one in the data folder, remove --database-url, HARDTACK_DATABASE_URL \
             and database_url; if you do not need it, move it elsewhere"
        );
    }
    Ok(())
}

async fn bind(config: &Config) -> Result<(TcpListener, SocketAddr), Error> {
    let bound: io::Result<_> = async {
        let listener = TcpListener::bind(config.address.listen).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    }
    .await;
    bound.map_err(|error| {
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "stop the program that listens at this address, or choose another port; port 0 picks a free port"
            }
            _ => "expected one of this machine's addresses and a port that this user can listen on",
        };
        let setting = config.sources.describe(&settings::LISTEN);
        Error::runtime(format_args!("{setting}, but the server cannot listen at this address: {error}; {advice}"))
    })
}

/// Prints the address to standard output.
fn announce(config: &Config, bound: SocketAddr) -> Result<(), Error> {
    let here = format!("http://{bound}");
    let site = config.address.base_url(bound);
    tracing::info!(event = "listening", address = %bound, base_url = site);
    if site == here {
        return output::print(format_args!("Hardtack is listening on {here}"));
    }
    output::print(format_args!("Hardtack is listening on {here} for {site}"))
}
