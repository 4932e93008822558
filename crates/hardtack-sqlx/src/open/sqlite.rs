//! Opening an SQLite file.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, SqliteConnection, SqlitePool};

use super::ownership::{self, Identity};
use crate::error::OpenError;

/// The most connections of a pool. SQLite allows one writer at a time, so more connections would mostly wait for it.
const CONNECTIONS: u32 = 4;

/// How long a write waits for a write of another connection.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a request waits for a connection before it fails (a 503 for the client).
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens a database file with the settings that Hardtack relies on, and creates it if it does not exist. Creates no
/// tables.
///
/// The file uses a write-ahead log. Connections have `synchronous = FULL` (a commit is durable before it is
/// confirmed), enforced foreign keys, and a busy timeout of five seconds. A connection on which SQLite has ended a
/// transaction by itself, for example because the disk was full, is closed and not used again.
///
/// Only its owner can read a new file (mode 0600). An existing file keeps its permissions: it is refused if it belongs
/// to another user except root, or if other users can write to it. If they can read it, a warning is logged. Its
/// folder is checked as well, because a user who can write to the folder can replace the file. If the file is replaced
/// while the pool is open, new connections fail.
///
/// # Errors
/// The file cannot be created or cannot be opened as an SQLite database, or another user owns it or its folder or can
/// write to them.
pub async fn open_sqlite(path: impl AsRef<Path>) -> Result<SqlitePool, OpenError> {
    let path = path.as_ref();
    // An absolute path has no special meaning to SQLite, unlike `:memory:`, `file:…` and the empty path.
    let path = std::path::absolute(path).map_err(|source| OpenError::CreateFile { path: path.into(), source })?;
    let create_failed = |source| OpenError::CreateFile { path: path.clone(), source };
    let target = ownership::without_links(&path);
    create_private(&target).map_err(create_failed)?;
    let target = target.canonicalize().map_err(create_failed)?;
    // A user who can replace a link decides where it leads.
    ownership::check_folder(&path)?;
    ownership::check_folder(&target)?;
    ownership::check(&target)?;
    let identity = Identity::of(&target).map_err(create_failed)?;

    let failed = |source| OpenError::OpenFile { path: path.clone(), source };
    let options = options().filename(&target);
    let pool_options = pool_options(CONNECTIONS)
        .after_connect(move |_, _| {
            let same = is_still(&target, &identity);
            Box::pin(async move { same })
        })
        .after_release(|connection, _| Box::pin(async { is_out_of_transaction(connection).await }));
    let pool = pool_options.connect_with(options).await.map_err(failed)?;
    use_write_ahead_log(&pool).await.map_err(failed)?;
    Ok(pool)
}

/// Opens a database that lives as long as its pool. The pool has one connection, since every connection to memory
/// has a database of its own.
pub(crate) async fn open_in_memory() -> Result<SqlitePool, OpenError> {
    pool_options(1)
        .connect_with(options().in_memory(true))
        .await
        .map_err(|source| OpenError::OpenFile { path: PathBuf::from(IN_MEMORY), source })
}

/// How errors name a database in memory.
const IN_MEMORY: &str = ":memory:";

fn options() -> SqliteConnectOptions {
    SqliteConnectOptions::new().foreign_keys(true).synchronous(SqliteSynchronous::Full).busy_timeout(BUSY_TIMEOUT)
}

/// Connections to a local file neither age nor break, so they are neither tested nor replaced.
fn pool_options(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// Fails if the path leads to another file than before, so that sessions are never split between two databases.
fn is_still(path: &Path, identity: &Identity) -> Result<(), sqlx::Error> {
    match Identity::of(path) {
        Ok(found) if found == *identity => Ok(()),
        _ => Err(sqlx::Error::Configuration(
            format!(
                "the database {} has been replaced or removed while it was open; restart the program",
                path.display()
            )
            .into(),
        )),
    }
}

/// Whether a connection that is returned to the pool can be used again. Otherwise the pool closes it.
///
/// On some errors, such as a full disk or a failed write, SQLite rolls the transaction back by itself
/// (sqlite.org/lang_transaction.html, "Response to errors within a transaction"). The rollback of sqlx then fails, and
/// sqlx still considers the connection to be in a transaction: every later `BEGIN IMMEDIATE` on it would fail.
async fn is_out_of_transaction(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // Before it returns, the connection runs the rollback that a dropped transaction has requested.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// Creates the file with mode 0600; SQLite would leave the mode to the process's umask. SQLite gives its log and index
/// files (`-wal`, `-shm`) the mode of the database file.
fn create_private(path: &Path) -> io::Result<()> {
    // Closing a file drops all POSIX locks of this process on it, including SQLite's (sqlite.org/howtocorrupt, 2.2).
    // So no other task may open the new file before this one has closed it.
    static CREATING: Mutex<()> = Mutex::new(());
    let _guard = CREATING.lock().unwrap_or_else(PoisonError::into_inner);

    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created.map(drop),
    }
}

/// Switches the file to the write-ahead log. SQLite's busy timeout does not cover this switch, so if several
/// processes open a new file at once, all but one have to retry.
async fn use_write_ahead_log(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    let started = Instant::now();
    loop {
        match sqlx::query("PRAGMA journal_mode = WAL").execute(pool).await {
            Err(error) if is_busy(&error) && started.elapsed() < BUSY_TIMEOUT => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            result => return result.map(drop),
        }
    }
}

fn is_busy(error: &sqlx::Error) -> bool {
    const SQLITE_BUSY: i32 = 5;
    let code = error.as_database_error().and_then(|error| error.code());
    // The low byte is the primary result code (sqlite.org/rescode.html).
    code.and_then(|code| code.parse::<i32>().ok()).is_some_and(|code| code & 0xff == SQLITE_BUSY)
}
