//! Loads new keys and retires old ones while the server runs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hardtack::clock::{Clock, SystemClock};
use hardtack::{Authenticator, KeySet};
use tokio::time::{MissedTickBehavior, interval};

use super::cache::Cache;
use super::slow_work::SlowWork;
use super::{DeadKeys, KeyFolder, key_set, no_signing_key};
use crate::config::Config;
use crate::error::Error;

/// The time between two reads of the key folder.
pub(super) const WATCH_INTERVAL: Duration = Duration::from_secs(5);

/// The time limit for reading the folder. If reading takes longer, an error is logged. The server keeps serving
/// requests while it reads the folder.
const READ_DEADLINE: Duration = Duration::from_secs(3);

/// Reads the keys every [`WATCH_INTERVAL`], and at once on SIGHUP. If the keys have changed, passes them to the
/// authenticator. If the keys cannot be read, the previous keys stay in use. This function runs until its future is
/// dropped.
pub(crate) async fn watch(config: &Arc<Config>, auth: &Authenticator, mut hangup: Hangup) -> Result<(), Error> {
    let mut ticks = interval(WATCH_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut reader = Reader::default();
    let mut failed = None;
    let mut clock_doubted = false;
    log(&auth.keys());
    loop {
        let asked = tokio::select! {
            _ = ticks.tick() => false,
            () = hangup.received() => true,
        };
        match reader.read(config, auth).await.and_then(|read| take_up(read, auth)) {
            Ok((changed, clock_doubt)) => {
                if changed || asked || failed.take().is_some() {
                    log(&auth.keys());
                }
                if let Some(error) = clock_doubt.as_ref().filter(|_| asked || !clock_doubted) {
                    tracing::error!(
                        event = "clock_wrong",
                        error,
                        "the clock seems wrong, so replaced keys stay in use until the clock is right"
                    );
                }
                clock_doubted = clock_doubt.is_some();
            }
            // Log a repeated error only if the operator has requested a reload (SIGHUP).
            Err(error) => {
                let text = error.to_string();
                if asked || failed.as_ref() != Some(&text) {
                    tracing::error!(
                        event = "keys_unchanged",
                        error = text,
                        "the keys cannot be loaded, so the previous keys stay in use"
                    );
                }
                failed = Some(text);
            }
        }
    }
}

/// The keys that were read from the folder, and any sign that the clock is wrong.
struct Read {
    keys: KeySet,
    /// Why this machine's clock might be wrong. `None` if nothing suggests that it is.
    clock_doubt: Option<String>,
}

/// Reads the folder on a separate thread, so that requests and signals are still handled if the disk does not respond.
#[derive(Default)]
struct Reader {
    work: SlowWork<Result<Read, Error>>,
    cache: Arc<Mutex<Cache>>,
}

impl Reader {
    async fn read(&mut self, config: &Arc<Config>, auth: &Authenticator) -> Result<Read, Error> {
        let (cache, for_thread, in_use) = (Arc::clone(&self.cache), Arc::clone(config), ids(&auth.keys()));
        let work = move || read(&for_thread, &mut cache.lock().unwrap_or_else(PoisonError::into_inner), &in_use);
        let unreadable = |reason: &dyn std::fmt::Display| {
            let expected = "expected a disk or network share that responds";
            Error::runtime(format_args!("{} cannot be read: {reason}; {expected}", config.keys_dir().display()))
        };
        match self.work.run(READ_DEADLINE, work).await {
            Ok(Some(outcome)) => outcome,
            Ok(None) => Err(unreadable(&format_args!("reading took more than {} seconds", READ_DEADLINE.as_secs()))),
            Err(error) => Err(unreadable(&error)),
        }
    }
}

/// Reads the keys. `in_use` contains the ids of the keys that the server uses now.
fn read(config: &Config, cache: &mut Cache, in_use: &[Option<String>]) -> Result<Read, Error> {
    let folder = KeyFolder::of(config);
    let stored = cache.read(&folder)?;
    if stored.is_empty() && config.signing_key.is_none() {
        return Err(no_signing_key());
    }
    if config.signing_key.is_some() {
        // Write the record again, because another server might have deleted it. A server that uses a different database
        // does so on startup if it signs with a key from the folder.
        if let Err(error) = folder.record_superseded(true) {
            tracing::debug!(event = "given_key_not_recorded", %error);
        }
    }
    let keys = key_set(config, &folder, stored.clone(), DeadKeys::Unused)?;
    let found = ids(&keys);
    let drops = in_use.iter().any(|id| !found.contains(id));
    let now = SystemClock.now();
    let mut clock_doubt = folder.dated_ahead(&stored, now)?;
    if drops && !stored.is_empty() && clock_doubt.is_none() {
        // If this process cannot write to the folder, it cannot read the file system's clock, so it skips this check.
        clock_doubt = folder.clock_differs(now).unwrap_or_default();
    }
    if drops && clock_doubt.is_some() {
        return Ok(Read { keys: key_set(config, &folder, stored, DeadKeys::Verify)?, clock_doubt });
    }
    Ok(Read { keys, clock_doubt })
}

/// Passes the keys to the authenticator if they have changed. Returns whether the keys have changed, and
/// [`Read::clock_doubt`].
fn take_up(read: Read, auth: &Authenticator) -> Result<(bool, Option<String>), Error> {
    if ids(&read.keys) == ids(&auth.keys()) {
        return Ok((false, read.clock_doubt));
    }
    auth.replace_keys(read.keys).map_err(Error::with_causes)?;
    Ok((true, read.clock_doubt))
}

/// Returns the key ids, with the signing key's id first.
fn ids(keys: &KeySet) -> Vec<Option<String>> {
    keys.verifying_keys().iter().map(|key| key.key_id().map(str::to_owned)).collect()
}

fn log(keys: &KeySet) {
    let ids = ids(keys);
    let id = |id: &Option<String>| id.clone().unwrap_or_else(|| "(without id)".to_owned());
    let verify: Vec<String> = ids.iter().skip(1).map(id).collect();
    tracing::info!(event = "keys", signs = ids.first().map(id), also_verify = verify.join(" "));
}

/// Receives SIGHUP. After [`Hangup::listen`] has been called, this signal no longer ends the process.
pub(crate) struct Hangup {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl Hangup {
    pub(crate) fn listen() -> Result<Self, Error> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};

            let signal = signal(SignalKind::hangup());
            let signal = signal.map_err(|error| Error::runtime(format_args!("SIGHUP cannot be handled: {error}")))?;
            Ok(Self { signal })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    async fn received(&mut self) {
        #[cfg(unix)]
        if self.signal.recv().await.is_some() {
            return;
        }
        std::future::pending().await
    }
}
