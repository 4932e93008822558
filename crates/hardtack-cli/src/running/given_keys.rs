//! Which keys running servers use: the id of the key that signs, the key folder, and the settings that supplied keys.
//! The key folder does not contain keys from settings such as `JWT_SECRET_KEY`, so `hardtack keys rotate` cannot replace
//! them.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use hardtack::jwt::{Algorithm, Jwk};
use hardtack::{KeySet, VerifyingKey};
use hardtack_db::{Component, MigrateError, Pool};
use hardtack_sqlx::{Database, DatabaseUrl};

use super::table::Table;
use crate::config::settings::{SECRET_KEY, SECRET_KEY_PREVIOUS};
use crate::config::{Config, missing_file};
use crate::error::Error;

/// Each running server has a row in `hardtack_settings` that says which keys the server was given. The row's name
/// begins with this prefix. The row's value consists of the time when the server last renewed the row (in seconds since
/// 1970), a space, and the text that [`GivenKeys::to_text`] returns.
pub(super) const SERVER: &str = "keys_of_server:";

/// The settings that supplied a server's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GivenKeys {
    /// The setting that supplied the server's signing key. `None` if the server signs with a key in the folder.
    signing: Option<String>,
    /// Whether the server was also given previous secrets. If so, it accepts tokens that were signed with these
    /// secrets.
    previous: bool,
    /// The value of `JWT_ALGORITHM`. `None` if it is not set, or if it says nothing about the keys in the folder.
    algorithm: Option<Algorithm>,
    /// The server's address, machine and process.
    server: String,
    /// The machine that the server runs on, and the server's key folder on that machine. `None` if an older version of
    /// Hardtack wrote the row.
    folder: Option<(String, PathBuf)>,
    /// The [`id`] of the key that the server signs with. `None` if the key has no id.
    signs: Option<String>,
}

impl GivenKeys {
    /// Returns the settings that supplied this process's keys. `bound` is the address that this server listens on.
    pub(crate) fn of(config: &Config, bound: SocketAddr) -> Self {
        let setting = if config.sources.is_set(&SECRET_KEY) { "JWT_SECRET_KEY" } else { "JWT_PRIVATE_KEY" };
        Self {
            signing: config.signing_key.is_some().then(|| setting.to_owned()),
            previous: config.sources.is_set(&SECRET_KEY_PREVIOUS),
            algorithm: config.algorithm.filter(|_| config.signing_key.is_none()),
            server: match machine() {
                Some(machine) => format!("{bound} on {machine} (process {})", std::process::id()),
                None => format!("{bound} (process {})", std::process::id()),
            },
            folder: machine().zip(resolved(&config.keys_dir())),
            signs: None,
        }
    }

    /// Returns the same settings with the id of the key that the server signs with now.
    pub(super) fn signing_with(&self, keys: &KeySet) -> Self {
        Self { signs: keys.signing_key().and_then(|key| id(&key.verifying_key())), ..self.clone() }
    }

    /// Returns the id of the key that the server signs with, if `keys` do not contain this key. Returns `None` if the id
    /// is unknown.
    pub(super) fn unverifiable_by(&self, keys: &KeySet) -> Option<&str> {
        let signs = self.signs.as_deref()?;
        keys.verifying_keys().iter().all(|key| id(key).as_deref() != Some(signs)).then_some(signs)
    }

    /// Returns the server's key folder, with symbolic links resolved. Returns `None` if the server runs on another
    /// machine or in another container, because this process then cannot compare the folder with others.
    pub(crate) fn folder_here(&self) -> Option<PathBuf> {
        let (server, folder) = self.folder.as_ref()?;
        let is_here = machine().is_some_and(|here| here == *server) && folder.exists();
        is_here.then(|| resolved(folder))?
    }

    /// Returns the id of the key that the server signs with, if it is known.
    pub(super) fn signs(&self) -> Option<&str> {
        self.signs.as_deref()
    }

    /// Returns the server's address, machine and process.
    pub(super) fn address(&self) -> &str {
        &self.server
    }

    /// Returns the setting that supplied the server's signing key. Returns `None` if the server signs with a key in the
    /// folder.
    pub(crate) fn signing(&self) -> Option<&str> {
        self.signing.as_deref()
    }

    /// Returns the setting that supplied the server's previous secrets, or `None` if the server was given none.
    pub(crate) fn previous(&self) -> Option<&'static str> {
        self.previous.then_some("JWT_SECRET_KEY_PREVIOUS")
    }

    /// Returns the algorithm that the server's settings require for the key that signs, if they require one.
    pub(crate) fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    /// Returns the text to store in the server's row, without the time.
    pub(super) fn to_text(&self) -> String {
        let signing = self.signing.as_deref().unwrap_or("-");
        let previous = if self.previous { "previous" } else { "-" };
        let algorithm = self.algorithm.map_or("-", |algorithm| algorithm.as_str());
        let signs = self.signs.as_deref().unwrap_or_default();
        let text = format!("{signing} {previous} {}\n{algorithm} {signs}", self.server);
        match &self.folder {
            // The folder comes last, because its path may contain any character.
            Some((machine, folder)) => format!("{text}\n{machine} {}", folder.display()),
            None => text,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.splitn(3, '\n');
        let text = lines.next()?;
        let (algorithm, signs) = lines.next()?.split_once(' ')?;
        let signs = Some(signs).filter(|signs| !signs.is_empty()).map(str::to_owned);
        let folder = lines.next().and_then(|folder| folder.split_once(' '));
        let folder = folder.map(|(machine, folder)| (machine.to_owned(), PathBuf::from(folder)));
        let mut parts = text.splitn(3, ' ');
        let (signing, previous, server) = (parts.next()?, parts.next()?, parts.next()?);
        let signing = Some(signing).filter(|signing| *signing != "-").map(str::to_owned);
        let (previous, algorithm) = (previous == "previous", algorithm.parse().ok());
        Some(Self { signing, previous, algorithm, server: server.to_owned(), folder, signs })
    }
}

/// Identifies the server by the address that it listens on.
impl fmt::Display for GivenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server that listens at {}", self.server)
    }
}

/// Which keys each running server was given, with one entry per server. `None` if no server is running.
type RunningKeys = Option<Vec<GivenKeys>>;

/// Returns which keys each running server was given. Creates no tables, because a command for keys does not need them.
/// `components` lists the components that have tables in the database.
///
/// Returns an outer `Err` if servers would refuse the database, because it contains tables of another program or of a
/// newer version. Returns an inner `Err` if there is no database, if the database cannot be read, or if it does not
/// contain Hardtack's tables yet.
pub(crate) async fn given_keys(
    url: &DatabaseUrl,
    components: &[Component<'_>],
) -> Result<Result<RunningKeys, Error>, Error> {
    if let Some(file) = missing_file(url) {
        return Ok(Err(Error::config(format_args!("the database {} does not exist", file.display()))));
    }
    let database = match url.open().await {
        Ok(database) => database,
        Err(error) => return Ok(Err(Error::with_causes(error))),
    };
    let read = match Pool::from(database.clone()).check_tables(components).await {
        Ok(()) => Ok(read(url, &database).await.map_err(|error| error.naming(url))),
        Err(error @ (MigrateError::ForeignTable { .. } | MigrateError::Newer { .. })) => Err(Error::with_causes(error)),
        Err(error) => Ok(Err(Error::with_causes(error))),
    };
    database.close().await;
    read
}

async fn read(url: &DatabaseUrl, database: &Database) -> Result<RunningKeys, Error> {
    let Some(table) = Table::find(database).await? else {
        return Err(Error::config(format_args!("the database {url} does not contain Hardtack's tables")));
    };
    let keys: Vec<GivenKeys> = of_running_servers(&table).await?.into_iter().map(|(_, keys)| keys).collect();
    Ok(Some(keys).filter(|keys| !keys.is_empty()))
}

/// Returns the name of each running server's row, and the settings that supplied the server's keys.
pub(super) async fn of_running_servers(table: &Table) -> Result<Vec<(String, GivenKeys)>, Error> {
    let rows = table.of_running_servers(SERVER).await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.name, GivenKeys::parse(&row.text)?))).collect())
}

/// Returns the keys of each server that has renewed its row recently.
pub(super) async fn of_recent_servers(table: &Table) -> Result<Vec<GivenKeys>, Error> {
    let rows = table.of_recent_servers(SERVER).await?;
    Ok(rows.iter().filter_map(|row| GivenKeys::parse(&row.text)).collect())
}

/// Returns an id that tells a server's key from other servers' keys. The id is not secret.
fn id(key: &VerifyingKey) -> Option<String> {
    let id = key.key_id().map(|id| id.escape_default().to_string());
    id.or_else(|| key.to_jwk().as_ref().and_then(Jwk::thumbprint))
}

/// Returns the absolute path of a folder, with symbolic links resolved. If the folder does not exist, symbolic links
/// are not resolved.
pub(crate) fn resolved(folder: &Path) -> Option<PathBuf> {
    folder.canonicalize().or_else(|_| std::path::absolute(folder)).ok()
}

/// Returns this machine's name, or `None` if it cannot be read. It can be read only on Linux.
fn machine() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use hardtack::SigningKey;

    use super::*;

    #[test]
    fn given_keys_are_written_and_read() {
        let of = |signing: Option<&str>, previous| GivenKeys {
            signing: signing.map(str::to_owned),
            previous,
            algorithm: signing.is_none().then_some(Algorithm::EdDSA),
            server: "[::1]:3000 on host (process 7)".to_owned(),
            folder: previous.then(|| ("host".to_owned(), PathBuf::from("/var/lib/hard tack/keys"))),
            signs: signing.is_none().then(|| "0001-5a 5a".to_owned()),
        };
        for keys in
            [of(None, false), of(None, true), of(Some("JWT_PRIVATE_KEY"), false), of(Some("JWT_SECRET_KEY"), true)]
        {
            assert_eq!(GivenKeys::parse(&keys.to_text()), Some(keys));
        }
    }

    #[test]
    fn a_key_that_another_server_signs_with_is_found_by_its_id() {
        let server = GivenKeys {
            signing: None,
            previous: false,
            algorithm: None,
            server: "[::1]:3000".to_owned(),
            folder: None,
            signs: None,
        };
        let key = |algorithm| SigningKey::generate(algorithm).unwrap();
        // A key from a PEM file has no id, but its public half identifies it.
        for new in [key(Algorithm::HS256).with_derived_id(), key(Algorithm::EdDSA)] {
            let theirs = server.signing_with(&KeySet::new(new.clone()));
            let read = GivenKeys::parse(&theirs.to_text()).unwrap();
            let old = KeySet::new(key(Algorithm::EdDSA));
            assert!(read.unverifiable_by(&old).is_some_and(|id| theirs.signs() == Some(id)), "{read:?}");
            // During a rotation, this server already verifies with the new key, or still verifies with the old one.
            let published = old.clone().also_verify(new.verifying_key()).unwrap();
            assert_eq!(read.unverifiable_by(&published), None);
            assert_eq!(read.unverifiable_by(&old.retire(new).unwrap()), None);
        }
        let without_id = server.signing_with(&KeySet::new(key(Algorithm::HS256)));
        assert_eq!(without_id.unverifiable_by(&KeySet::new(key(Algorithm::HS256))), None);
    }
}
