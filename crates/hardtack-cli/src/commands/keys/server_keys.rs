//! Which keys the running servers use.

use std::path::PathBuf;

use hardtack::jwt::Algorithm;
use tokio::runtime::Builder;

use crate::commands::runtime;
use crate::config::Config;
use crate::error::Error;
use crate::keys::KeyFolder;
use crate::running::{GivenKeys, given_keys, resolved};
use crate::{output, stores};

/// Describes which keys the servers use. Each field holds the beginning of an error message. A field is `None` if no
/// server does what the field describes.
pub(super) struct ServerKeys {
    /// Says which server signs with a key outside the folder.
    pub(super) signing: Option<String>,
    /// Says which running server signs with a key in the folder.
    pub(super) with_folder: Option<String>,
    /// Says which running server accepts tokens that were signed with previous secrets.
    pub(super) verifying: Option<String>,
    /// The running servers whose settings require an algorithm for the key that signs. The text names the server.
    pub(super) algorithms: Vec<(String, Algorithm)>,
    /// Says which running server uses keys in a different folder.
    pub(super) elsewhere: Option<String>,
    /// Says which two running servers on this machine use different folders.
    pub(super) folders_differ: Option<String>,
    /// Whether `signing` is about servers that are no longer running.
    pub(super) is_recorded: bool,
}

impl ServerKeys {
    /// Reads from the database which keys the running servers use. If no server is running, or if the database cannot
    /// be read, reads a record in the key folder instead. The record says whether the last servers that used the folder
    /// signed with a key outside the folder.
    ///
    /// # Errors
    /// Returns an error if servers would refuse the database, because it contains tables of another program or of a
    /// newer version. If the database cannot be read, this is only a warning, because an operator must be able to
    /// replace stolen keys while the database is down.
    pub(super) fn find(config: &Config, folder: &KeyFolder) -> Result<Self, Error> {
        let components = stores::components(stores::are_in_database(config.redis.as_ref()));
        let found = runtime::block_on(Builder::new_current_thread(), given_keys(&config.database, &components));
        let refused = |error| {
            Error::runtime(format_args!(
                "this command cannot find out which keys the running servers use, so it did nothing: {error}; if the \
                 servers use another database, pass the servers' --data-dir and --database-url"
            ))
        };
        let running = found.map_err(refused)?.unwrap_or_else(|error| {
            output::print_error(format_args!(
                "warning: {error}, so this command cannot find out which keys the running servers use; if servers are \
                 running, pass the servers' --data-dir and --database-url"
            ));
            None
        });
        let Some(running) = running else {
            let recorded = folder.superseded_at()?.map(|_| {
                "the servers that last used this folder signed with a key that was set by JWT_SECRET_KEY or \
                     JWT_PRIVATE_KEY"
            });
            return Ok(Self {
                is_recorded: recorded.is_some(),
                signing: recorded.map(str::to_owned),
                with_folder: None,
                verifying: None,
                algorithms: Vec::new(),
                elsewhere: None,
                folders_differ: None,
            });
        };
        let signing = running
            .iter()
            .find_map(|server| Some(format!("{server} signs with the key that is set by {}", server.signing()?)));
        let with_folder = running.iter().find(|server| server.signing().is_none());
        let with_folder = with_folder.map(|server| format!("{server} signs with a key in the folder"));
        let verifying = running.iter().find_map(|server| {
            Some(format!("{server} accepts tokens that were signed with the secrets in {}", server.previous()?))
        });
        let algorithms = running.iter().filter_map(|server| Some((server.to_string(), server.algorithm()?))).collect();
        let folders: Vec<_> = running.iter().filter_map(|server| Some((server, server.folder_here()?))).collect();
        let uses = |(server, folder): &(&GivenKeys, PathBuf)| format!("{server} uses the keys in {}", folder.display());
        let elsewhere = resolved(&config.keys_dir()).and_then(|ours| folders.iter().find(|(_, other)| *other != ours));
        let folders_differ = folders.first().and_then(|first| {
            let other = folders.iter().find(|(_, folder)| *folder != first.1)?;
            Some(format!("{}, but {}", uses(first), uses(other)))
        });
        let elsewhere = elsewhere.map(uses);
        Ok(Self { signing, with_folder, verifying, algorithms, elsewhere, folders_differ, is_recorded: false })
    }
}
