//! Loads new keys and retires old ones while the server runs.

use std::time::Duration;

use hardtack::{Authenticator, KeySet};
use tokio::time::{MissedTickBehavior, interval};

use super::{load, no_signing_key};
use crate::config::Config;
use crate::error::Error;

/// How often the folder is read.
pub(super) const WATCH_INTERVAL: Duration = Duration::from_secs(5);

/// Reads the keys every [`WATCH_INTERVAL`], and at once on SIGHUP, and gives them to the authenticator if they have
/// changed. Runs until it is dropped. If the keys cannot be read, the previous ones stay in use.
pub(crate) async fn watch(config: &Config, auth: &Authenticator) -> Result<(), Error> {
    let mut hangup = Hangup::listen()?;
    let mut ticks = interval(WATCH_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failed = None;
    log(&auth.keys());
    loop {
        let asked = tokio::select! {
            _ = ticks.tick() => false,
            () = hangup.received() => true,
        };
        // A few small files.
        let outcome = tokio::task::block_in_place(|| reload(config, auth));
        match outcome {
            Ok(changed) => {
                if changed || asked || failed.take().is_some() {
                    log(&auth.keys());
                }
            }
            // The same error is logged once, unless the operator asks.
            Err(error) => {
                let text = error.to_string();
                if asked || failed.as_ref() != Some(&text) {
                    tracing::error!(event = "keys_unchanged", error = text, "the previous keys stay in use");
                }
                failed = Some(text);
            }
        }
    }
}

/// Returns whether the keys have changed.
fn reload(config: &Config, auth: &Authenticator) -> Result<bool, Error> {
    let keys = load(config)?.ok_or_else(no_signing_key)?;
    if ids(&keys) == ids(&auth.keys()) {
        return Ok(false);
    }
    auth.replace_keys(keys).map_err(Error::with_causes)?;
    Ok(true)
}

/// The ids of the keys; that of the signing key comes first.
fn ids(keys: &KeySet) -> Vec<Option<String>> {
    keys.verifying_keys().iter().map(|key| key.key_id().map(str::to_owned)).collect()
}

fn log(keys: &KeySet) {
    let ids = ids(keys);
    let id = |id: &Option<String>| id.clone().unwrap_or_else(|| "(without id)".to_owned());
    let verify: Vec<String> = ids.iter().skip(1).map(id).collect();
    tracing::info!(event = "keys", signs = ids.first().map(id), also_verify = verify.join(" "));
}

/// Receives SIGHUP, which then no longer ends the process.
struct Hangup {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl Hangup {
    fn listen() -> Result<Self, Error> {
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
