//! Loads new keys and retires old ones while the server runs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hardtack::clock::{Clock, SystemClock};
use hardtack::{Authenticator, KeySet};
use tokio::time::{MissedTickBehavior, interval};

use super::cache::Cache;
use super::folder::StoredKey;
use super::removed::{Remaining, remaining};
use super::slow_work::SlowWork;
use super::{DeadKeys, KeyFolder, check_algorithm, key_set, no_signing_key};
use crate::config::Config;
use crate::error::Error;

/// The time between two reads of the key folder.
pub(super) const WATCH_INTERVAL: Duration = Duration::from_secs(5);

/// The time limit for reading the folder. If reading takes longer, an error is logged. The server keeps serving
/// requests while it reads the folder.
const READ_DEADLINE: Duration = Duration::from_secs(3);

/// Reads the keys every [`WATCH_INTERVAL`], and at once on SIGHUP. If the keys have changed, passes them to the
/// authenticator. If the keys cannot be loaded, the previous keys stay in use, except for keys whose files have been
/// removed. This function runs until its future is dropped.
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
        match reader.read(config, auth).await.and_then(|read| take_up(config, read, auth)) {
            Ok(TakenUp { changed, clock_doubt, other_algorithm }) => {
                if changed || asked || failed.take().is_some() {
                    log(&auth.keys());
                    if let Some(error) = other_algorithm {
                        tracing::warn!(
                            event = "algorithm_differs",
                            %error,
                            "this server signs with the new key, but it will not start again with its present settings"
                        );
                    }
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
            Err(Failed { error, remaining }) => {
                let text = error.to_string();
                if let Some(remaining) = remaining {
                    use_remaining(remaining, auth, &text);
                } else if asked || failed.as_ref() != Some(&text) {
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

/// The keys that were read from the folder, and what the operator should know about them.
struct Read {
    keys: KeySet,
    /// Why this machine's clock might be wrong. `None` if nothing suggests that it is.
    clock_doubt: Option<String>,
}

/// Why the keys cannot be loaded.
struct Failed {
    error: Error,
    /// The keys to use from now on. `None` if all keys stay in use.
    remaining: Option<Remaining>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, remaining: None }
    }
}

/// Reads the folder on a separate thread, so that requests and signals are still handled if the disk does not respond.
#[derive(Default)]
struct Reader {
    work: SlowWork<Result<Read, Failed>>,
    seen: Arc<Mutex<Seen>>,
}

/// What earlier reads have found.
#[derive(Default)]
struct Seen {
    cache: Cache,
    /// The keys that were loaded last.
    loaded: Vec<StoredKey>,
}

impl Reader {
    async fn read(&mut self, config: &Arc<Config>, auth: &Authenticator) -> Result<Read, Failed> {
        let (seen, for_thread, in_use) = (Arc::clone(&self.seen), Arc::clone(config), ids(&auth.keys()));
        let work = move || read(&for_thread, &mut seen.lock().unwrap_or_else(PoisonError::into_inner), &in_use);
        let unreadable = |reason: &dyn std::fmt::Display| {
            let expected = "expected a disk or network share that responds";
            Error::runtime(format_args!("{} cannot be read: {reason}; {expected}", config.keys_dir().display()))
        };
        match self.work.run(READ_DEADLINE, work).await {
            Ok(Some(outcome)) => outcome,
            Ok(None) => {
                Err(unreadable(&format_args!("reading took more than {} seconds", READ_DEADLINE.as_secs())).into())
            }
            Err(error) => Err(unreadable(&error).into()),
        }
    }
}

/// Reads the keys. `in_use` contains the ids of the keys that the server uses now.
fn read(config: &Config, seen: &mut Seen, in_use: &[Option<String>]) -> Result<Read, Failed> {
    let folder = KeyFolder::of(config);
    let loaded =
        seen.cache.read(&folder).and_then(|stored| Ok((load(config, &folder, stored.clone(), in_use)?, stored)));
    match loaded {
        Ok((read, stored)) => {
            seen.loaded = stored;
            Ok(read)
        }
        Err(error) => {
            let signs = in_use.first().and_then(Option::as_deref);
            // If the folder cannot be listed either, all keys stay in use.
            let remaining = remaining(config, &folder, &mut seen.loaded, signs).unwrap_or_default();
            Err(Failed { error, remaining })
        }
    }
}

/// Returns the keys to use, given the keys in the folder.
fn load(config: &Config, folder: &KeyFolder, stored: Vec<StoredKey>, in_use: &[Option<String>]) -> Result<Read, Error> {
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
    let keys = key_set(config, folder, stored.clone(), DeadKeys::Unused)?;
    let found = ids(&keys);
    let drops = in_use.iter().any(|id| !found.contains(id));
    let now = SystemClock.now();
    let mut clock_doubt = folder.dated_ahead(&stored, now)?;
    if drops && !stored.is_empty() && clock_doubt.is_none() {
        // If this process cannot write to the folder, it cannot read the file system's clock, so it skips this check.
        clock_doubt = folder.clock_differs(now).unwrap_or_default();
    }
    if drops && clock_doubt.is_some() {
        return Ok(Read { keys: key_set(config, folder, stored, DeadKeys::Verify)?, clock_doubt });
    }
    Ok(Read { keys, clock_doubt })
}

/// What [`take_up`] has done.
struct TakenUp {
    /// Whether the keys have changed.
    changed: bool,
    /// [`Read::clock_doubt`].
    clock_doubt: Option<String>,
    /// Says that `JWT_ALGORITHM` and the algorithm of the key that signs differ.
    other_algorithm: Option<Error>,
}

/// Passes the keys to the authenticator if they have changed.
fn take_up(config: &Config, read: Read, auth: &Authenticator) -> Result<TakenUp, Failed> {
    let Read { keys, clock_doubt } = read;
    let other_algorithm = check_algorithm(config, &keys).err();
    let changed = ids(&keys) != ids(&auth.keys());
    if changed {
        auth.replace_keys(keys).map_err(Error::with_causes)?;
    }
    Ok(TakenUp { changed, clock_doubt, other_algorithm })
}

/// Stops using the keys whose files have been removed, although the folder cannot be loaded.
fn use_remaining(remaining: Remaining, auth: &Authenticator, error: &str) {
    let Remaining { keys, is_temporary } = remaining;
    let replaced = auth.replace_keys(keys).map_err(Error::with_causes);
    let what = match (&replaced, is_temporary) {
        (Err(_), _) => {
            "the keys cannot be loaded, and keys whose files have been removed stay in use; restart the server"
        }
        (Ok(()), false) => {
            "the keys cannot be loaded; keys whose files have been removed are no longer used, and the others stay in use"
        }
        (Ok(()), true) => {
            "the keys cannot be loaded, and the key that signed has been removed; until the keys can be loaded, this \
             server signs with a temporary key, whose tokens other servers do not accept"
        }
    };
    let refused = replaced.err().map(tracing::field::display);
    tracing::error!(event = "keys_removed", error, refused, "{what}");
    log(&auth.keys());
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
