//! `hardtack serve`.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use hardtack::{Authenticator, Builder};
use hardtack_accounts::{Accounts, Site};
use hardtack_redis::{NotifyingSessions, RedisSessions};
use hardtack_sqlx::Database;
use tokio::net::TcpListener;

use crate::cli::ServeOptions;
use crate::error::Error;
use crate::keys::{self, private};
use crate::mail::with_mail;
use crate::prune::prune;
use crate::settings::{Redis, RedisFor, Settings, options};
use crate::stop::Stop;
use crate::{logs, output, server};

/// Other servers may share the database: for how long a copied access token may outlive a log-out at one
/// of them where this one cannot read the log; each request asks the store from then on.
const MAX_STALENESS: Duration = Duration::from_secs(5);

pub(crate) fn run(options: &ServeOptions) -> Result<(), Error> {
    let settings = Settings::load(options)?;
    logs::init(settings.log_format)?;
    for warning in &settings.warnings {
        tracing::warn!(event = "configuration", "{warning}");
    }
    // Before anything is made.
    settings.check(keys::stand_in(&settings)?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::runtime(format_args!("no thread can be started: {error}")))?;
    runtime.block_on(serve(&settings))
}

async fn serve(settings: &Settings) -> Result<(), Error> {
    let stop = Stop::listen()?;
    let (listener, bound) = bind(settings).await?;
    create_data_dir(settings)?;
    let keys = keys::load_or_create(settings)?;

    let database = settings.database.open().await.map_err(Error::with_causes)?;
    tracing::info!(event = "database", database = %settings.database);
    let accounts = Accounts::open(database.clone()).await.map_err(Error::with_causes)?;
    let accounts = with_mail(accounts, settings.mail.as_ref(), &settings.base_url(bound));
    let builder = settings.apply(accounts.wire(Authenticator::builder(keys)), bound).max_staleness(MAX_STALENESS);
    let builder = with_sessions(builder, &database, settings.redis.as_ref()).await?;
    let auth = builder.build().map_err(|error| settings.explain(error))?;
    // Without knowing which sessions have ended, nobody is let in.
    auth.sync_revocations().await.map_err(Error::runtime)?;

    let background = [
        tokio::spawn(auth.clone().follow_revocations(tokio::time::sleep)),
        tokio::spawn(prune(auth.clone(), accounts.clone())),
    ];
    announce(settings, bound)?;
    server::serve(listener, Site::new(auth, accounts.clone()).router(), stop).await;
    for task in background {
        task.abort();
    }
    accounts.settle().await;
    database.close().await;
    tracing::info!(event = "stopped");
    Ok(())
}

/// Joins the engine with what keeps its sessions: the database, or a Redis beside it.
pub(crate) async fn with_sessions(
    builder: Builder,
    database: &Database,
    redis: Option<&Redis>,
) -> Result<Builder, Error> {
    if let Some(Redis { url, purpose }) = redis {
        tracing::info!(event = "redis", redis = %url, purpose = purpose.name());
        if *purpose == RedisFor::Sessions {
            let sessions = RedisSessions::open(url.clone()).await.map_err(Error::with_causes)?;
            return Ok(builder.sessions(sessions));
        }
    }
    let sessions = database.sessions();
    sessions.migrate().await.map_err(Error::with_causes)?;
    match redis {
        // It may be down: what it tells is read a poll later then.
        Some(Redis { url, .. }) => {
            let sessions = NotifyingSessions::new(sessions, url.clone()).map_err(Error::with_causes)?;
            Ok(builder.sessions(sessions))
        }
        None => Ok(builder.sessions(sessions)),
    }
}

/// Makes the folder of the keys, and of the database unless that is elsewhere.
pub(crate) fn create_data_dir(settings: &Settings) -> Result<(), Error> {
    private::create_folder(&settings.data_dir).map_err(|error| {
        let expected = "expected a folder that this user may write to";
        Error::runtime(format_args!("{} cannot be made: {error}; {expected}", settings.data_dir_label()))
    })
}

async fn bind(settings: &Settings) -> Result<(TcpListener, SocketAddr), Error> {
    let bound: io::Result<_> = async {
        let listener = TcpListener::bind(settings.listen).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    }
    .await;
    bound.map_err(|error| {
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "stop the program that listens there, or choose another port; 0 takes a free one"
            }
            _ => "expected an address of this machine and a port that this user may listen on",
        };
        Error::runtime(format_args!(
            "{}, which cannot be listened on: {error}; {advice}",
            settings.layers.named(&options::LISTEN)
        ))
    })
}

/// The one line of the standard output.
fn announce(settings: &Settings, bound: SocketAddr) -> Result<(), Error> {
    let here = format!("http://{bound}");
    let site = settings.base_url(bound);
    tracing::info!(event = "listening", address = %bound, base_url = site);
    if site == here {
        return output::print(format_args!("Hardtack is listening on {here}"));
    }
    output::print(format_args!("Hardtack is listening on {here} for {site}"))
}
